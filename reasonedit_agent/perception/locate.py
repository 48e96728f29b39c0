"""From a noun phrase to a mask: ask the source that knows such things, refine what it answers, say how sure it is."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeAlias, TypeVar

import numpy as np

from reasonedit_agent.perception.arrays import Box, Mask, Rgb, box_area, box_mask, mask_box, resize_mask
from reasonedit_agent.perception.clothes import CLOTHES, Worn, clothes_mask
from reasonedit_agent.perception.colour import tint_mask
from reasonedit_agent.perception.detector import Detection, overlap, strongest
from reasonedit_agent.perception.faces import face_mask
from reasonedit_agent.perception.instances import instance_mask
from reasonedit_agent.perception.layout import Layout
from reasonedit_agent.perception.masks import components, parts, sharpen_edge, sized
from reasonedit_agent.perception.material import foreign
from reasonedit_agent.perception.nouns import ALSO, ANIMALS, BACKDROP, coco_label, group_of, part_of
from reasonedit_agent.perception.phrases import Phrase, Place, parse_phrase
from reasonedit_agent.perception.sight import MISTAKEN, PROMPTED
from reasonedit_agent.perception.stuff import STUFF
from reasonedit_agent.perception.text import text_mask

__all__ = ["Located", "Scene", "Source", "locate"]

Source: TypeAlias = Literal["detector", "saliency", "sky", "text", "face", "colour", "position", "all"]

_REMEMBERED = 6  # scenes
_BOX_FULL = 0.95  # share of a box
_ONE_THING = 0.4  # share of the smaller of two boxes that lies in the other: they may be a thing's front and back

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Where a phrase is in an image.

    Attributes:
        mask: Soft mask, shape (height, width) of the image, 0 to 1.
        box: Around the mask, in pixels.
        score: 0 to 1: from 0.5 it can be relied on; below 0.3 it is a guess that should be said to be one.
        source: Who found it.
        label: What was looked for ("cat"), or read, or the place.
        count: How many such things were seen; more than one, with a singular phrase, means that one was chosen.
    """

    mask: Mask
    box: Box
    score: float
    source: Source
    label: str
    count: int = 1


class Scene(Layout):
    """What is seen in one image, and where a phrase is in it. Masks and boxes are in the image's pixels.

    Attributes:
        width: Of the image.
        height: Of the image.
    """

    _scenes: ClassVar[OrderedDict[str, Scene]] = OrderedDict()
    _scenes_lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def of(cls, rgb: Rgb, sha256: str | None = None) -> Scene:
        """Return the scene of an image, the same one for the same pixels; the last six are remembered.

        Args:
            rgb: Image, shape (height, width, 3).
            sha256: A hash that names these pixels, if one is known already.
        """
        key = sha256 or hashlib.sha256(repr(rgb.shape).encode() + np.ascontiguousarray(rgb).tobytes()).hexdigest()
        with cls._scenes_lock:
            scene = cls._scenes.pop(key, None) or cls(rgb)
            cls._scenes[key] = scene
            while len(cls._scenes) > _REMEMBERED:
                cls._scenes.popitem(last=False)
        return scene

    def find(self, phrase: str, prefer: Source | None = None) -> Located | None:
        """Return where a phrase is, or None if it is not there.

        Args:
            phrase: English noun phrase: "cat", "red plate", "left cup", "sky", "background", "subject", "text",
                'text "SALE"', "faces", "top third", "whole image", ...
            prefer: Another source to ask first, for another mask of the same thing; the usual one if it has none.

        Raises:
            UsageError: Weights are missing or damaged.
        """
        found = self._once(("find", phrase, prefer), lambda: self._find(phrase, prefer))
        if found is None:
            return None
        mask = resize_mask(found.mask, self.height, self.width)
        return replace(found, mask=mask, box=self._grown(found.box))

    def elsewhere(self, phrase: str) -> Located | None:
        """Return where a phrase's thing is that is not where the phrase says ("the left dog", one dog, on the right).

        None where the phrase names no place for a thing, or nothing of that kind is seen anywhere. ``count`` is that of
        the things that stand apart.
        """
        read = parse_phrase(phrase)
        if read.place is None or read.kind == "position":
            return None
        found = self._once(("elsewhere", phrase), lambda: self._by_kind(replace(read, place=None)))
        if found is None:
            return None
        apart: list[Box] = []
        for d in self._instances(found.label) if found.source == "detector" else ():
            if all(_stand_apart(d.box, other) for other in apart):
                apart.append(d.box)
        return replace(found, box=self._grown(found.box), count=len(apart) or found.count)

    def foreign(self, phrase: str) -> Mask | None:
        """Return what of a thing's mask is of another material (see `material.foreign`), or None where nothing is.

        Only things that the detector knows have a kind that says what belongs to them.
        """
        other = self._once(("foreign", phrase), lambda: self._foreign(phrase))
        return None if other is None else resize_mask(other, self.height, self.width)

    def _foreign(self, phrase: str) -> Mask | None:
        found = self._once(("find", phrase, None), lambda: self._find(phrase, None))
        if found is None or found.source != "detector":
            return None
        return foreign(self._small, found.mask, found.label)

    def _find(self, text: str, prefer: Source | None) -> Located | None:
        phrase = parse_phrase(text)
        found: Located | None = None
        if prefer is not None:
            found = self._by_source(phrase, prefer)
        if found is None:
            found = self._by_kind(phrase)
        if found is not None and phrase.part is not None:
            found = self._part(found, phrase.part)
        return found

    def _by_kind(self, phrase: Phrase) -> Located | None:
        ways: dict[str, Callable[[Phrase], Located | None]] = {
            "all": self._everything,
            "position": self._position,
            "background": self._background,
            "subject": self._salient,
            "sky": self._sky,
            "text": self._text,
            "face": self._face,
            "thing": self._thing,
        }
        return ways[phrase.kind](phrase)

    def _by_source(self, phrase: Phrase, source: Source) -> Located | None:
        ways: dict[Source, Callable[[Phrase], Located | None]] = {
            "all": self._everything,
            "position": self._position,
            "saliency": self._background if phrase.kind == "background" or phrase.noun in BACKDROP else self._salient,
            "sky": self._sky,
            "text": self._text,
            "face": self._face,
            "colour": self._coloured,
            "detector": self._boxed,
        }
        return ways[source](phrase)

    # ---- one way of finding each

    def _everything(self, _: Phrase) -> Located | None:
        return self._located(np.ones(self._small.shape[:2], np.float32), 1.0, "all", "image")

    def _position(self, phrase: Phrase) -> Located | None:
        if phrase.place is None:
            return None
        height, width = self._small.shape[:2]
        mask = box_mask(phrase.place.cut(width, height), height, width)
        return self._located(mask, 1.0, "position", "position")

    def _background(self, _: Phrase) -> Located | None:
        subject = self._figures()
        clear = self._clarity(subject)
        return self._located(1 - subject, clear if (subject > 0.5).mean() < 0.95 else 0.2, "saliency", "background")

    def _salient(self, phrase: Phrase) -> Located | None:
        subject = self._figures()
        if (subject > 0.5).mean() < 0.002:
            return None
        return self._located(subject, self._clarity(subject), "saliency", phrase.noun or "subject")

    def _sky(self, _: Phrase) -> Located | None:
        found = self._sky_mask()
        if found is None:
            return None
        near = max(((f.box[2] - f.box[0]) * (f.box[3] - f.box[1]) for f in self._faces()), default=0.0)
        studio = near > 0.02 * found[0].size  # behind a portrait, an even backdrop looks the same
        return self._located(found[0], found[1] * (0.5 if studio else 1.0), "sky", "sky")

    def _text(self, phrase: Phrase) -> Located | None:
        lines = self._lines()
        if phrase.quoted:
            wanted = _letters(phrase.quoted)
            lines = [line for line in lines if wanted in _letters(line.text)]
        lines = self._placed(lines, phrase, [line.box for line in lines], self._detail)
        if not lines:
            return None
        mask = text_mask(lines, *self._detail.shape[:2])
        score = max(line.score for line in lines)
        label = " ".join(line.text for line in lines)
        return self._located(resize_mask(mask, *self._small.shape[:2]), score, "text", label, len(lines))

    def _face(self, phrase: Phrase) -> Located | None:
        every = self._faces()
        faces = self._placed(every, phrase, [face.box for face in every], self._small)
        if not faces:
            return None
        mask = face_mask(faces, *self._small.shape[:2])
        return self._located(mask, min(1.0, max(f.score for f in faces) + 0.1), "face", "face", len(every))

    def _thing(self, phrase: Phrase) -> Located | None:
        if owner := part_of(phrase.noun):
            if phrase.colour:  # "the red feathers of the parrot": what is red of it
                return self._coloured(replace(phrase, noun=owner))
            return None  # the whole thing is not meant, and no model knows its parts
        garment = CLOTHES.get(phrase.noun.rpartition(" ")[2])
        if garment and not phrase.colour:
            return self._clothes(phrase, garment)
        match = coco_label(phrase.noun) if phrase.noun else None
        known = match is not None and (match[1] == 1 or phrase.noun not in ALSO)  # a "vehicle" is no car, only near it
        label = match[0] if match and known else None
        if found := self._named(phrase, label):
            return found
        if phrase.place is not None and self._named(replace(phrase, place=None), label):
            return None  # it is seen, and not there: what lies there is another thing
        return self._unnamed(phrase, match)

    def _named(self, phrase: Phrase, label: str | None) -> Located | None:
        """What the detector sees by that name, or takes for it."""
        if label is not None and label not in BACKDROP and (found := self._detected(phrase, label)):
            return found
        others = [found for name in ALSO.get(phrase.noun, ()) if (found := self._detected(phrase, name))]
        if others:
            return max(others, key=lambda found: found.score)
        return self._animal(phrase) if _is_animal(phrase) else None

    def _unnamed(self, phrase: Phrase, match: tuple[str, float] | None) -> Located | None:
        """What looks like it by its colour and place; else what stands out, as a guess."""
        if phrase.noun in STUFF:
            if (found := self._stuff(phrase)) or not STUFF[phrase.noun].single:
                return found
        if phrase.colour and (found := self._coloured(phrase)):
            return found
        if phrase.noun in BACKDROP and (found := self._background(phrase)):
            return replace(found, score=0.35 * found.score, label=phrase.noun)
        animal = _is_animal(phrase)
        if match is not None and not animal and self._is_something_else(match[0]):
            return None
        if not phrase.noun and phrase.colour:
            return None  # "the red thing", and nothing is red
        unlikely = phrase.colour is not None or (match is not None and match[1] == 1.0)
        certain = 0.15 if unlikely and not animal else 0.35
        return self._what_is_left(phrase, certain)

    def _detected(self, phrase: Phrase, label: str) -> Located | None:
        seen = sorted(self._instances(label), key=lambda d: -d.score * box_area(d.box) ** 0.25)
        if phrase.place is not None and not any(self._on_side(phrase.place, d.box) for d in seen):
            seen = self._overlooked(label, phrase.place) or seen
        if not seen:
            return None
        chosen = seen
        sure = 1.0
        if phrase.colour and len(seen) > 1:
            chosen = self._most_coloured(seen, phrase.colour)
            sure = 1.0 if chosen else 0.3
            chosen = chosen or seen
        chosen = self._placed(chosen, phrase, [d.box for d in chosen], self._small, one=True)
        if not chosen:
            return None
        mask = np.zeros(self._small.shape[:2], np.float32)
        cut = [(self._unhidden(d), box_area(d.box)) for d in chosen]
        # A whole box is what is left where nothing could be cut out; beside clear ones it is rather a mistake.
        clear = [m for m, area in cut if float((m > 0.5).sum()) < _BOX_FULL * area]
        for one in clear or [m for m, _ in cut]:
            mask = np.maximum(mask, one)
        if phrase.colour and phrase.several and (alike := self._colour(phrase.colour)) is not None:
            area = float(mask.sum()) / len(chosen)
            mask = np.maximum(mask, sized(alike, 0.3 * area, 2 * area))  # the others of this colour and size
        score = sure * float(np.clip(0.15 + 1.5 * chosen[0].score, 0, 0.95))
        return self._located(mask, score, "detector", label, len(seen))

    def _on_side(self, place: Place, box: Box) -> bool:
        return place.holds(box, self._small.shape[1], self._small.shape[0])

    def _overlooked(self, label: str, place: Place) -> list[Detection]:
        """What may be such a thing in a place where none is seen clearly: the user says that one is there."""
        everything = self._detections()
        own = strongest(everything, {label}, PROMPTED)
        taken = strongest(everything, group_of(label) - {label}, MISTAKEN)
        found = [*(self._doubted(d) for d in own), *(replace(d, score=d.score * 0.6) for d in taken)]
        found = [d for d in found if d.score >= PROMPTED and self._on_side(place, d.box)]
        seen = self._instances(label)  # a part of one of these is no other one
        return [d for d in found if all(_stand_apart(d.box, other.box) for other in seen)]

    def _clothes(self, phrase: Phrase, worn: Worn) -> Located | None:
        wearer = self._detected(replace(phrase, noun="person"), "person")
        if wearer is None and phrase.place is not None and self._instances("person"):
            return None  # whoever wears it is elsewhere
        if wearer is None:
            return self._what_is_left(phrase, 0.35)  # laid out, or on a hanger
        heads = [f.box for f in self._faces() if wearer.mask[_middle(f.box)] > 0.5]
        mask = clothes_mask(self._small, wearer.mask, wearer.box, heads[0] if len(heads) == 1 else None, worn)
        return None if mask is None else self._located(mask, min(0.45, wearer.score), "colour", phrase.noun)

    def _animal(self, phrase: Phrase) -> Located | None:
        """An animal without a COCO name: one that is taken for one with such a name, if that is what stands out."""
        seen = self._look_alikes()
        subject = self._subject()
        if phrase.several or phrase.place is not None or phrase.size:
            chosen = self._placed(seen, phrase, [d.box for d in seen], self._small, one=True)
            mask = subject if phrase.several else np.zeros_like(subject)
            for detection in chosen:
                mask = np.maximum(mask, self._instance(detection.box))
        else:
            chosen = [d for d in seen if overlap(d.box, mask_box(subject) or (0, 0, 0, 0)) > 0.5][:1]
            mask = subject
        if not chosen:
            return None
        return self._located(mask, 0.45, "detector", chosen[0].label, len(seen))

    def _stuff(self, phrase: Phrase) -> Located | None:
        mask = self._shapeless(phrase.noun, phrase.colour)
        if mask is not None and phrase.place is not None:
            mask = mask * box_mask(phrase.place.cut(mask.shape[1], mask.shape[0]), *mask.shape)
        return None if mask is None else self._located(mask, 0.35, "colour", phrase.noun)

    def _boxed(self, phrase: Phrase) -> Located | None:
        """The second opinion of the detector: GrabCut from the box alone."""
        match = coco_label(phrase.noun)
        seen = self._instances(match[0]) if match else []
        chosen = self._placed(seen, phrase, [d.box for d in seen], self._small, one=True)
        if not match or not chosen:
            return None
        mask = np.zeros(self._small.shape[:2], np.float32)
        for detection in chosen:
            mask = np.maximum(mask, instance_mask(self._small, detection.box, None))
        return self._located(mask, float(np.clip(1.2 * chosen[0].score, 0, 0.7)), "detector", match[0], len(seen))

    def _coloured(self, phrase: Phrase) -> Located | None:
        if phrase.colour is None:
            return None
        colour = phrase.colour
        mask = self._colour(colour)
        if mask is None:
            tint = self._once(("tint", colour), lambda: tint_mask(self._small, colour)) if phrase.noun else None
            return None if tint is None else self._located(sharpen_edge(self._small, tint), 0.35, "colour", colour)
        match = coco_label(phrase.noun)
        for own in self._instances(match[0])[:1] if match else ():
            mask = mask * (self._instance(own.box) > 0.5)
        for other in self._clear() if phrase.noun and not match else ():
            rest = mask * (1 - self._instance(other.box))
            mask = rest if rest.sum() > 0.5 * mask.sum() else mask
        subject = (self._subject() > 0.5).astype(np.float32)
        on_subject = mask * subject
        score = 0.5
        if on_subject.sum() > 0.6 * mask.sum():
            mask, score = on_subject, 0.65
            if on_subject.sum() > 0.6 * subject.sum() and phrase.noun:
                mask = self._subject()  # the thing that has this colour, with its shadows and highlights
        if phrase.place is not None:
            mask = mask * box_mask(phrase.place.cut(mask.shape[1], mask.shape[0]), *mask.shape)
        mask = components(mask, least=0.1)
        return self._located(sharpen_edge(self._small, mask), score, "colour", f"{colour} {phrase.noun}".strip())

    def _what_is_left(self, phrase: Phrase, certain: float) -> Located | None:
        """An unknown noun: the subject, without the known things in it where enough is left of it."""
        subject = self._subject()
        if (subject > 0.5).mean() < 0.002:
            return None
        left = subject
        for other in self._clear():
            rest = np.minimum(left, 1 - self._instance(other.box))
            if (rest > 0.5).sum() > 0.15 * (subject > 0.5).sum():
                left = components(rest, least=0.15)
        pieces = parts(left, least=0.05)
        if phrase.place is not None:
            there = self._placed(pieces, phrase, [mask_box(p) or (0, 0, 0, 0) for p in pieces], self._small)
            if not there:
                return None
            left = there[0]
        elif phrase.size:
            left = pieces[0 if phrase.size > 0 else -1]
        return self._located(left, certain * self._clarity(subject) / 0.9, "saliency", phrase.noun)

    def _part(self, found: Located, part: Place) -> Located | None:
        left, top, right, bottom = found.box
        cut = part.cut(right - left, bottom - top)
        box = (left + cut[0], top + cut[1], left + cut[2], top + cut[3])
        mask = found.mask * box_mask(box, *found.mask.shape)
        return self._located(mask, found.score, found.source, found.label, found.count)

    @staticmethod
    def _placed(items: list[_T], phrase: Phrase, boxes: list[Box], image: Rgb, one: bool = False) -> list[_T]:
        """Choose by the phrase's place and size; of the rest all, or the first where the phrase means ``one``.

        Of several that stand apart, "the left one" is the leftmost, wherever it is; one alone must be on the left.
        """
        if not items:
            return []
        order = list(range(len(items)))
        if phrase.place is not None:
            height, width = image.shape[:2]
            order.sort(key=lambda k: _distance(boxes[k], phrase.place, width, height))
            nearest, *others = (boxes[k] for k in order)
            apart = others and all(_stand_apart(nearest, other) for other in others)
            if not apart and not phrase.place.holds(nearest, width, height):
                return []
        elif phrase.size:
            order.sort(key=lambda k: -phrase.size * (boxes[k][2] - boxes[k][0]) * (boxes[k][3] - boxes[k][1]))
        elif phrase.several or not one:
            return items
        return [items[order[0]]]

    def _located(self, mask: Mask, score: float, source: Source, label: str, count: int = 1) -> Located | None:
        box = mask_box(mask)
        return None if box is None else Located(mask, box, float(np.clip(score, 0, 1)), source, label, count)


def locate(rgb: Rgb, phrase: str, prefer: Source | None = None) -> Located | None:
    """Return where a phrase is in an image, or None if it is not there; see `Scene.find`."""
    return Scene.of(rgb).find(phrase, prefer)


def _is_animal(phrase: Phrase) -> bool:
    return phrase.noun.rpartition(" ")[2] in ANIMALS


def _stand_apart(a: Box, b: Box) -> bool:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    return width * height < _ONE_THING * min(box_area(a), box_area(b))


def _middle(box: Box) -> tuple[int, int]:
    return int((box[1] + box[3]) / 2), int((box[0] + box[2]) / 2)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _distance(box: Box, place: Place | None, width: int, height: int) -> float:
    """How far the middle of a box is from a place, in image sizes; sides of the same kind count by their extreme."""
    if place is None:
        return 0.0
    x, y = (box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height
    targets = {"left": 0.0, "top": 0.0, "centre": 0.5, "right": 1.0, "bottom": 1.0}
    across = abs(x - targets[place.horizontal]) if place.horizontal else 0.0
    down = abs(y - targets[place.vertical]) if place.vertical else 0.0
    return across + down
