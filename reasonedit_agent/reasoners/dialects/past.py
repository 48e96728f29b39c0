"""Earlier rounds in words that fit a prompt, however many they were."""

from __future__ import annotations

from collections import Counter

from reasonedit_agent.schemas import Failure, History, Round, join_texts, standing

__all__ = ["advice", "rounds_in_words", "short"]

_TOLD = 5
"""Rounds that are told one by one; of those before, a line says how they went."""


def rounds_in_words(history: History, *, each: int = 300) -> str:
    """Return a line per round, the older ones in one line; at most some ``each`` characters a line, "" for no round."""
    rounds = [r for r in history.rounds if not r.shadow]
    lines = [_line(r, each) for r in rounds[-_TOLD:]]
    if older := rounds[:-_TOLD]:
        kinds = Counter(standing(r)[1].kind for r in older)
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        lines.insert(0, f"Rounds {older[0].index} to {older[-1].index}: {told}.")
    return "\n".join(lines)


def _line(round_: Round, each: int) -> str:
    _, verdict = standing(round_)
    did = short(join_texts(round_.call.steps) or round_.call.instruction, each // 2)
    if isinstance(verdict, Failure):
        return f"Round {round_.index}: {did} -> no result ({verdict.reason})."
    judged = f"{verdict.kind}, {verdict.scores.overall:.1f}/10"
    return f"Round {round_.index}: {did} -> {judged}. {short(verdict.critique, each)}".rstrip()


def advice(history: History) -> str:
    """Return what people advised since the request, one per line, or an empty text."""
    return "\n".join(given.text.strip() for given in history.human if given.kind == "advice" and given.text.strip())


def short(text: str, most: int) -> str:
    """Return the text on one line, cut to at most ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
