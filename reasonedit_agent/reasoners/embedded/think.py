"""Thinking: the instruction, and what people advised since, become a plan of typed steps in places of the source.

The grammar comes first. A clause that it does not know goes to the nearest known sentence (`prototypes`); what is near
to none, or to two, is not guessed: it is Unsupported, and says what was not understood.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.operations import (
    AddText,
    Adjust,
    Crop,
    CutOut,
    Flip,
    PlainOperation,
    Recolour,
    Resize,
    Rotate,
    Upscale,
)
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.reasoners.embedded.conflicts import framed, opposed, refuse_opposites, refuse_turned
from reasonedit_agent.reasoners.embedded.grammar import Clause, Parsed, amended, parse, things_in
from reasonedit_agent.reasoners.embedded.grammar.concepts import BACKEND, DEFAULTS, REASONS
from reasonedit_agent.reasoners.embedded.messages import language_of, reason, refusal
from reasonedit_agent.reasoners.embedded.places import Places
from reasonedit_agent.reasoners.embedded.prototypes import FLOOR, MARGIN, NEW, PROTOTYPES
from reasonedit_agent.reasoners.embedded.wording import (
    EXAMPLES,
    keep_question,
    keep_statement,
    question,
    remarks,
    statement,
)
from reasonedit_agent.schemas import Card, EditRequest, EditStep, History, Region, Thought

__all__ = ["think"]

_WHOLE = (Resize, Rotate, Flip, Upscale)
"""Operations of the whole canvas: they have no region."""


_LEAST_SEEN = 3.0
"""CIE L* that a brightening adds at least: less is not seen."""


@dataclass(frozen=True)
class _Words:
    """A clause that only a tool that reads text can do."""

    text: str


def think(request: EditRequest, card: Card, history: History, images: ImageStore) -> Thought:
    """Return the plan.

    Args:
        request: Its image is the source.
        card: Of the tool that will do it.
        history: ``human`` may hold advice; later advice adds to the plan, or takes the place of what it contradicts.
        images: Masks are stored there.

    Raises:
        Unsupported: The instruction, or a part of it, cannot be understood, found in the picture, or done by the tool.
        UsageError: Weights are missing.
    """
    texts = [request.instruction, *(a.text for a in history.human if a.kind == "advice" and a.text.strip())]
    plan = _understood(texts[0], request, card)
    for advice in texts[1:]:
        plan = _advised(plan, advice, request, card)
    if not plan.steps:
        raise _idle(" ".join(texts), plan.language) if plan.idle else _not_understood(" ".join(texts), plan.language)
    language = language_of(plan.language)
    places = Places(request, images, plan.excepted, language)
    plan = replace(plan, steps=tuple(_visible(item, places) for item in plan.steps))
    clauses = tuple(item if isinstance(item, Clause) else None for item in plan.steps)
    if None not in clauses:
        refuse_turned([c for c in clauses if c is not None], plan.keep, language)
    steps = tuple(_step(item, plan, places, card) for item in plan.steps)
    steps = framed(steps, clauses, plan.keep, places, language)
    plan = replace(plan, steps=tuple(_shown(i, places) if isinstance(i, Clause) else i for i in plan.steps))
    instruction = _rewritten(plan, language) + remarks(
        tuple(places.guesses), plan.unused, tuple(dict.fromkeys(places.lost)), language
    )
    return Thought(
        instruction=instruction,
        steps=steps,
        keep=plan.keep,
        checklist=(
            *(_asked(item, language) for item in plan.steps),
            *(keep_question(noun, language) for noun in plan.keep),
        ),
        changed=instruction != request.instruction,
    )


# -- understanding ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    language: str
    steps: tuple[Clause | _Words, ...]
    keep: tuple[str, ...]
    unused: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    idle: bool = False


def _understood(text: str, request: EditRequest, card: Card) -> _Plan:
    """Parse, look for the meaning of what the grammar does not know, and refuse what cannot be done."""
    size, references = request.image.size, len(request.references)
    parsed = parse(text, size=size, references=references)
    new: list[tuple[str, str, str]] = []
    for unknown in parsed.unknown:
        meant = _nearest(unknown, parsed.language)
        if meant == NEW:
            new.append((unknown, REASONS["generate"], BACKEND))
        elif meant is not None:
            text = text.replace(unknown, meant, 1)
    if parsed.unknown:
        again = parse(text, size=size, references=references)
        left = tuple(u for u in again.unknown if u not in {clause for clause, _, _ in new})
        parsed = replace(again, language=parsed.language, unsupported=(*again.unsupported, *new), unknown=left)
    words = [_Words(clause) for clause, _, _ in parsed.unsupported] + [_Words(clause) for clause in parsed.unknown]
    if words and not card.reads_text:
        raise _refusal(parsed)
    refuse_opposites(parsed.clauses, parsed.language)
    both: list[Clause | _Words] = [*parsed.clauses, *words]
    steps = sorted(both, key=lambda item: max(text.find(item.text), 0))
    return _Plan(parsed.language, tuple(steps), parsed.keep, parsed.unused, parsed.excepted, parsed.idle)


def _refusal(parsed: Parsed) -> Unsupported:
    language = parsed.language
    if parsed.unsupported:
        clause, why, backend = parsed.unsupported[0]
        needs = ("needs", reason(backend, language)) if backend else ("",)
        return refusal(language, ("cannot", clause, reason(why, language)), needs)
    return _not_understood(parsed.unknown[0], language)


def _not_understood(text: str, language: str) -> Unsupported:
    language = language_of(language)
    return refusal(language, ("unclear", text.strip()[:200]), ("example", EXAMPLES[language]))


def _idle(text: str, language: str) -> Unsupported:
    language = language_of(language)
    return refusal(language, ("idle", text.strip()[:200]), ("idle_example", EXAMPLES[language]))


def _nearest(text: str, language: str) -> str | None:
    """Return the known instruction that a sentence means, `NEW`, or None when it is near to none, or to two."""
    if language != "en" or len(text.split()) < 2:
        return None
    from reasonedit_agent.perception.embedding import embed

    scores = embed([sentence for sentence, _ in PROTOTYPES]) @ embed([text])[0]
    best = int(np.argmax(scores))
    meaning = PROTOTYPES[best][1]
    others = [float(s) for s, (_, other) in zip(scores, PROTOTYPES, strict=True) if other != meaning]
    if float(scores[best]) < FLOOR or float(scores[best]) - max(others) < MARGIN or not meaning:
        return None
    if meaning == NEW:
        return NEW
    things = things_in(text, language)
    return meaning.format(f"the {things[0]}" if things else "the picture")


def _advised(plan: _Plan, advice: str, request: EditRequest, card: Card) -> _Plan:
    """Add advice to a plan: the same operation at the same place is replaced, "stronger" scales, the rest is added."""
    scaled = amended(advice)
    if scaled is not None:
        steps = tuple(_scaled(item, scaled) for item in plan.steps)
        return replace(plan, steps=steps)
    new = _understood(advice, request, card)
    added = [_aimed(item, plan) for item in new.steps]
    kept = [item for item in plan.steps if not any(_replaces(late, item) for late in added)]
    keep = tuple(dict.fromkeys((*plan.keep, *new.keep)))
    # What is to stay now is not edited, however early it was named.
    kept = [item for item in kept if not (isinstance(item, Clause) and item.target in new.keep)]
    excepted = (*plan.excepted, *new.excepted)
    return _Plan(plan.language, (*kept, *added), keep, (*plan.unused, *new.unused), excepted, plan.idle)


def _aimed(item: Clause | _Words, plan: _Plan) -> Clause | _Words:
    """Advice that names no place speaks of the place where the plan does the same kind of thing."""
    if isinstance(item, _Words) or item.target is not None:
        return item
    same = [c for c in plan.steps if isinstance(c, Clause) and c.kind == item.kind]
    return replace(item, target=same[-1].target) if same else item


def _replaces(late: Clause | _Words, early: Clause | _Words) -> bool:
    if isinstance(late, _Words) or isinstance(early, _Words):
        return False
    return late.target == early.target and (late.kind == early.kind or opposed(late.operation, early.operation))


_AMOUNTS = ("amount", "sigma", "strength")


def _scaled(item: Clause | _Words, factor: float) -> Clause | _Words:
    if isinstance(item, _Words):
        return item
    values = item.operation.model_dump()
    for name in _AMOUNTS:
        if isinstance(values.get(name), float):
            top = 1.0 if name == "strength" and values["op"] != "redact" else 5.0 if name == "amount" else 500.0
            values[name] = round(max(min(values[name] * factor, top), -top), 4)
    return replace(item, operation=type(item.operation).model_validate(values))


# -- placing ----------------------------------------------------------------------------------------------------------


def _step(item: Clause | _Words, plan: _Plan, places: Places, card: Card) -> EditStep:
    if isinstance(item, _Words):
        return EditStep(text=item.text)
    # A tool that reads text leaves the operation alone; by it the result is measured.
    operation: PlainOperation = item.operation
    if operation.op not in card.operations and not card.reads_text:
        raise refusal(plan.language, ("no_operation", item.text, operation.op), ("other_tool",))
    region = _region(item, plan, places)
    if isinstance(operation, Crop) and operation.margin and region is not None and region == places.drawn:
        operation = operation.model_copy(update={"margin": 0.0})  # the frame was drawn, not guessed around a thing
    return EditStep(text=statement(_shown(item, places), "en"), operation=operation, region=region)


def _visible(item: Clause | _Words, places: Places) -> Clause | _Words:
    """Return a brightening of a dark place so strong that a person sees it; an amount that was named stays."""
    if isinstance(item, _Words) or item.stated or not isinstance(item.operation, Adjust):
        return item
    if item.operation.what != "brightness" or item.operation.amount <= 0:
        return item
    lightness = max(places.lightness(item.target), 5.0)
    more = max(1.0, DEFAULTS["dark"] / lightness)
    amount = round(min(max(item.operation.amount * more, _LEAST_SEEN / lightness), 5.0), 4)
    return replace(item, operation=item.operation.model_copy(update={"amount": amount}))


def _region(item: Clause, plan: _Plan, places: Places) -> Region | None:
    if isinstance(item.operation, _WHOLE):
        return None
    # Letters and frames do not change what they touch, and a removal or a new background names its own place.
    local = not isinstance(item.operation, AddText | Crop)
    keep = tuple(noun for noun in plan.keep if noun != item.target) if local else ()
    if isinstance(item.operation, CutOut) and item.target is not None:
        both = (item.target, *(noun for noun in keep if places.knows(noun)))  # nothing else stays
        return places.region(" and ".join(both), ())
    return places.region(item.target, keep, painted=isinstance(item.operation, Recolour))


# -- wording ----------------------------------------------------------------------------------------------------------


def _shown(item: Clause, places: Places) -> Clause:
    """Return the clause with the name of the region in the place of "the picture", where it acts on a region."""
    if item.target is not None or isinstance(item.operation, _WHOLE):
        return item
    return replace(item, target=places.drawn_name)


def _asked(item: Clause | _Words, language: str) -> str:
    if isinstance(item, Clause):
        return question(item, language)
    return f"Is this done: {item.text}?"


def _rewritten(plan: _Plan, language: str) -> str:
    said = [statement(i, language) if isinstance(i, Clause) else i.text for i in plan.steps]
    said += [keep_statement(noun, language) for noun in plan.keep]
    return ("；" if language == "zh" else "; ").join(said)
