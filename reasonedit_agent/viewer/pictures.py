"""Pictures for a page: shrunk copies as data URIs."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reasonedit_agent.errors import StoreError
from reasonedit_agent.images import MAX_PIXELS
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.schemas import Candidate, ImageRef
from reasonedit_agent.viewer.differences import differences, tinted

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FULL", "THUMBNAILS", "TINY", "Album", "Drawn", "Heat", "Size", "thumbnail"]

HEAT_SIDE = 512
"""Longest side of a heat map or a mask, pixels."""


@dataclass(frozen=True)
class Size:
    """How large pictures may be.

    Attributes:
        sides: Longest sides in pixels that are tried, the largest first.
        quality: Of WebP, 0 to 100.
        method: Effort of WebP, 0 to 6.
        most: Bytes of one picture; the last side is taken whatever it gives.
        in_all: Bytes of all pictures of a run.
    """

    sides: tuple[int, ...]
    quality: int
    method: int
    most: int
    in_all: int


FULL = Size(sides=(1280, 1024, 800, 600, 440, 320, 200), quality=82, method=4, most=300_000, in_all=1_500_000)
"""For a report that shows everything."""

THUMBNAILS = Size(sides=(240, 160, 112), quality=60, method=2, most=9_000, in_all=60_000)
"""For `--light`."""

TINY = Size(sides=(128, 96), quality=60, method=2, most=4_000, in_all=24_000)
"""For `--light` of very many runs."""


@dataclass(frozen=True)
class Drawn:
    """A picture of the page.

    Attributes:
        id: Of its element, made of what it shows.
        uri: Its bytes as a data URI; empty where it cannot be had.
        width: Of the coordinates that it fills: the pixels of the original.
        height: Of the same.
        problem: Why it cannot be had.
    """

    id: str
    uri: str
    width: int
    height: int
    problem: str = ""


@dataclass(frozen=True)
class Heat:
    """A difference heat map.

    Attributes:
        drawn: The picture.
        changed: Share of the compared pixels that differ by more than `CHANGED`, 0 to 1.
        mean: Mean difference (the largest over the channels), 0 to 255.
        compared: Share of the pixels that both pictures have, 0 to 1.
    """

    drawn: Drawn
    changed: float
    mean: float
    compared: float


@dataclass
class Album:
    """The pictures of one file, each encoded once.

    Args:
        size: How large they may be.
        done: Ids of pictures that the file has already.
    """

    size: Size
    done: set[str] = field(default_factory=set)
    _all: dict[str, Drawn] = field(default_factory=dict)
    _new: list[Drawn] = field(default_factory=list)
    _most: int = 0
    _heat_side: int = HEAT_SIDE

    def begin(self, pictures: int) -> None:
        """Start a run with so many pictures: they share its bytes."""
        self._most = min(self.size.most, self.size.in_all // max(1, pictures))
        self._heat_side = max(96, min(HEAT_SIDE, int(HEAT_SIDE * (12 / max(1, pictures)) ** 0.5)))

    def take(self) -> list[Drawn]:
        """Return the pictures that are new since the last call; they are to be written into the file now."""
        new, self._new = self._new, []
        return new

    def photo(self, store: ImageStore, ref: ImageRef) -> Drawn:
        """Return a stored picture."""
        name = f"p-{ref.sha256[:16]}"
        if name not in self._all:
            try:
                data = _encoded(_read(store, ref, self.size.sides[0]), self.size, self._most)
                self._keep(Drawn(name, data, ref.width, ref.height))
            except _Missing as missing:
                self._all[name] = Drawn(name, "", ref.width, ref.height, str(missing))
        return self._all[name]

    def mask(self, store: ImageStore, ref: ImageRef) -> Drawn:
        """Return a mask, tinted where it is white, clear where it is black."""
        name = f"m-{ref.sha256[:16]}"
        if name not in self._all:
            try:
                tint = tinted(_read(store, ref, HEAT_SIDE, grey=True))
                self._keep(Drawn(name, _webp(tint, 60, 4), ref.width, ref.height))
            except _Missing as missing:
                self._all[name] = Drawn(name, "", ref.width, ref.height, str(missing))
        return self._all[name]

    def heat(self, store: ImageStore, base: Candidate, made: Candidate) -> Heat | None:
        """Return where a picture differs from what it was made of; None where one of them cannot be had."""
        try:
            before = _read(store, base.image, self._heat_side)
            after = _read(store, made.image, self._heat_side)
        except _Missing:
            return None
        picture, changed, mean, compared = differences(before, after, base, made)
        name = f"h-{base.image.sha256[:12]}-{made.image.sha256[:12]}"
        drawn = self._all.get(name) or Drawn(name, _webp(picture, 70, 4), made.image.width, made.image.height)
        if name not in self._all:
            self._keep(drawn)
        return Heat(drawn, changed, mean, compared)

    def _keep(self, drawn: Drawn) -> None:
        # A thousand runs must not keep a thousand runs' pictures in memory: what was written is only named.
        self._all[drawn.id] = Drawn(drawn.id, "#", drawn.width, drawn.height)
        if drawn.id not in self.done:
            self.done.add(drawn.id)
            self._new.append(drawn)


class _Missing(Exception):
    """A picture that cannot be had; one line."""


def _read(store: ImageStore, ref: ImageRef, side: int, grey: bool = False) -> Image:
    """Return a stored picture, shrunk to a longest side, as RGB, RGBA or L."""
    from PIL import Image

    if ref.width * ref.height > MAX_PIXELS:
        raise _Missing(f"Picture {ref.sha256[:12]} is too large to show ({ref.width} x {ref.height} pixels).")
    try:
        data = store.get(ref)
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
            opened.draft("L" if grey else "RGB", (side, side))  # a JPEG is decoded at a fraction of its size
            image: Image.Image = opened.convert("L" if grey else "RGBA" if opened.has_transparency_data else "RGB")
    except StoreError:
        raise _Missing(f"Picture {ref.sha256[:12]} is missing: it is not in the store, or it is damaged.") from None
    except (OSError, SyntaxError, ValueError, MemoryError) as error:
        raise _Missing(f"Picture {ref.sha256[:12]} cannot be read ({type(error).__name__}).") from None
    return _shrunk(image, side)


def _shrunk(image: Image, side: int) -> Image:
    from PIL.Image import Resampling

    if max(image.size) <= side:
        return image
    factor = side / max(image.size)
    width, height = (max(1, round(length * factor)) for length in image.size)
    return image.resize((width, height), Resampling.LANCZOS, reducing_gap=2.0)


def _webp(image: Image, quality: int, method: int) -> str:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=method)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


def _encoded(image: Image, size: Size, most: int) -> str:
    """Return the largest copy that keeps within the bytes, as a data URI."""
    uri, fits = "", float("inf")
    for side in size.sides:
        if side > fits and side != size.sides[-1]:
            continue
        uri = _webp(_shrunk(image, side), size.quality, size.method)
        held = len(uri) * 3 // 4
        if held <= most:
            break
        fits = min(side, max(image.size)) * (most / held) ** 0.5  # bytes go with the area
    return uri


def thumbnail(store: ImageStore, ref: ImageRef, side: int) -> Image | None:
    """Return a small copy, RGB or RGBA; None where the picture cannot be had."""
    try:
        return _read(store, ref, side)
    except _Missing:
        return None
