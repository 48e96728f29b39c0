"""EditThinker's log of a sample, ``<key>_meta.json``.

The shape that is read::

    {"key": ..., "original_instruction": ..., "max_turns": 2, "is_satisfied": true, "final_turn": 2,
     "final_output_path": ..., "final_source_path": ...,
     "turns": [{"turn_number": 1, "rewritten_prompt": ..., "generated": true, "output_path": ..., "source_path": ...,
                "evaluation": null | {"is_satisfied": false, "reason": ..., "new_prompt": ...}}, ...]}

A turn's evaluation judges the turn before it, the first turn's the source. Every edit starts from the source. The
result of the last turn is never judged, and the scores are not logged: such verdicts carry placeholders (8 for
satisfied, the bar that it means; 0 else) and the reasoner's setting ``scores`` says ``not recorded``, so that the index
leaves them null. Where an evaluation has ``score: {"semantic": s, "quality": q}``, as the reply had, they are taken.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from reasonedit_agent import tracing
from reasonedit_agent.analysis.logs import GONE, UNJUDGED, Log, LogRound, Where, last_pick, write_log
from reasonedit_agent.errors import UsageError
from reasonedit_agent.schemas import Accepted, EditStep, Failure, Rejected, Scores, Thought, Verdict

__all__ = ["import_editthinker"]

BAR = 8.0
"""EditThinker is satisfied when both scores reach it."""


def import_editthinker(path: Path, runs: str | os.PathLike[str] | None = None) -> Path:
    """Import one ``<key>_meta.json`` and return the new run's folder; the same file gives the same run.

    Images are looked for where the log says, and by their names beside the file.

    Raises:
        UsageError: It has another shape, or the source image is not there.
    """
    raw = path.read_bytes()
    where = Where(path.parent, tracing.runs_folder(runs))
    try:
        log = json.loads(raw)
        read = _editthinker(log, where)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} has another shape than EditThinker's log ({error!r}).") from error
    return write_log(replace(read, raw=raw, at=path.stat().st_mtime), where.runs)


def _editthinker(log: dict[str, Any], where: Where) -> Log:
    turns, asked = log["turns"], str(log["original_instruction"])
    source = where.image(log.get("final_source_path"), *(turn.get("source_path") for turn in turns))
    if source is None:
        raise UsageError("The source image of the log is not there.", hint="Keep the images beside the JSON file.")
    judged = {turn["turn_number"] - 1: turn["evaluation"] for turn in turns if turn.get("evaluation")}
    made = [turn for turn in turns if turn.get("generated")]
    rounds = []
    for turn in made:
        number = turn["turn_number"]
        picture = where.image(turn["output_path"], f"{log.get('key')}_turn{number}.png")
        verdict = _evaluation(judged.get(number)) if picture else GONE
        rounds.append(LogRound((EditStep(text=turn["rewritten_prompt"] or asked),), picture, verdict))
    steps = rounds[0].steps if rounds else (EditStep(text=asked),)
    words = steps[0].text
    scored = bool(judged) and all((said.get("score") or {}).get("semantic") is not None for said in judged.values())
    satisfied = bool(log.get("is_satisfied"))
    return Log(
        by="editthinker",
        tool="editthinker-editor",
        title=str(log.get("key") or "image"),
        image=source,
        instruction=asked,
        thought=Thought(instruction=words, steps=steps, changed=words != asked),
        rounds=tuple(rounds),
        keep=last_pick(rounds),
        stopped_by="accepted" if satisfied and rounds else "unchanged" if satisfied else "rounds",
        limit=max(int(log.get("max_turns") or 0), len(rounds)),
        scored=scored,
    )


def _evaluation(said: dict[str, Any] | None) -> Verdict | Failure:
    if said is None:
        return UNJUDGED
    reason = str(said.get("reason") or "")
    if reason.startswith("Evaluation failed after"):
        return Failure(reason="malformed", message=reason)
    satisfied = bool(said["is_satisfied"])
    score = said.get("score") or {}
    fallback = BAR if satisfied else 0.0
    semantic, quality = (min(max(float(score.get(name, fallback)), 0.0), 10.0) for name in ("semantic", "quality"))
    scores = Scores(edit_success=semantic, over_editing=semantic, naturalness=quality, artefacts=quality)
    if satisfied:
        return Accepted(scores=scores, critique=reason)
    better = said.get("new_prompt")
    return Rejected(scores=scores, critique=reason, steps=(EditStep(text=better),) if better else None)
