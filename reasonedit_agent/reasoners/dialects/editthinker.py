"""The `editthinker` dialect: critique, two scores and a better prompt in tags; every edit starts from the source.

Tags, scores and the rule for stopping (the prompt stays as it is, or both scores are 8 or more) are EditThinker's; the
words are ours. A marked region, advice and the references go into both calls, earlier rounds into the one that judges:
beneath the instruction and behind the tuned pictures, and only where there are some.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue, TypeAdapter

from reasonedit_agent.errors import Malformed, Refused
from reasonedit_agent.reasoners.dialects.asking import request_in_words
from reasonedit_agent.reasoners.dialects.base import Conversation, Prompt, Reply, Turn
from reasonedit_agent.reasoners.dialects.json_dialect import JsonDialect
from reasonedit_agent.reasoners.dialects.reasonedit import language_of, needs_text
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
    Rejected,
    Scores,
    Thought,
    Verdict,
    join_texts,
)

__all__ = ["EditThinkerDialect"]

_ENOUGH = 8.0


class _Rated(BaseModel):
    semantic: Annotated[float, Field(ge=0, le=10)]
    quality: Annotated[float, Field(ge=0, le=10)]


class EditThinkerDialect:
    """One call to polish the prompt, one to judge and to write a better one.

    Args:
        prompts: A TOML file of words to ask with instead of ours.

    Raises:
        UsageError: The file cannot be used.
    """

    name = "editthinker"

    def __init__(self, prompts: str = "") -> None:
        self._words = Words.load("editthinker", prompts)
        self._json = JsonDialect()

    @property
    def settings(self) -> dict[str, JsonValue]:
        """The words' version and hashes."""
        return {"words": self._words.version, **{n: self._words.sha256(n)[:12] for n in ("think", "reflect")}}

    def think(self, request: EditRequest, card: Card, history: History) -> Conversation[Thought]:
        """Ask for a prompt that the editor can follow."""
        needs_text(card, self.name)
        prompt = yield self._prompt("think", request, history, (request.image,), _answer)
        return Thought(
            instruction=prompt,
            steps=(EditStep(text=prompt),),
            checklist=(prompt,),
            changed=prompt != request.instruction,
        )

    def reflect(
        self, request: EditRequest, thought: Thought, call: EditCall, candidate: Candidate, history: History
    ) -> Conversation[Verdict]:
        """Ask for critique, scores and the next prompt."""
        prompt = join_texts(call.steps) or call.instruction
        images = (request.image, candidate.image)
        reasons, rated, better = yield self._prompt("reflect", request, history, images, _judged, prompt=prompt)
        enough = rated.semantic >= _ENOUGH and rated.quality >= _ENOUGH
        done = enough or " ".join(better.split()) == " ".join(prompt.split())
        shared = {
            "scores": Scores(
                edit_success=rated.semantic,
                over_editing=rated.semantic,
                naturalness=rated.quality,
                artefacts=rated.quality,
            ),
            "answers": tuple(Answer(question=question, yes=done) for question in thought.checklist),
            "critique": reasons,
        }
        return Accepted(**shared) if done else Rejected(**shared, steps=(EditStep(text=better),))

    def compare(self, request: EditRequest, a: Candidate, b: Candidate) -> Conversation[Preference]:
        """Ask in the words of the `json` dialect."""
        return self._json.compare(request, a, b)

    def _prompt(
        self,
        question: str,
        request: EditRequest,
        history: History,
        images: tuple[ImageRef, ...],
        read: object,
        **values: str,
    ) -> Prompt:
        words, language = self._words, language_of(request.instruction)
        asked = request_in_words(words, request, history, shown=True, past=question == "reflect")
        task = words.say(question, "task", instruction=asked, **values)
        images = (*images, *request.references)
        return Prompt(
            name=words.name(question),
            sha256=words.sha256(question),
            turns=(Turn("system", (words.say("all", "system", language=language),)), Turn("user", (*images, task))),
            read=read,  # type: ignore[arg-type]
        )


def _between(tag: str, text: str) -> str:
    """Return what stands in a tag; the last one may be left open."""
    found = re.search(rf"<{tag}>(.*?)(?:</{tag}>|$)", text, re.DOTALL)
    said = found.group(1).strip() if found else ""
    if not said and declines(text):
        raise Refused("The model declined.", raw=text)
    if not said:
        raise Malformed(f"Write <{tag}>…</{tag}>, with something in it.", raw=text)
    return said


def _answer(reply: Reply) -> str:
    return _between("answer", reply.text)


def _judged(reply: Reply) -> tuple[str, _Rated, str]:
    text = reply.text
    return _between("think", text), read_json(_between("score", text), TypeAdapter(_Rated)), _between("answer", text)
