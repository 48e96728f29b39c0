"""How a picture is laid out: where sky, ground, greens and what is built stand, each without the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reasonedit_agent.perception.arrays import Mask, box_area, box_mask
from reasonedit_agent.perception.masks import grow
from reasonedit_agent.perception.nouns import BACKDROP, VEHICLES
from reasonedit_agent.perception.sight import Sight
from reasonedit_agent.perception.stuff import STUFF, Stuff, find_stuff

__all__ = ["Layout"]

_STANDS_OUT = 0.35  # share of what is built that is the subject
_LOW = ("road", "grass", "water", "snow", "sand", "foliage")
"""What buildings and mountains stand on or behind."""


class Layout(Sight):
    """What is seen, and where the shapeless things are. All masks are at the working size."""

    def _shapeless(self, noun: str, colour: str | None) -> Mask | None:
        """Return the soft mask of a noun of `STUFF`, or None."""
        stuff = STUFF[noun]
        if stuff.built and self._sky_mask() is None and not any(d.label in VEHICLES for d in self._clear()):
            return None  # in a room, or close to a thing
        if colour:
            stuff = replace(stuff, colours=(colour,))
        mask = find_stuff(self._small, stuff, self._not_stuff(stuff))
        if mask is not None and stuff.built:
            subject = self._subject()
            stands = float((mask * subject).sum())
            if stands > _STANDS_OUT * float(mask.sum()) and stands > 0.6 * float(subject.sum()):
                return None  # what stands out is the building, and the rest what surrounds it
        return mask

    def _not_stuff(self, stuff: Stuff) -> Mask:
        """What is something else than a shapeless thing: sky, things, what it stands on."""
        sky = self._sky_mask()
        subject = self._subject()
        none = np.zeros_like(subject)
        above = sky[0] if sky is not None and sky[1] >= 0.5 else none
        if stuff.where == "sky":
            above = 1 - above
        taken = [above]
        if not stuff.over_subject and (subject > 0.5).mean() < 0.5:
            taken.append(subject)
        for d in self._clear()[:4]:
            within = np.maximum.reduce(taken[:2]) * box_mask(d.box, *subject.shape)
            # Most of a thing that stands out is taken already.
            if d.label not in BACKDROP and within.sum() < 0.4 * box_area(d.box):
                taken.append(self._instance(d.box))
        if stuff.above or stuff.where == "high":
            others = ("grass",) if stuff.where == "high" else _LOW
            taken += [self._lying(name, list(taken)) for name in others]
        return np.asarray(np.maximum.reduce(taken), np.float32)

    def _lying(self, name: str, taken: list[Mask]) -> Mask:
        found = find_stuff(self._small, STUFF[name], np.asarray(np.maximum.reduce(taken), np.float32))
        # A wall that reaches the lower edge has the colours of sand or of a road, but it touches the sky.
        if found is None or float((grow(taken[0], 9) * found).sum()) > 0.01 * float(found.sum()):
            return np.zeros_like(taken[0])
        return found
