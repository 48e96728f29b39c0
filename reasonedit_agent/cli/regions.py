"""``--region`` as it is written: a box, a polygon, a mask image, or a phrase."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasonedit_agent.errors import UsageError

if TYPE_CHECKING:
    from reasonedit_agent.schemas import Box, Phrase, Polygon, Region

__all__ = ["parse_region", "read_region"]

_REGIONS = "Write 'left,top,right,bottom', 'x,y x,y x,y', a mask image's name, or a phrase."


def parse_region(text: str, source: Path, images: Path) -> Region:
    """Read a region: a box, a polygon, a mask image of the source's size, or a phrase.

    Raises:
        UsageError: It cannot be read.
    """
    from reasonedit_agent.images import ingest, open_store
    from reasonedit_agent.schemas import Mask

    if _is_file(text):
        store = open_store(images)
        mask = store.put(ingest(text).data)
        picture = store.put(ingest(source).data)
        if mask.size != picture.size:
            sizes = [f"{ref.width}x{ref.height}" for ref in (mask, picture)]
            raise UsageError(f"The mask {text} has {sizes[0]} pixels, the photo {sizes[1]}.", hint="Make it as large.")
        return Mask(image=store.save(store.open(mask).convert("L")), label=Path(text).stem)
    if Path(text).suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"):
        raise UsageError(f"The mask {text} does not exist.", hint="Give a mask image of the photo's size.")
    return read_region(text)


def read_region(text: str) -> Box | Polygon | Phrase:
    """Read a region that is no file: a box, a polygon, or a phrase.

    Raises:
        UsageError: It cannot be read.
    """
    from pydantic import ValidationError

    from reasonedit_agent.schemas import Box, Phrase, Polygon

    if not text.strip():
        raise UsageError("The region is empty.", hint=_REGIONS)
    numbers = _numbers(text)
    if numbers is None:
        return Phrase(text=text.strip())
    try:
        if len(numbers) == 1:
            left, top, right, bottom = numbers[0]
            return Box(left=left, top=top, right=right, bottom=bottom)
        points: Any = numbers
        return Polygon(points=points)
    except ValidationError as error:
        reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ").rstrip(".")
        raise UsageError(f"The region {text[:60]!r} cannot be read: {reason}.", hint=_REGIONS) from error


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than a name can be: a polygon of many points, or a long phrase
        return False


def _numbers(text: str) -> tuple[tuple[float, ...], ...] | None:
    """Return the four numbers of a box, or the pairs of a polygon; None where it is a text."""
    try:
        numbers = tuple(tuple(float(part) for part in group.split(",")) for group in text.replace(";", " ").split())
    except ValueError:
        if any(character.isalpha() for character in text):
            return None
        raise UsageError(f"The region {text[:60]!r} cannot be read.", hint=_REGIONS) from None
    box = [len(group) for group in numbers] == [4]
    wrong = ""
    if not box and (len(numbers) < 3 or any(len(point) != 2 for point in numbers)):
        wrong = f"it has {sum(map(len, numbers))} numbers; a box has four, a polygon three pairs or more"
    elif not all(math.isfinite(number) for point in numbers for number in point):
        wrong = "one of its numbers is none"
    if wrong:
        raise UsageError(f"The region {text[:60]!r} cannot be read: {wrong}.", hint=_REGIONS)
    return numbers
