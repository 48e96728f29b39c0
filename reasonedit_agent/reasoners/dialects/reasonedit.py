"""The `reasonedit` dialect: what the released ReasonEdit Reasoner (Step1X-Edit v1p2) was tuned on.

Thinking is plain text. Reflection is five calls: describe the target, assess the result against it, conclude with a
tag, and two VIEScore calls. The order of the calls, the pictures of each, the tags, the JSON fields and the caps on the
assessment are the released code's; the words are ours (``prompts=FILE`` takes others). Sampling: temperature 0.7,
top-p 0.9, with seeds that follow from the run's.

The released model was tuned on one source and one instruction, and a plain request is asked as it was. What it was not
tuned on goes only where its format has room: a marked region and advice as lines beneath the instruction, wherever that
stands; the references behind the source, where the target is put into words (think, describe), so that the pictures of
the three judging calls stay as tuned; earlier rounds in the call that concludes, which must not order the same again.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, TypeAdapter

from reasonedit_agent.errors import Malformed, Refused, UsageError
from reasonedit_agent.reasoners.dialects.asking import request_in_words
from reasonedit_agent.reasoners.dialects.base import Conversation, Prompt, Reply, Turn
from reasonedit_agent.reasoners.dialects.json_dialect import JsonDialect
from reasonedit_agent.reasoners.dialects.strict import declines, read_json
from reasonedit_agent.reasoners.dialects.words import Words
from reasonedit_agent.schemas import (
    Accepted,
    Answer,
    Candidate,
    Card,
    EditCall,
    EditRequest,
    EditStep,
    History,
    ImageRef,
    Preference,
    Refine,
    Rejected,
    Scores,
    Thought,
    Verdict,
    derive_seed,
)

__all__ = ["Assessment", "ReasonEditDialect", "capped", "language_of", "needs_text", "read_tags"]

_TAGS = ("Success", "Reflection", "Failed", "Others")


def needs_text(card: Card, dialect: str) -> None:
    """Refuse a tool that reads no text, before anything is paid for.

    Raises:
        UsageError: It is one.
    """
    if card.operations and not card.reads_text:
        raise UsageError(
            f"The dialect {dialect} plans in words, and this tool reads none.",
            hint="Take dialect=json, which gives typed operations, or a tool that reads text.",
        )


def language_of(text: str) -> str:
    """Return the language that replies are asked for: Chinese from the second Chinese character on, else English."""
    return "Chinese (中文)" if len(re.findall(r"[\u4e00-\u9fff]", text)) > 1 else "the language of the instruction"


# -- what the model says ----------------------------------------------------------------------------------------------


class Assessment(BaseModel):
    """The JSON object of the second call."""

    meets_instruction: Annotated[Literal["yes", "partial", "no"], BeforeValidator(lambda v: str(v).strip().lower())]
    major_conflicts: int = 0
    minor_conflicts: int = 0
    omissions: int = 0
    hallucinations: int = 0
    raw_score: float
    reason: str = ""


def capped(found: Assessment) -> float:
    """Return the score, 0 to 10, that an assessment allows (the released code's caps)."""
    score = found.raw_score * 10 if 0 <= found.raw_score <= 1 else found.raw_score
    score = min(max(score, 0.0), 10.0)
    missing = found.omissions > 0 or found.hallucinations > 0
    caps = [
        (found.meets_instruction == "no", 2.0),
        (found.meets_instruction == "partial", 5.0),
        (found.major_conflicts >= 2, 5.0),
        (found.major_conflicts == 1, 8.0),
        (missing, 7.0),
        (found.meets_instruction != "yes" or found.major_conflicts > 0 or missing, 8.99),
    ]
    return min([score, *(cap for holds, cap in caps if holds)])


class _Rated(BaseModel):
    score: Annotated[list[Annotated[float, Field(ge=0, le=10)]], Field(min_length=2, max_length=2)]
    reasoning: str = ""


def read_tags(text: str) -> tuple[str, str, str]:
    """Return the reasons, the one decision's tag, and the text after it.

    Raises:
        Malformed: There is not exactly one ``<#Think>`` with one decision after it.
    """
    start = text.find("<#Think>")
    told = text[start:]
    tags = re.findall(r"<#(Think|Success|Reflection|Failed|Others)>", told)
    decisions = [tag for tag in tags if tag != "Think"]
    if start < 0 or tags.count("Think") != 1 or len(decisions) != 1:
        raise Malformed(
            "Write <#Think> once, then exactly one of <#Success>, <#Reflection>, <#Failed>, <#Others>.", raw=text
        )
    reasons, _, after = told.removeprefix("<#Think>").partition(f"<#{decisions[0]}>")
    return reasons.strip(), decisions[0], after.strip()


def _text(reply: Reply) -> str:
    said = reply.text.strip()
    if not said:
        raise Malformed("The reply is empty.", raw=reply.text)
    if declines(said):
        raise Refused("The model declined.", raw=reply.text)
    return said


def _conclusion(reply: Reply) -> tuple[str, str, str]:
    reasons, tag, after = read_tags(reply.text)
    if tag == "Reflection" and not after:
        raise Malformed("Write the further instruction after <#Reflection>.", raw=reply.text)
    return reasons, tag, after


# -- the dialect ------------------------------------------------------------------------------------------------------


class ReasonEditDialect:
    """Plain-text thinking and the five calls of reflection.

    Args:
        prompts: A TOML file of words to ask with instead of ours; the released model may do better with its own.
        judge: Against the user's ``original`` instruction (the paper), or the ``rewritten`` one (the released code).

    Raises:
        UsageError: The file cannot be used, or ``judge`` is something else.
    """

    name = "reasonedit"

    def __init__(self, prompts: str = "", judge: str = "original") -> None:
        if judge not in ("original", "rewritten"):
            raise UsageError(f"judge={judge} is unknown.", hint="Known: original, rewritten.")
        self._words, self._judge = Words.load("reasonedit", prompts), judge
        self._json = JsonDialect()

    @property
    def settings(self) -> dict[str, JsonValue]:
        """The words' version and hashes, and what is judged against."""
        names = ("think", "describe", "assess", "conclude", "score_edit", "score_look")
        hashes = {name: self._words.sha256(name)[:12] for name in names}
        return {"words": self._words.version, "judge": self._judge, **hashes}

    def think(self, request: EditRequest, card: Card, history: History) -> Conversation[Thought]:
        """Ask for the rewritten instruction; the whole reply is it."""
        needs_text(card, self.name)
        instruction = yield self._prompt("think", request, history, 0, (request.image,))
        return Thought(
            instruction=instruction,
            steps=(EditStep(text=instruction),),
            checklist=(instruction,),
            changed=instruction != request.instruction,
        )

    def reflect(
        self, request: EditRequest, thought: Thought, call: EditCall, candidate: Candidate, history: History
    ) -> Conversation[Verdict]:
        """Describe, assess, conclude, and score twice."""
        asked = request.instruction if self._judge == "original" else thought.instruction
        request = request.model_copy(update={"instruction": asked})
        ask, source, result = partial(self._prompt, request=request, history=history), request.image, candidate.image
        at = 10 * (len(history.rounds) + 1)
        target = yield ask("describe", number=at, images=(source,))
        found = yield ask("assess", number=at + 1, images=(result,), read=_assessed, target=target)
        prior = {"score": f"{capped(found):g}", "reason": found.reason}
        concluded = ask("conclude", number=at + 2, images=(source, result), read=_conclusion, **prior)
        reasons, tag, after = yield concluded
        edit = yield ask("score_edit", number=at + 3, images=(source, result), read=_rated)
        look = yield ask("score_look", number=at + 4, images=(result,), read=_rated)
        done = {"yes": True, "no": False}.get(found.meets_instruction)
        shared = {
            "scores": Scores(
                edit_success=edit.score[0],
                over_editing=edit.score[1],
                naturalness=look.score[0],
                artefacts=look.score[1],
            ),
            "answers": tuple(Answer(question=q, yes=done, note=found.reason) for q in thought.checklist),
            "critique": reasons,
        }
        if tag == "Reflection":
            return Refine(**shared, steps=(EditStep(text=after),))
        return Rejected(**shared) if tag == "Failed" else Accepted(**shared)

    def compare(self, request: EditRequest, a: Candidate, b: Candidate) -> Conversation[Preference]:
        """Ask in the words of the `json` dialect: the released model has none of its own."""
        return self._json.compare(request, a, b)

    def _prompt(
        self,
        question: str,
        request: EditRequest,
        history: History,
        number: int,
        images: tuple[ImageRef, ...],
        read: object = _text,
        **values: str,
    ) -> Prompt:
        words, language = self._words, language_of(request.instruction)
        shown = question in ("think", "describe")
        asked = request_in_words(words, request, history, shown=shown, past=question == "conclude")
        values = {"language": language, "instruction": asked, **values}
        images = (*images, *request.references) if shown else images
        task = words.say(question, "task", **values)
        return Prompt(
            name=words.name(question),
            sha256=words.sha256(question),
            turns=(Turn("system", (words.say("all", "system", language=language),)), Turn("user", (*images, task))),
            read=read,  # type: ignore[arg-type]
            max_tokens=512,
            temperature=0.7,
            top_p=0.9,
            seed=derive_seed(request, number, 0),
        )


def _assessed(reply: Reply) -> Assessment:
    return read_json(reply.text, TypeAdapter(Assessment))


def _rated(reply: Reply) -> _Rated:
    return read_json(reply.text, TypeAdapter(_Rated))
