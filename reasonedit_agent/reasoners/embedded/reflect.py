"""The verdict on a candidate: every step of the plan is measured, and what is measured decides the next round.

`judge` compares the source with the candidate, step by step (`checks`), then the rest of the picture, and answers with
a `Verdict`:

- every step done, the rest kept: Accepted;
- something missing that can be made up for on the candidate: Refine, with corrections alone, sized by what is missing;
- a wrong place, a bad fill, a change where none was asked: Rejected, with the whole plan, changed where it failed.

A correction that an earlier round tried without gain is not tried again: the next remedy of the step's list is; when
none is left, a step that is nearly done is accepted with the score that it has, and anything else is rejected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reasonedit_agent import operations as ops
from reasonedit_agent.perception.locate import Scene
from reasonedit_agent.perception.masks import iou
from reasonedit_agent.perception.regions import warp
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.reasoners.embedded.checks import CHECKS
from reasonedit_agent.reasoners.embedded.checks.base import Evidence, Finding, Remedy, progress_in
from reasonedit_agent.reasoners.embedded.checks.coverage import left_out
from reasonedit_agent.reasoners.embedded.checks.evidence import Exhibits
from reasonedit_agent.reasoners.embedded.checks.fresh import other_masks, second_look, stored, support, with_mask
from reasonedit_agent.reasoners.embedded.checks.guesses import guessed_name
from reasonedit_agent.reasoners.embedded.checks.past import Past, Plan, plan_in_force
from reasonedit_agent.reasoners.embedded.checks.whole import Whole, keeps, look_at_whole
from reasonedit_agent.reasoners.embedded.grammar.languages import detect
from reasonedit_agent.reasoners.embedded.messages import BY_REGION, language_of, say
from reasonedit_agent.reasoners.embedded.places import BOUNDED, guessed
from reasonedit_agent.reasoners.embedded.wording import noun_in
from reasonedit_agent.schemas import (
    Accepted,
    Affine,
    Answer,
    Candidate,
    EditCall,
    EditRequest,
    EditStep,
    Geometry,
    History,
    Mask,
    Refine,
    Rejected,
    Scores,
    Thought,
    Verdict,
)

__all__ = ["Judgement", "judge", "reflect"]

_TURNS = (ops.Resize, ops.Rotate, ops.Flip, ops.Upscale)
"""Steps of the whole picture, which have no place."""

_NEARLY = 6.5
"""Success from which a step that nothing improves any more is accepted as it is."""


_GUESSED = 0.6
"""What is left of the success of a step whose place was guessed: less than of any step that is known to be done."""

_STAYS = 0.5
"""Least share of a thing that must stay which the candidate still shows."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and all figures behind it.

    Attributes:
        verdict: The verdict.
        measures: Figures by check, for the trace.
        note: One line.
    """

    verdict: Verdict
    measures: dict[str, dict[str, float]]
    note: str


def reflect(
    request: EditRequest,
    thought: Thought,
    call: EditCall,
    candidate: Candidate,
    history: History,
    images: ImageStore,
) -> Verdict:
    """Return the verdict of `judge`."""
    return judge(request, thought, call, candidate, history, images).verdict


def judge(
    request: EditRequest,
    thought: Thought,
    call: EditCall,
    candidate: Candidate,
    history: History,
    images: ImageStore,
) -> Judgement:
    """Measure a candidate against the whole plan.

    Args:
        request: Names the source, which the candidate is compared with.
        thought: The plan; its steps are what the user asked for.
        call: What this round was asked to do: the plan, or corrections of an earlier round.
        candidate: The result.
        history: The rounds before this one.
        images: Holds the pixels; a mask that is found afresh is stored there.

    Raises:
        UsageError: Weights that a check needs are missing.
        StoreError: A picture is not in the store.
    """
    plan = plan_in_force(thought, call, history)
    exhibits = Exhibits.of(request, plan.steps, candidate, images)
    steps = exhibits.steps
    findings = [_check(k, plan, exhibits, images) for k in range(len(steps))]
    whole = look_at_whole(exhibits.common, exhibits.touched, exhibits.whole, exhibits.free_look)
    kept = [_kept_thing(text, exhibits, images) for text in thought.keep]
    past = Past(call, history, candidate, tuple(progress_in(finding.note) for finding in findings))
    for k, finding in enumerate(findings):
        if finding.yes is False and all(past.spent(k, remedy) for remedy in finding.remedies):
            findings[k] = _with_other_masks(k, finding, exhibits, images)
    guesses = tuple(dict.fromkeys(filter(None, (guessed_name(step.region) for step in steps))))
    findings = [_unsure(f) if guessed_name(s.region) else f for s, f in zip(steps, findings, strict=True)]
    answers = _answers(thought, findings, kept)
    scores = _scores(findings, whole, exhibits.same_pixels)
    language = language_of(detect(request.instruction))
    critique = _critique(answers, findings, whole, exhibits.same_pixels, guesses, language)
    verdict = _decide(steps, findings, kept, whole, exhibits.same_pixels, past, scores, answers, critique)
    if guesses and isinstance(verdict, Accepted):  # whoever asked must see to it that the right thing was edited
        verdict = Rejected(**{name: getattr(verdict, name) for name in Accepted.model_fields if name != "kind"})
    measures = {f"{k + 1} {_op_name(s)}": f.measures for k, (s, f) in enumerate(zip(steps, findings, strict=True))}
    measures["whole"] = whole.measures
    return Judgement(verdict, measures, f"{verdict.kind}: {verdict.critique}"[:200])


def _op_name(step: EditStep) -> str:
    return step.operation.op if step.operation is not None else "text"


# -- findings ---------------------------------------------------------------------------------------------------------


def _check(index: int, plan: Plan, exhibits: Exhibits, images: ImageStore) -> Finding:
    last = plan.last[index]
    step, seen = exhibits.steps[index], exhibits.for_step(index, last, replaced=plan.replaced[index])
    check = CHECKS.get(type(step.operation)) if step.operation is not None else None
    if check is None:
        return _unnamed(step, seen)
    finding = check(step, seen)
    if finding.yes is False and exhibits.interact[index]:
        # The fault may be another step's, on the pixels that both share: ask again where this one is alone.
        apart = check(step, exhibits.for_step(index, last, apart=True))
        finding = max(finding, apart, key=lambda f: f.success)
    if finding.mask is not None and isinstance(step.region, Mask):
        better = with_mask(step, finding.mask, seen, images)
        return replace(finding, remedies=(better, *finding.remedies))
    finding = _whole_place(step, finding, seen, images)
    if isinstance(step.operation, _TURNS):
        return finding
    # A crop shows a part, and a thing that is turned is not recognised: they are looked for in all of the source.
    turned = any(isinstance(other.operation, (ops.Crop, *_TURNS)) for other in exhibits.steps)
    return _right_place(step, finding, exhibits.on_source(index, images) if turned else seen, images)


def _whole_place(step: EditStep, finding: Finding, seen: Evidence, images: ImageStore) -> Finding:
    """Doubt a finding where a part of the region was left as it was; the remedy does that part."""
    if finding.yes is not True:
        return finding
    share, rest = left_out(step, seen)
    measures = {**finding.measures, "left_out": share}
    if rest is None:
        return replace(finding, measures=measures)
    there = step.model_copy(update={"region": stored(rest, seen, images)})
    note = f"{finding.note}; {share:.0%} of the region was left as it was"
    remedies = (Remedy("refine", there, "the part that was left out"), Remedy("restart", step, "anew"))
    success = min(finding.success, 10 * (1 - share), 6.0)
    return replace(finding, yes=False, note=note, success=success, remedies=remedies, measures=measures)


def _right_place(step: EditStep, finding: Finding, seen: Evidence, images: ImageStore) -> Finding:
    """Doubt a finding where other views of what the step names see it elsewhere; be less sure where they half agree."""
    doubt = second_look(step, seen)
    if doubt is not None:
        note = f"{finding.note}; other views of it overlap with the mask by {doubt.agreement:.2f} only"
        remedy = with_mask(step, doubt.mask, seen, images)
        return replace(finding, yes=False, note=note, success=min(finding.success, 5.0), remedies=(remedy,))
    agreed = support(step, seen)
    if agreed is None:
        return finding
    sure = float(np.clip((agreed - 0.4) / 0.3, 0.2, 1.0))
    return replace(finding, margin=finding.margin * sure, measures={**finding.measures, "second_view": agreed})


def _with_other_masks(index: int, finding: Finding, exhibits: Exhibits, images: ImageStore) -> Finding:
    """Return the finding with masks of the same thing from other sources as its last remedies."""
    step, seen = exhibits.steps[index], exhibits.for_step(index)
    others = tuple(with_mask(step, mask, seen, images) for mask in other_masks(step, seen)[:2])
    return replace(finding, remedies=finding.remedies + others)


def _unsure(finding: Finding) -> Finding:
    """Return the finding on a step whose place was guessed: well done there says nothing of the right place."""
    success = finding.success * _GUESSED
    if finding.yes is not True:
        return replace(finding, success=success)
    return replace(finding, yes=None, note=f"{finding.note}; but where it is was a guess", success=success)


def _unnamed(step: EditStep, seen: Evidence) -> Finding:
    """Refuse to judge a step in words alone: it can be seen that something changed, not what."""
    where = seen.inside()
    moved = float(np.linalg.norm(seen.result_lab - seen.source_lab, axis=2)[where].mean()) if where.any() else 0.0
    question = f"Was it done: {step.text[:80]}?"
    if moved < 1:
        return Finding(question, False, "nothing changed there", 0, (Remedy("restart", step, "anew"),), 0.8)
    note = f"it changed by {moved:.1f} Lab, and what it became cannot be measured; a vision-language model can tell"
    return Finding(question, False, note, 5, (), 0.1)


def _kept_thing(text: str, exhibits: Exhibits, images: ImageStore) -> Finding:
    """Is a thing that must stay as it was?"""
    seen: Evidence = exhibits.common
    question = f"Is it kept: {text[:80]}?"
    if _cut_away(text, exhibits, images):
        return Finding(question, False, "it is not in the picture any more", 0, (), 1.0)
    found = Scene.of(seen.source).find(text)
    if found is None or found.score < 0.3:
        return Finding(question, None, "it is not recognised in the picture", 8)
    if max(iou(found.mask, place.mask) for place in exhibits.places) > 0.5:
        return Finding(question, None, "it cannot be told apart from what was to change", 8)
    return keeps(question, found.mask, seen, exhibits.whole)


def _cut_away(text: str, exhibits: Exhibits, images: ImageStore) -> bool:
    """Whether a crop or a cut-out left less than half of a thing, or nothing of what has no bounds."""
    if not any(isinstance(step.operation, ops.Crop | ops.CutOut) for step in exhibits.steps):
        return False
    full = exhibits.on_source(0, images)
    found = full.before.find(text)
    if found is None or found.score < 0.3 or guessed(found):
        return False
    seen = exhibits.common
    shown = warp(found.mask, _between(full.geometry, seen.geometry), (seen.alpha.shape[1], seen.alpha.shape[0]))
    stays = float((shown * seen.alpha * seen.valid).sum()) * (full.geometry.scale / seen.geometry.scale) ** 2
    least = _STAYS if found.source in BOUNDED else 0.02
    return stays < least * float(found.mask.sum())


def _between(one: Geometry, other: Geometry) -> Affine:
    """Return the map from one candidate's pixels to another's, both of the same source."""
    a, b, c, d, e, f = one.matrix
    det = a * e - b * d
    back = (e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det)
    return Geometry(matrix=back, valid=one.valid).then(other.matrix).matrix


# -- the verdict ------------------------------------------------------------------------------------------------------


def _answers(thought: Thought, findings: list[Finding], kept: list[Finding]) -> tuple[Answer, ...]:
    """Answer the checklist in its order: first the steps, then what must stay."""
    found = [*findings, *kept]
    questions = list(thought.checklist)
    return tuple(
        Answer(question=questions[k] if k < len(questions) else f.question, yes=f.yes, note=f.note)
        for k, f in enumerate(found)
    )


def _scores(findings: list[Finding], whole: Whole, same_pixels: bool) -> Scores:
    """Score the axes: the worst step counts for 70 % of the success, the mean of all for the rest."""
    success = [f.success for f in findings]
    edit = 0.7 * min(success) + 0.3 * float(np.mean(success))
    edit = min(edit, 1.0) if same_pixels else edit
    values = {
        "edit_success": edit,
        "over_editing": whole.over_editing,
        "naturalness": whole.naturalness,
        "artefacts": whole.artefacts,
    }
    return Scores(**{name: round(float(np.clip(value, 0, 10)), 2) for name, value in values.items()})


def _decide(
    steps: tuple[EditStep, ...],
    findings: list[Finding],
    kept: list[Finding],
    whole: Whole,
    same_pixels: bool,
    past: Past,
    scores: Scores,
    answers: tuple[Answer, ...],
    critique: str,
) -> Verdict:
    failed = [k for k, f in enumerate(findings) if f.yes is False]
    lost = [f for f in kept if f.yes is False]
    fine = not failed and not lost and whole.kept and whole.sound and not same_pixels
    confidence = _confidence(findings, whole, fine)
    common = {"scores": scores, "answers": answers, "critique": critique, "confidence": confidence}
    if fine:
        return Accepted(**common)
    open_ = {k: [r for r in findings[k].remedies if not past.spent(k, r)] for k in failed}
    if whole.kept and whole.sound and not lost and failed and all(_first(open_[k], "refine") for k in failed):
        first = [open_[k][0] for k in failed]
        if all(remedy.method == "refine" for remedy in first):
            return Refine(steps=tuple(remedy.step for remedy in first), **common)
    changes = {k: remedy for k in failed if (remedy := _first(open_[k], "restart")) is not None}
    if changes:
        plan = tuple(changes[k].step if k in changes else step for k, step in enumerate(steps))
        return Rejected(steps=plan, **common)
    refinable = [remedy for k in failed if (remedy := _first(open_[k], "refine")) is not None]
    if refinable and whole.kept and whole.sound and not lost:
        return Refine(steps=tuple(remedy.step for remedy in refinable), **common)
    nearly = failed and all(findings[k].success >= _NEARLY for k in failed)
    if nearly and whole.kept and whole.sound and not lost and not same_pixels and past.corrected:
        return Accepted(**common | {"confidence": 0.5})
    return Rejected(**common)


def _first(remedies: list[Remedy], method: str) -> Remedy | None:
    return next((remedy for remedy in remedies if remedy.method == method), None)


def _critique(
    answers: tuple[Answer, ...],
    findings: list[Finding],
    whole: Whole,
    same_pixels: bool,
    guesses: tuple[str, ...],
    language: str,
) -> str:
    """Return what fell short, step by step; the figures are in English, so another language has the shares alone."""
    if same_pixels:
        return say("unchanged", language)
    said = [_no(answer, language) for answer in answers if answer.yes is False]
    if not whole.kept or not whole.sound:
        figure = (
            whole.note if language == "en" else f"{min(whole.over_editing, whole.naturalness, whole.artefacts):g}/10"
        )
        said.append(say("rest", language, figure))
    said += [say("guess", language, noun_in(noun, language), BY_REGION) for noun in guesses]
    if said:
        return ("" if language == "zh" else " ").join(said)
    notes = "; ".join(finding.note for finding in findings)
    return say("done", language, len(findings), notes, whole.note)


def _no(answer: Answer, language: str) -> str:
    if language == "en":
        return say("no", language, answer.question, answer.note)
    progress = progress_in(answer.note)
    return say("no", language, answer.question, "" if progress is None else f" ({progress:.0%})")


def _confidence(findings: list[Finding], whole: Whole, fine: bool) -> float:
    """Return the probability given to accepting: 0.5 at a threshold, 1 or 0 far from it.

    A question that could not be answered takes a fifth off what is known.
    """
    decisive = [f for f in findings if f.yes is not None and (fine or f.yes is False)]
    sure = min((f.margin for f in decisive), default=0.0) if fine else max((f.margin for f in decisive), default=0.8)
    unknown = any(f.yes is None for f in findings)
    away = 0.5 * float(np.clip(sure, 0, 1)) * (0.8 if unknown else 1.0)
    return round(0.5 + away if fine else 0.5 - away, 3)
