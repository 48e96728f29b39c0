"""The `json` dialect: one call per question, held to a JSON schema; for any vision-language model."""

from __future__ import annotations

import inspect
from functools import lru_cache, partial
from typing import Any, cast

from pydantic import BaseModel, JsonValue

from reasonedit_agent.errors import Malformed, Unsupported
from reasonedit_agent.operations import PlainOperation
from reasonedit_agent.reasoners.dialects.asking import place_in_words
from reasonedit_agent.reasoners.dialects.base import Choice, Conversation, Prompt, Reply, Turn
from reasonedit_agent.reasoners.dialects.json_replies import (
    PREFERENCE,
    Answered,
    Boxed,
    Form,
    Named,
    plan_reply,
    verdict_reply,
)
from reasonedit_agent.reasoners.dialects.past import advice, rounds_in_words
from reasonedit_agent.reasoners.dialects.strict import read_json
from reasonedit_agent.reasoners.dialects.words import Words
from reasonedit_agent.schemas import (
    Accepted,
    Answer,
    Box,
    Candidate,
    Card,
    EditCall,
    EditRequest,
    EditStep,
    History,
    ImageRef,
    Phrase,
    Preference,
    Refine,
    Region,
    Rejected,
    Scores,
    Thought,
    Verdict,
)

__all__ = ["JsonDialect"]

_VERDICT = Choice(before='"verdict":', words=("accept", "refine", "reject"))


# -- the dialect ------------------------------------------------------------------------------------------------------


class JsonDialect:
    """One call to plan, one to judge.

    Args:
        prompts: A TOML file of words to ask with instead of ours. A model that was tuned on other words may do worse
            with ours.

    Raises:
        UsageError: The file cannot be used.
    """

    name = "json"

    def __init__(self, prompts: str = "") -> None:
        self._words = Words.load("json", prompts)

    @property
    def settings(self) -> dict[str, JsonValue]:
        """The words' version and hashes."""
        names = ("think", "reflect", "compare")
        return {"words": self._words.version, **{name: self._words.sha256(name)[:12] for name in names}}

    def think(self, request: EditRequest, card: Card, history: History) -> Conversation[Thought]:
        """Ask for the plan in one call."""
        words = self._words
        tool = words.say("think", "reads_text", limits=_limits(card))
        form = plan_reply(card.operations, needed=not card.reads_text)
        if card.operations:
            tool = words.say("think", "operations", operations=_described(card.operations))
        task = words.say("think", "task", most=8 if card.operations else 3, tool=tool)
        thought = yield self._prompt("think", request, history, (task,), form, partial(_thought, request, form))
        return cast(Thought, thought)

    def reflect(
        self, request: EditRequest, thought: Thought, call: EditCall, candidate: Candidate, history: History
    ) -> Conversation[Verdict]:
        """Ask for the whole verdict in one call, against the user's own words."""
        words = self._words
        questions = "\n".join(f"{n}. {question}" for n, question in enumerate(thought.checklist, 1)) or "(none)"
        keep = "; ".join(thought.keep) or "all that was not asked for"
        parts: list[str | ImageRef] = [
            words.say("reflect", "plan", plan=thought.instruction, keep=keep, checklist=questions)
        ]
        # What does not change over the rounds stands first: a server's prefix cache holds it.
        parts.append(words.say("reflect", "task"))
        if past := rounds_in_words(history):
            parts.append(words.say("reflect", "history", rounds=past))
        parts += [words.say("reflect", "result", round=len(history.rounds) + 1), candidate.image]
        parts.append(words.say("reflect", "end"))
        typed = tuple(dict.fromkeys(step.operation.op for step in call.steps if step.operation))
        form = verdict_reply(len(thought.checklist), typed)
        read = partial(_verdict, request, thought, form)
        verdict = yield self._prompt("reflect", request, history, tuple(parts), form, read, choice=_VERDICT)
        return cast(Verdict, verdict)

    def compare(self, request: EditRequest, a: Candidate, b: Candidate) -> Conversation[Preference]:
        """Ask which result is better, ``a`` first."""
        words = self._words
        first, second = words.say("compare", "first"), words.say("compare", "second")
        parts = (first, a.image, second, b.image, words.say("compare", "task"))
        history = History(request=request)
        preference = yield self._prompt("compare", request, history, parts, PREFERENCE, _preference)
        return cast(Preference, preference)

    def _prompt(
        self,
        question: str,
        request: EditRequest,
        history: History,
        parts: tuple[str | ImageRef, ...],
        form: Form,
        read: Any,
        choice: Choice | None = None,
    ) -> Prompt:
        """Put what all questions of a run share first: rules, source, request."""
        words, source = self._words, request.image
        region = (
            words.say("all", "region", place=place_in_words(request.region, source)) + "\n" if request.region else ""
        )
        told = words.say("all", "advice", advice=text) + "\n" if (text := advice(history)) else ""
        shared: list[str | ImageRef] = [
            words.say("all", "source", width=source.width, height=source.height),
            source,
            words.say("all", "request", instruction=request.instruction, region=region, advice=told),
        ]
        for number, reference in enumerate(request.references, 1):
            shared += [words.say("all", "reference", number=number), reference]
        return Prompt(
            name=words.name(question),
            sha256=words.sha256(question),
            turns=(Turn("system", (words.say("all", "system"),)), Turn("user", (*shared, *parts))),
            read=read,
            schema=form.schema,
            choice=choice,
        )


# -- what goes into the words -----------------------------------------------------------------------------------------


def _limits(card: Card) -> str:
    takes = f" It takes up to {card.references} reference pictures." if card.references else ""
    speaks = f" It reads these languages only: {', '.join(card.languages)}." if card.languages else ""
    return takes + speaks


@lru_cache(maxsize=64)
def _described(names: tuple[str, ...]) -> str:
    """Return the operations with their fields, in the words of their own documentation."""
    members = [m for m in PlainOperation.__args__ if m.model_fields["op"].default in names]
    return "\n".join(f"- {m.model_fields['op'].default}: {_doc(m)}" for m in members)


def _doc(member: type[BaseModel]) -> str:
    return "\n  ".join(line.strip() for line in (inspect.getdoc(member) or "").splitlines() if line.strip())


# -- what comes out of the replies ------------------------------------------------------------------------------------


def _thought(request: EditRequest, form: Form, reply: Reply) -> Thought:
    plan: Any = read_json(reply.text, form.adapter)
    if hasattr(plan, "unsupported"):
        raise Unsupported(plan.unsupported.strip(), raw=reply.text)
    instruction = plan.instruction.strip() or request.instruction
    return Thought(
        instruction=instruction,
        steps=_steps(plan.steps, request.image, reply),
        keep=tuple(text.strip() for text in plan.keep if text.strip()),
        checklist=tuple(text.strip() for text in plan.checklist if text.strip()),
        changed=instruction != request.instruction,
    )


def _verdict(request: EditRequest, thought: Thought, form: Form, reply: Reply) -> Verdict:
    judged: Any = read_json(reply.text, form.adapter)
    steps = _steps(judged.next, request.image, reply)
    told = {
        "scores": Scores(**judged.scores.model_dump()),
        "answers": _answers(thought.checklist, judged.answers),
        "critique": judged.critique.strip(),
        "confidence": reply.chances.get("accept") if reply.chances else None,
    }
    if judged.verdict == "accept":
        return Accepted(**told)
    if judged.verdict == "reject":
        return Rejected(**told, steps=steps or None)
    return Refine(**told, steps=steps)


def _answers(questions: tuple[str, ...], answered: list[Answered]) -> tuple[Answer, ...]:
    yes = {"yes": True, "no": False, "unsure": None}
    padded = [*answered, *[Answered(answer="unsure", note="")] * len(questions)]
    return tuple(
        Answer(question=question, yes=yes[given.answer], note=given.note.strip())
        for question, given in zip(questions, padded, strict=False)
    )


def _preference(reply: Reply) -> Preference:
    preferred = read_json(reply.text, PREFERENCE.adapter)
    return Preference(better=preferred.better, reason=preferred.reason.strip())


def _steps(steps: list[Any], image: ImageRef, reply: Reply) -> tuple[EditStep, ...]:
    return tuple(
        EditStep(
            text=step.text.strip() or "(no words)",
            operation=getattr(step, "operation", None),
            region=_region(step.region, image, reply),
        )
        for step in steps
    )


def _region(place: Named | Boxed | None, image: ImageRef, reply: Reply) -> Region | None:
    if place is None:
        return None
    if isinstance(place, Named):
        return Phrase(text=place.phrase.strip()) if place.phrase.strip() else None
    left, top, right, bottom = place.box
    if not (left < right and top < bottom):
        raise Malformed(f"The box {place.box} is not left, top, right, bottom.", raw=reply.text)
    across, down = image.width / 1000, image.height / 1000
    return Box(left=left * across, top=top * down, right=right * across, bottom=bottom * down)
