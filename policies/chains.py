"""Which edits a candidate rests on: a chain is the bases, from the source to it."""

from __future__ import annotations

from reasonedit_agent.schemas import SOURCE, Candidate, History, Pick

__all__ = ["chain", "drift_of", "place_of"]


def place_of(history: History, base: Candidate, before: int) -> Pick:
    """Return where a base comes from: the latest candidate before round ``before`` that it is, else the source."""
    if base.image.sha256 == history.request.image.sha256:
        return SOURCE
    for round_ in reversed(history.rounds[: before - 1]):
        for index, found in enumerate(round_.candidates):
            if isinstance(found, Candidate) and found.image == base.image:
                return Pick(round=round_.index, candidate=index)
    return SOURCE


def chain(history: History, pick: Pick) -> tuple[Pick, ...]:
    """Return the picks from the first edit of the source to ``pick``; none for the source."""
    links: list[Pick] = []
    while pick.round:
        links.append(pick)
        pick = place_of(history, history.rounds[pick.round - 1].call.base, before=pick.round)
    return tuple(reversed(links))


def drift_of(history: History, pick: Pick) -> float | None:
    """Return what a chain changed outside of the region: the sum over its edits of ``drift_outside``.

    That is mean CIEDE2000 from base to result. What a tool pasted back does not count. The sum is an upper bound as
    far as CIEDE2000 keeps the triangle inequality. None where no edit of the chain was measured; an edit that was not
    measured beside others that were adds nothing, so the sum is then a lower bound.
    """
    known = []
    for link in chain(history, pick):
        found = history.rounds[link.round - 1].candidates[link.candidate]
        measures = found.measures if isinstance(found, Candidate) else {}
        if "drift_outside" in measures:
            known.append(0.0 if measures.get("pasted_back") else measures["drift_outside"])
    return sum(known) if known else None
