"""What the pipeline of Step1X-Edit v1p2 returns.

The shape that is read, its fields or JSON with paths of images::

    {"instruction": ..., "image": source, "images": [one per round], "reformat_prompt": text or null,
     "think_info": ["<#Think>... <#Reflection>next instruction", ...],
     "best_info": [{"score1": {"score": [success, over-editing]}, "score2": {"score": [naturalness, artefacts]}}, ...],
     "final_images": [the selected one], "max_try_cnt": 3}

A refinement edits the round's result with the text after its tag; a failure goes back to the source. A judge that
failed twenty times is logged as [0, 0] there, and cannot be told from a real zero. The preview has neither best_info
nor final_images: then scores count as not recorded.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reasonedit_agent import tracing
from reasonedit_agent.analysis.logs import GONE, UNJUDGED, Log, LogRound, Where, flat, last_pick, write_log
from reasonedit_agent.errors import UsageError
from reasonedit_agent.schemas import (
    SOURCE,
    Accepted,
    EditStep,
    Failure,
    Pick,
    Refine,
    Rejected,
    Scores,
    Thought,
    Verdict,
)

__all__ = ["import_step1x"]

BAR = 8.0
"""Stands for the scores of a success that has none."""


def import_step1x(
    output: Any,
    image: Any = None,
    instruction: str = "",
    *,
    runs: str | os.PathLike[str] | None = None,
    folder: Path | None = None,
    at: float | None = None,
    title: str = "image",
) -> Path:
    """Import what ``Step1XEditPipelineV1P2`` returned and return the new run's folder.

    Args:
        output: The output object, or a mapping of the same fields.
        image: The source: a path, bytes or a PIL image; None takes ``output["image"]``.
        instruction: What was asked; empty takes ``output["instruction"]``.
        runs: The folder of the runs; None is the usual place.
        folder: Where relative paths start.
        at: When it ran, seconds since 1970; None is now.
        title: For people.

    Raises:
        UsageError: It has another shape, or the source image is not there.
    """
    fields = output if isinstance(output, Mapping) else vars(output)
    where = Where(folder or Path(), tracing.runs_folder(runs))
    try:
        read = _step1x(fields, image if image is not None else fields.get("image"), instruction, where, title)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"It has another shape than the output of v1p2 ({error!r}).") from error
    told = [fields.get(name) for name in ("reformat_prompt", "think_info", "best_info")]
    pictures = [round_.image.sha256 if round_.image else None for round_ in read.rounds]
    raw = json.dumps([read.image.sha256, read.instruction, told, pictures], default=str).encode()
    return write_log(replace(read, raw=raw, at=time.time() if at is None else at), where.runs)


def _step1x(fields: Mapping[str, Any], image: Any, instruction: str, where: Where, title: str) -> Log:
    asked = instruction or str(fields["instruction"])
    source = where.image(image)
    if source is None:
        raise UsageError("The source image is not there.", hint="Give image=..., or its path in the JSON.")
    words = fields.get("reformat_prompt") or asked
    fresh = (EditStep(text=words),)
    thoughts, scores = list(fields.get("think_info") or ()), list(fields.get("best_info") or ())
    rounds: list[LogRound] = []
    base = SOURCE
    steps: tuple[EditStep, ...] = fresh
    for number, picture in enumerate(fields["images"], 1):
        ref = where.image(picture)
        said = thoughts[number - 1] if number <= len(thoughts) else None
        four = _four(scores[number - 1]) if number <= len(scores) else None
        verdict = _reflection(said, four) if ref else GONE
        rounds.append(LogRound(steps, ref, verdict, base))
        base, steps = (Pick(round=number), verdict.steps) if isinstance(verdict, Refine) else (SOURCE, fresh)
    final = where.image((fields.get("final_images") or [None])[0])
    same = [n for n, round_ in enumerate(rounds, 1) if final and round_.image and round_.image.sha256 == final.sha256]
    accepted = bool(rounds) and isinstance(rounds[-1].verdict, Accepted)
    return Log(
        by="step1x-edit-v1p2",
        tool="step1x-edit-v1p2",
        title=title,
        image=source,
        instruction=asked,
        thought=Thought(instruction=words, steps=fresh, changed=words != asked),
        rounds=tuple(rounds),
        keep=Pick(round=same[-1]) if same else last_pick(rounds),
        stopped_by="accepted" if accepted else "rounds",
        limit=int(fields.get("max_try_cnt") or (max(3, len(rounds)) if thoughts else 1)),
        scored=bool(scores),
        notes=() if same or final is None else ("the selected image is none of the rounds' images",),
    )


def _four(info: Mapping[str, Any]) -> Scores:
    """Return the scores of a round; ``score1`` is success and over-editing, ``score2`` naturalness and artefacts."""
    pairs = [list(info[name]["score"]) for name in ("score1", "score2")]
    four = [min(max(float(value), 0.0), 10.0) for pair in pairs for value in (pair * 2)[:2]]
    return Scores(edit_success=four[0], over_editing=four[1], naturalness=four[2], artefacts=four[3])


def _reflection(text: str | None, scores: Scores | None) -> Verdict | Failure:
    """Return the verdict of a reflection's text; what cannot be read counts as failed, as it does there."""
    if text is None:
        return UNJUDGED
    cut = text[max(text.find("<#Think>"), 0) :]
    tags = re.findall(r"<#(Success|Others|Reflection|Failed)>", cut)
    tag = tags[0] if len(tags) == 1 else "Failed"
    critique = re.split(r"<#(?:Success|Others|Reflection|Failed)>", cut.replace("<#Think>", ""))[0].strip()
    after = cut.rpartition(f"<#{tag}>")[2].strip()
    if tag in ("Success", "Others"):
        return Accepted(scores=scores or flat(BAR), critique=critique)
    if tag == "Reflection" and after:
        return Refine(scores=scores or flat(0), critique=critique, steps=(EditStep(text=after),))
    return Rejected(scores=scores or flat(0), critique=critique)
