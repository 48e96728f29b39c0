"""Writing text on a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from reasonedit_agent.errors import UsageError
from reasonedit_agent.operations import AddText
from reasonedit_agent.perception.arrays import Mask, mask_box
from reasonedit_agent.tools.classical.picture import Bench, Picture, blend, hex_rgb, linear
from reasonedit_agent.weights import FONT, FONT_INDEX, weight_path

__all__ = ["add_text", "open_font"]

_MARGIN = 0.04  # of the shorter side of the place
_ALONE = 4.5  # contrast (WCAG 2) from which text needs no outline
_WHITE, _BLACK = (255, 255, 255), (17, 17, 17)


def open_font(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    """Return a font file, or the embedded font, at a size in pixels per em.

    Raises:
        UsageError: The file is not a font, or the embedded one is not there.
    """
    file, index = (path, 0) if path else (weight_path(FONT), FONT_INDEX)
    try:
        return ImageFont.truetype(str(file), size, index=index)
    except OSError as error:
        raise UsageError(f"{file} cannot be used as a font.", hint="Give a .ttf, .otf or .ttc file.") from error


@dataclass(frozen=True, slots=True)
class _Block:
    """Text as it will stand: one drawing of all lines.

    Attributes:
        lines: Broken as they are drawn.
        em: Size of the font in pixels.
        cover: How much ink each pixel has, 0 to 1, cut to the ink.
    """

    lines: tuple[str, ...]
    em: int
    cover: Mask


def add_text(picture: Picture, operation: AddText, mask: Mask, bench: Bench) -> Picture:
    """Write into the region's box or on the picture; an outline is added only where the text would be hard to read."""
    width, height = picture.size
    box = None if bench.region is None else mask_box(mask) or mask_box(mask, 0.02)
    left, top, right, bottom = (round(v) for v in box or (0, 0, width, height))
    margin = max(1, round(min(right - left, bottom - top) * _MARGIN)) if min(right - left, bottom - top) > 8 else 0
    room = (max(1, right - left - 2 * margin), max(1, bottom - top - 2 * margin))
    block = _set(operation, room, bench, whole=box is None)
    tall, wide = block.cover.shape
    x = _anchor(operation.place, ("left", "right"), left + margin, right - margin, wide)
    y = _anchor(operation.place, ("top", "bottom"), top + margin, bottom - margin, tall)
    return _print(picture, block, operation, x, y)


def _anchor(place: str, ends: tuple[str, str], start: int, end: int, length: int) -> int:
    if ends[0] in place:
        return start
    if ends[1] in place:
        return end - length
    return (start + end - length) // 2


def _set(operation: AddText, room: tuple[int, int], bench: Bench, *, whole: bool) -> _Block:
    """Return the text at its size, broken into lines where it would not fit otherwise."""
    paragraphs = tuple(line.rstrip() for line in operation.text.splitlines()) or (operation.text,)
    if operation.size is not None:
        em = _em_for(operation, bench, operation.size)
        lines = _broken(paragraphs, open_font(bench.font, em), room[0])
        block = _draw(lines, em, bench)
        # Asked for larger than there is room: as large as it can be, rather than cut off.
        return block if _fits(block, room) else _largest(paragraphs, room, em, bench)
    # A caption on a photo is a twelfth of its height; in a box of its own it may fill it.
    limit = _em_for(operation, bench, max(6, round(min(room) / 11))) if whole else max(room)
    return _largest(paragraphs, room, limit, bench)


def _em_for(operation: AddText, bench: Bench, letters: int) -> int:
    """Return the font size whose capitals (or ideographs) are so many pixels tall."""
    model = "国" if any(ord(c) >= 0x2E80 for c in operation.text) else "H"
    box = open_font(bench.font, 200).getbbox(model)
    return max(1, round(letters * 200 / max(1.0, box[3] - box[1])))


def _largest(paragraphs: tuple[str, ...], room: tuple[int, int], limit: int, bench: Bench) -> _Block:
    low, high = 1, max(1, limit)
    while low < high:
        middle = (low + high + 1) // 2
        font = open_font(bench.font, middle)
        lines = _broken(paragraphs, font, room[0])
        box = _extent(lines, font)
        if box[2] - box[0] <= room[0] and box[3] - box[1] <= room[1]:
            low = middle
        else:
            high = middle - 1
    return _draw(_broken(paragraphs, open_font(bench.font, low), room[0]), low, bench)


def _fits(block: _Block, room: tuple[int, int]) -> bool:
    tall, wide = block.cover.shape
    return bool(wide <= room[0] and tall <= room[1])


def _broken(paragraphs: tuple[str, ...], font: ImageFont.FreeTypeFont, width: int) -> tuple[str, ...]:
    """Break at spaces, and between ideographs, what is wider than ``width``; a word that is too long stays whole."""
    lines: list[str] = []
    for paragraph in paragraphs:
        line = ""
        for piece in _pieces(paragraph):
            if line.strip() and font.getlength((line + piece).rstrip()) > width:
                lines.append(line.rstrip())
                line = piece.lstrip()
            else:
                line += piece
        lines.append(line.rstrip())
    return tuple(lines)


def _pieces(text: str) -> list[str]:
    pieces = [""]
    for letter in text:
        if letter == " " or ord(letter) >= 0x2E80:
            pieces.append("")
        pieces[-1] += letter
    return [piece for piece in pieces if piece]


def _extent(lines: tuple[str, ...], font: ImageFont.FreeTypeFont) -> tuple[float, float, float, float]:
    canvas = ImageDraw.Draw(Image.new("L", (1, 1)))
    return canvas.multiline_textbbox((0, 0), "\n".join(lines), font=font, align="center", spacing=font.size * 0.25)


def _draw(lines: tuple[str, ...], em: int, bench: Bench) -> _Block:
    font = open_font(bench.font, em)
    left, top, right, bottom = _extent(lines, font)
    image = Image.new("L", (max(1, int(right - left) + 2), max(1, int(bottom - top) + 2)))
    ImageDraw.Draw(image).multiline_text(
        (1 - left, 1 - top), "\n".join(lines), font=font, fill=255, align="center", spacing=font.size * 0.25
    )
    image = image.crop(image.getbbox() or (0, 0, 1, 1))
    return _Block(lines, em, np.asarray(image, np.float32) / np.float32(255))


def _print(picture: Picture, block: _Block, operation: AddText, x: int, y: int) -> Picture:
    """Blend the ink in, with an outline or shade of the opposite lightness where contrast is poor."""
    width, height = picture.size
    edge = max(1, round(block.em * 0.035))
    blur = edge * 2.0
    pad = edge + int(blur * 2)
    whole = np.pad(block.cover, pad)
    rows, columns = slice(max(0, y - pad), y + whole.shape[0] - pad), slice(max(0, x - pad), x + whole.shape[1] - pad)
    ink = whole[max(0, pad - y) :, max(0, pad - x) :][: height - rows.start, : width - columns.start]
    under = picture.rgb[rows, columns]
    behind = under.reshape(-1, 3)
    colour = hex_rgb(operation.colour) if operation.colour else _best_colour(behind)
    out = picture.rgb.copy()
    opaque = ink
    if _worst_contrast(behind, colour) < _ALONE:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * edge + 1, 2 * edge + 1))
        rim = np.asarray(cv2.dilate(ink, kernel), np.float32)
        shade = np.clip(cv2.GaussianBlur(rim, (0, 0), blur) * 0.5, 0, 1)
        opaque = np.asarray(np.maximum(np.maximum(shade, rim * 0.85), ink), np.float32)
        opposite = _BLACK if _luminance(np.array([colour]))[0] > 0.18 else _WHITE
        under = blend(under, np.full_like(under, opposite), np.asarray(np.maximum(shade, rim * 0.85), np.float32))
    out[rows, columns] = blend(under, np.full_like(under, colour), ink)
    if picture.alpha is None:
        return picture.painted(out)
    alpha = picture.alpha.copy()
    alpha[rows, columns] = np.maximum(alpha[rows, columns], np.rint(opaque * 255).astype(np.uint8))
    return Picture(out, alpha, picture.geometry)


def _luminance(colours: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
    light = linear(np.asarray(colours, np.float32) / np.float32(255))
    return np.asarray(light @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)


def _worst_contrast(behind: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> float:
    """Return the contrast ratio (WCAG 2) that nine tenths of the background exceed."""
    text = float(_luminance(np.array([colour]))[0]) + 0.05
    ground = _luminance(behind[:: max(1, len(behind) // 20000)]) + 0.05
    ratio = np.maximum(ground, text) / np.minimum(ground, text)
    return float(np.quantile(ratio, 0.1))


def _best_colour(behind: npt.NDArray[np.uint8]) -> tuple[int, int, int]:
    return max((_WHITE, _BLACK), key=lambda colour: _worst_contrast(behind, colour))
