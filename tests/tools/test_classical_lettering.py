"""Text: where it stands, how tall it is, its colour, and that it can be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, label
from skimage.morphology import skeletonize

from reasonedit_agent import operations as ops
from reasonedit_agent.errors import UsageError
from reasonedit_agent.schemas import Box
from reasonedit_agent.tools import ClassicalEditor
from tests.tools.bench import Array, Studio, photo

PLAIN = np.full((400, 600, 3), 235, np.uint8)


def ink(after: Array, before: Array) -> Array:
    return np.asarray(np.abs(after.astype(int) - before.astype(int)).max(axis=2) > 100)


def extent(mask: Array) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_letters_have_the_height_and_the_colour(studio: Studio, weights: None) -> None:
    after, _ = studio.edit(PLAIN, ops.AddText(text="HIT", size=60, place="center", colour="#102080"))
    letters = ink(after, PLAIN)
    left, top, right, bottom = extent(letters)
    assert bottom - top == pytest.approx(60, abs=2)
    assert (left + right) / 2 == pytest.approx(300, abs=2) and (top + bottom) / 2 == pytest.approx(200, abs=2)
    assert label(letters)[1] == 3
    core = after[skeletonize(letters)]
    assert np.median(core, axis=0) == pytest.approx((0x10, 0x20, 0x80), abs=2)


@pytest.mark.parametrize(
    ("place", "across", "down"),
    [("top-left", 0, 0), ("top", 1, 0), ("right", 2, 1), ("center", 1, 1), ("bottom-right", 2, 2), ("bottom", 1, 2)],
)
def test_anchors_keep_a_margin(studio: Studio, weights: None, place: str, across: int, down: int) -> None:
    after, _ = studio.edit(PLAIN, ops.AddText(text="Hello", size=30, place=place))
    left, top, right, bottom = extent(ink(after, PLAIN))
    free = ((left, (600 - (right - left)) / 2, 600 - right), (top, (400 - (bottom - top)) / 2, 400 - bottom))
    assert free[0][across] == pytest.approx(16 if across != 1 else left, abs=4)
    assert free[1][down] == pytest.approx(16 if down != 1 else top, abs=4)


def test_text_fits_its_box(studio: Studio, weights: None) -> None:
    box = Box(left=50, top=100, right=250, bottom=160)
    after, _ = studio.edit(PLAIN, ops.AddText(text="A caption of several words", place="center"), box)
    left, top, right, bottom = extent(ink(after, PLAIN))
    assert left >= 50 and right <= 250 and top >= 100 and bottom <= 160 and right - left > 120


def test_long_text_is_broken_and_never_cut_off(studio: Studio, weights: None) -> None:
    long = "This is a rather long sentence that does not fit into one line of the picture at this size"
    for text in (long, "汉字" * 30, "W" * 200):
        after, _ = studio.edit(PLAIN, ops.AddText(text=text, size=40, place="top"))
        left, top, right, bottom = extent(ink(after, PLAIN))
        assert left > 3 and top > 3 and right < 597 and bottom < 397


def test_line_breaks_stay(studio: Studio, weights: None) -> None:
    after, _ = studio.edit(PLAIN, ops.AddText(text="HE\nHO\nHU", size=30, place="center"))
    rows = ink(after, PLAIN).any(axis=1)
    assert label(rows)[1] == 3


def test_chinese_letters_are_drawn_and_not_boxes(studio: Studio, weights: None) -> None:
    shapes = []
    for text in ("你", "好", "世"):
        after, _ = studio.edit(PLAIN, ops.AddText(text=text, size=80, place="center"))
        letters = ink(after, PLAIN)
        _, top, _, bottom = extent(letters)
        assert bottom - top == pytest.approx(80, abs=12)
        shapes.append(letters[160:240, 260:340])
    assert (shapes[0] != shapes[1]).mean() > 0.1 and (shapes[1] != shapes[2]).mean() > 0.1


@pytest.mark.parametrize("name", ["coffee", "china", "chelsea"])
@pytest.mark.parametrize("place", ["top", "bottom"])
def test_text_stands_out_on_a_photo(studio: Studio, weights: None, name: str, place: str) -> None:
    before = photo(name)
    after, _ = studio.edit(before, ops.AddText(text="HILL", place=place))
    changed = np.abs(after.astype(int) - before).max(axis=2) > 0
    left, top, right, bottom = extent(changed)
    part = after[top:bottom, left:right].astype(float) / 255
    light = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)
    white, black = light > 0.95, light < 0.01
    letters = max((white, black), key=lambda m: label(m, np.ones((3, 3)))[1] <= 12 and m.sum())
    assert 0.03 < letters.mean() < 0.6
    near = binary_dilation(letters, iterations=3) & ~binary_dilation(letters, iterations=1)
    one, other = np.median(light[letters]) + 0.05, np.median(light[near]) + 0.05
    assert max(one, other) / min(one, other) > 3


def test_an_outline_is_drawn_only_where_it_is_needed(studio: Studio, weights: None) -> None:
    for colour, outlined in (("#e0e0e0", True), ("#101010", False)):
        after, _ = studio.edit(PLAIN, ops.AddText(text="HILL", size=50, place="center", colour=colour))
        _, top, _, bottom = extent((after != 235).any(axis=2))
        assert (bottom - top > 54) == outlined  # the letters are 50 tall
        if outlined:
            assert ((after < 120).all(axis=2)).sum() > 200


def test_another_font_is_used_and_named(tmp_path: Path, studio: Studio) -> None:
    fonts = Path("/usr/share/fonts")
    font = next(iter(fonts.rglob("DejaVuSerif.ttf")), None) if fonts.exists() else None
    if font is None:
        pytest.skip("no second font on this machine")
    studio.editor = ClassicalEditor(font=font)
    assert len(str(studio.editor.info.settings["font_sha256"])) == 64
    after, _ = studio.edit(PLAIN, ops.AddText(text="HIT", size=60, place="center"))
    assert ink(after, PLAIN).sum() > 500


def test_a_file_that_is_no_font_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "font.ttf"
    wrong.write_text("no font")
    for path in (wrong, tmp_path / "absent.ttf"):
        with pytest.raises(UsageError, match=path.name):
            ClassicalEditor(font=path)


def test_text_is_opaque_on_transparent_ground(studio: Studio, weights: None) -> None:
    before = np.zeros((200, 300, 4), np.uint8)
    after, _ = studio.edit(before, ops.AddText(text="HIT", size=50, place="center", colour="#ff0000"))
    solid = after[..., 3] == 255
    assert solid.sum() > 300 and after[0, 0, 3] == 0
