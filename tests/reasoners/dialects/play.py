"""Plays a dialect's conversation with plain text, and a model behind a server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from reasonedit_agent.reasoners.dialects.base import Conversation, Prompt, Reply
from reasonedit_agent.schemas import Candidate, EditCall, EditRequest, EditStep, History, ImageRef, Thought
from tests.servers.chat import completion

T = TypeVar("T")

SOURCE = ImageRef(sha256="a" * 64, width=1000, height=500, media_type="image/png")
RESULT = ImageRef(sha256="b" * 64, width=1000, height=500, media_type="image/png")
REQUEST = EditRequest(image=SOURCE, instruction="make the cup green", seed=1)
HISTORY = History(request=REQUEST)
THOUGHT = Thought(
    instruction="Make the cup green.",
    steps=(EditStep(text="make the cup green"),),
    keep=("the saucer",),
    checklist=("Is the cup green?", "Is the saucer as it was?"),
)
CALL = EditCall(base=Candidate.of(SOURCE), instruction="make the cup green", steps=THOUGHT.steps, seeds=(1,))
CANDIDATE = Candidate.of(RESULT)


def play(conversation: Conversation[T], replies: Sequence[str | Reply]) -> tuple[T, list[Prompt]]:
    """Return the value and the prompts; every reply must be used."""
    left, asked = list(replies), []
    try:
        prompt = next(conversation)
        while True:
            asked.append(prompt)
            reply = left.pop(0)
            prompt = conversation.send(prompt.read(reply if isinstance(reply, Reply) else Reply(reply)))
    except StopIteration as done:
        assert not left, f"{len(left)} replies were not used"
        return done.value, asked


def text_of(prompt: Prompt) -> str:
    """Return all words of a prompt."""
    return "\n".join(part for turn in prompt.turns for part in turn.parts if isinstance(part, str))


def model_that_repeats(asked: dict[str, Any]) -> dict[str, Any]:
    """Answer the `json` dialect as a model that plans what it is asked, sees nothing, and is never content."""
    told = "".join(part.get("text", "") for turn in asked["messages"][1:] for part in turn["content"])
    more = {"text": "more", "region": None}
    if "EDITOR:" in told:
        wish = told.split("<request>\n")[1].split("\n</request>")[0]
        step = {"text": wish, "region": None}
        return completion(json.dumps({"instruction": wish, "steps": [step], "keep": [], "checklist": ["Is it done?"]}))
    axes = dict.fromkeys(("edit_success", "over_editing", "naturalness", "artefacts"), 5)
    answers = [{"answer": "no", "note": ""}]
    return completion(
        json.dumps({"critique": "", "answers": answers, "scores": axes, "verdict": "refine", "next": [more]})
    )
