"""From the nouns of a plan to masks in source pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from reasonedit_agent.errors import Unsupported, UsageError
from reasonedit_agent.perception.arrays import Box, box_mask, mask_box
from reasonedit_agent.perception.detector import Detection, overlap
from reasonedit_agent.perception.locate import Located, Scene
from reasonedit_agent.perception.masks import iou
from reasonedit_agent.perception.measures import mean_lab
from reasonedit_agent.perception.nouns import ANIMALS, FIGURES, group_of, is_plural, looks_like
from reasonedit_agent.perception.phrases import Place, parse_phrase
from reasonedit_agent.perception.regions import region_mask
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.reasoners.embedded.checks.guesses import GUESS
from reasonedit_agent.reasoners.embedded.messages import BY_REGION, refusal, say
from reasonedit_agent.reasoners.embedded.wording import noun_in
from reasonedit_agent.schemas import EditRequest, Geometry, Mask, Phrase, Region

__all__ = ["BOUNDED", "Places", "guessed"]

_FOUND = 0.16
"""Least score of a thing; the embedded perception gives 0.15 to a noun that its detector knows and does not see."""

_SURE = 0.3
"""Least score of a thing that is cut out of other things' masks."""

SELECTION = "selection"
"""The noun of the grammar for the region that came with the request."""

BOUNDED = ("detector", "face", "text")
"""Sources of things that end somewhere, unlike a sky or a background."""

_FRAMES = frozenset("box rectangle square frame circle outline area region part kasten rahmen 框".split())
"""Words that, once an area was drawn, mean that area."""

_EXCEPT = "everything except "

_Mask = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Spot:
    mask: _Mask
    label: str


class Places:
    """Finds the things of a request's source, and stores their masks."""

    def __init__(
        self, request: EditRequest, images: ImageStore, excepted: tuple[str, ...] = (), language: str = "en"
    ) -> None:
        """Look at a request's source.

        Args:
            request: Its image is the source.
            images: Masks are stored there.
            excepted: Nouns that must be found where they are to stay as they are.
            language: Of refusals.
        """
        self._excepted, self._language = excepted, language
        self._drawn_mask: _Mask | None = None
        self._request, self._images = request, images
        self._rgb = np.asarray(images.open(request.image).convert("RGB"), np.uint8)
        self.scene = Scene.of(self._rgb, request.image.sha256)
        self.guesses: dict[str, _Mask] = {}
        """Nouns that no model knows, and what stands out in the picture, which was taken for them."""

        self.unrecognised: set[str] = set()
        """Those guesses that nothing speaks for but that they stand out."""

        self.lost: list[str] = []
        """Nouns that were to be left out and could not be found."""

    def region(self, target: str | None, keep: tuple[str, ...], *, painted: bool = False) -> Region | None:
        """Return where a target is, without the things that must stay.

        Args:
            target: Noun phrase, "everything except cup", or None for the request's region or the whole picture.
            keep: Nouns.
            painted: Whether it gets another colour, which what it holds must not get.

        Raises:
            Unsupported: The target is not in the picture; the message says what is.
        """
        spot = self._spot(target)
        drawn = self._drawn()
        if drawn is not None and not keep and np.array_equal(spot.mask, drawn):
            return self._request.region
        mask, label = self._without_foreign(spot) if painted else spot.mask, spot.label
        whole = mask
        for noun in keep:
            mask = self._without(mask, noun)
        if mask is not whole and float(np.abs(mask - whole).sum()) > 0.1 * float(spot.mask.sum()):
            label = ""  # it is no longer what the noun names
        if any(noun in self.unrecognised for noun in _nouns_of(target)) and (drawn is None or target is None):
            label = f"{label or target}{GUESS}"
        if target is None and self._request.region is None and mask is spot.mask:
            return None
        return self._stored(mask, label)

    def knows(self, noun: str) -> bool:
        """Whether a thing is surely in the picture."""
        found = self.scene.find(noun)
        return found is not None and found.score >= _SURE and not guessed(found)

    def share(self, noun: str, box: Box) -> tuple[float, bool]:
        """Return which share of what a noun names lies in a box, 0 to 1, and whether it is a thing that has bounds."""
        found = self.scene.find(noun)
        if found is None:
            return 0.0, False
        inside = box_mask(box, *found.mask.shape)
        return _share(found.mask, inside), found.source in BOUNDED

    def box(self, region: Region | None) -> Box | None:
        """Return the bounds of a region of the source; None for the whole picture."""
        if region is None:
            return None
        source = self._request.image
        mask = region_mask(region, self._images, Geometry.of(source), source.size, self._rgb)
        return mask_box(mask)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the source."""
        return self._request.image.size

    def lightness(self, target: str | None) -> float:
        """Return the mean CIE L* (0 to 100) of a target, or of the whole picture."""
        lab = mean_lab(self._rgb, self._spot(target).mask)
        return 100.0 if lab is None else lab[0]

    def _spot(self, target: str | None) -> _Spot:
        height, width = self._rgb.shape[:2]
        drawn = self._drawn()
        selected = target is not None and SELECTION in target.split(" ")
        if selected and drawn is None and target is not None and not target.startswith(_EXCEPT):
            raise refusal(self._language, ("no_area",), ("where", BY_REGION))
        if target is None or (drawn is not None and self._names_drawn(target)):
            return _Spot(np.ones((height, width), np.float32) if drawn is None else drawn, "")
        if target.startswith(_EXCEPT):
            mask = 1 - self._union(target.removeprefix(_EXCEPT))
            return _Spot(mask if drawn is None else np.minimum(mask, drawn), "")
        mask = self._union(target)
        if drawn is not None and float(np.minimum(mask, drawn).sum()) > 0.02 * float(mask.sum()):
            return _Spot(np.minimum(mask, drawn), "")
        return _Spot(mask, target)

    def _names_drawn(self, target: str) -> bool:
        """Whether a target, once an area was drawn, means that area: "the thing in the selection", "the box"."""
        words = target.split(" ")
        return target == SELECTION or (not target.startswith(_EXCEPT) and (SELECTION in words or words[-1] in _FRAMES))

    def _union(self, target: str) -> _Mask:
        masks = [self._find(noun).mask for noun in target.split(" and ")]
        return np.asarray(np.maximum.reduce(masks), np.float32)

    def _find(self, noun: str) -> Located:
        found, drawn = None if noun == SELECTION else self.scene.find(noun), self._drawn()
        if found is not None and found.score >= _FOUND and not self._mistaken(found):
            if drawn is None:
                self._doubt(noun, found)
            if drawn is None or not guessed(found):
                return found
        if drawn is not None:  # whoever drew where it is need not name it in words that a model knows
            return Located(mask=drawn, box=(0, 0, 0, 0), score=1.0, source="position", label=noun)
        raise self._absent(noun)

    def _absent(self, noun: str) -> Unsupported:
        """Return the refusal of what is not in the picture, or not in the place that is named."""
        language, hint = self._language, ("name", BY_REGION)
        other = self.scene.elsewhere(noun)
        if other is not None and other.score >= _FOUND and not guessed(other) and not self._mistaken(other):
            phrase = parse_phrase(noun)
            assert phrase.place is not None
            named = " ".join(filter(None, (phrase.colour, phrase.noun or phrase.kind)))
            wanted = " ".join(say(side, language) for side in _sides(phrase.place))
            there = say(_side(phrase.place, other.box, self._rgb.shape[1], self._rgb.shape[0]), language)
            key = "elsewhere" if other.count == 1 else "elsewhere_many"
            return refusal(language, (key, noun_in(named, language), wanted, there), hint)
        key = "absent_many" if language == "en" and is_plural(noun) else "absent"
        return refusal(language, (key, noun_in(noun, language), self._what_is_seen()), hint)

    def _what_is_seen(self) -> str:
        seen = ", ".join(noun_in(name, self._language) for name in self.seen())
        return say("seen", self._language, seen) if seen else say("nothing", self._language)

    def _without_foreign(self, spot: _Spot) -> _Mask:
        """Leave out what the things of a target hold, and what leans on them."""
        mask = spot.mask
        for noun in spot.label.split(" and ") if spot.label else ():
            other = self.scene.foreign(noun)
            mask = mask if other is None else np.asarray(np.minimum(mask, 1 - other), np.float32)
        return mask

    def _named(self, noun: str, phrase: str) -> None:
        """Refuse the phrase of a region that is found nowhere: it says where to edit, so nothing is guessed for it."""
        found = self.scene.find(phrase)
        if found is None or found.score < _FOUND or guessed(found) or self._mistaken(found):
            absent = self._absent(noun)
            raise UsageError(absent.message, hint=absent.hint)
        self._doubt(noun, found)

    def _doubt(self, noun: str, found: Located) -> None:
        """Remember a thing that was taken for another: the plan must say so."""
        # A "rabbit" where the detector sees a cat: no model knows rabbits.
        animal = parse_phrase(noun).noun.rpartition(" ")[2]
        strange = found.source == "detector" and animal in ANIMALS
        if guessed(found) or strange:
            self._guess(noun, found.mask)
        if guessed(found) or (strange and self._another_animal(animal, found)):
            self.unrecognised.add(noun)

    def _another_animal(self, animal: str, found: Located) -> bool:
        """Whether the detector surely sees an animal in a thing's place that does not look like that one."""
        seen = [d.label for d in self.scene.detections() if overlap(d.box, found.box) > 0.4]
        return any(label in FIGURES and label not in looks_like(animal) for label in seen)

    def _guess(self, noun: str, mask: _Mask) -> None:
        for other, taken in self.guesses.items():
            if other != noun and iou(mask, taken) > 0.8:
                said = (noun_in(noun, self._language), noun_in(other, self._language))
                raise refusal(self._language, ("two_guesses", *said), ("one_at_a_time", BY_REGION))
        self.guesses[noun] = mask

    def _mistaken(self, found: Located) -> bool:
        """Whether it is more likely one of the things that are seen unprompted.

        A guess from what stands out is one when a known thing fills most of it; a detection, when another kind of thing
        is seen in the same place, surely and not as its double (close-ups of cats look like dogs).
        """
        for other in self.scene.detections():
            if other.label == found.label:
                continue
            if found.source == "saliency" and found.label not in ("subject", "background"):
                thing = self.scene.find(other.label)
                if thing is not None and _share(found.mask, thing.mask) > 0.5:
                    return True
            if found.source == "detector" and overlap(found.box, other.box) > 0.4 and self._same(found, other):
                double = other.label in group_of(found.label)
                if double and other.label not in FIGURES and found.score >= _SURE:
                    continue  # fruits, vessels and vehicles are taken for each other: the user knows better
                if not double or other.score * 1.5 + 0.15 > found.score + 0.4:
                    return True
        return False

    def _same(self, found: Located, other: Detection) -> bool:
        """Whether a found thing and a detection are one; the box around several things says nothing."""
        thing = self.scene.find(other.label) if found.count > 1 else None
        return thing is None or iou(found.mask, thing.mask) > 0.4

    def seen(self) -> list[str]:
        """Return the names of what is recognised unprompted."""
        names = [d.label for d in self.scene.detections()]
        names += ["face"] if self.scene.faces() else []
        return list(dict.fromkeys(names))

    def _without(self, mask: _Mask, noun: str) -> _Mask:
        """Cut a thing out of a mask, unless nearly all of the mask would go: then it cannot be told apart."""
        found = self.scene.find(noun)
        if found is not None and found.score >= _SURE and not guessed(found):
            left = np.asarray(np.minimum(mask, 1 - found.mask), np.float32)
            if float(left.sum()) > 0.3 * float(mask.sum()):
                return left
        if noun in self._excepted:
            said = (noun_in(noun, self._language), self._what_is_seen())
            raise refusal(self._language, ("inseparable", *said), ("name_kept", BY_REGION))
        self.lost.append(noun)
        return mask

    @property
    def drawn(self) -> Region | None:
        """The region that came with the request."""
        return self._request.region

    @property
    def drawn_name(self) -> str | None:
        """What the region that came with the request is called; None where none came."""
        region = self._request.region
        return _bare(region.text) if isinstance(region, Phrase) else None if region is None else SELECTION

    def _drawn(self) -> _Mask | None:
        if self._request.region is None:
            return None
        if self._drawn_mask is None:
            source, region = self._request.image, self._request.region
            if isinstance(region, Phrase):
                self._named(_bare(region.text), region.text)
            self._drawn_mask = region_mask(region, self._images, Geometry.of(source), source.size, self._rgb)
        return self._drawn_mask

    def _stored(self, mask: _Mask, label: str) -> Mask:
        grey = Image.fromarray(np.rint(np.clip(mask, 0, 1) * 255).astype(np.uint8))
        buffer = io.BytesIO()
        grey.save(buffer, "PNG")
        return Mask(image=self._images.put(buffer.getvalue()), label=label)


def _nouns_of(target: str | None) -> list[str]:
    return [] if target is None else target.removeprefix(_EXCEPT).split(" and ")


def _bare(phrase: str) -> str:
    """Return a phrase without the article."""
    return phrase.strip().removeprefix("the ").strip()


def _sides(place: Place) -> list[str]:
    return list(dict.fromkeys(side for side in (place.vertical, place.horizontal) if side is not None))


def _side(place: Place, box: Box, width: int, height: int) -> str:
    """Return where a box is, across the picture or down it: as the place has it that the box is not in."""
    across = _third((box[0] + box[2]) / 2 / width, "left", "right")
    down = _third((box[1] + box[3]) / 2 / height, "top", "bottom")
    if place.vertical is None or (place.horizontal is not None and across != place.horizontal):
        return across
    return down


def _third(share: float, low: str, high: str) -> str:
    return low if share < 0.4 else high if share > 0.6 else "centre"


def guessed(found: Located) -> bool:
    """Return whether it is what stands out, for want of a model that knows the noun."""
    return found.source == "saliency" and found.label not in ("subject", "background")


def _share(mask: _Mask, other: _Mask) -> float:
    """Return the share of a mask that lies in another."""
    return float(np.minimum(mask, other).sum()) / max(float(mask.sum()), 1.0)
