"""Geometry: sizes are exact, pixels go where the map says, and right angles lose nothing."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import transform

from reasonedit_agent import operations as ops
from reasonedit_agent.errors import Unsupported
from reasonedit_agent.schemas import Box, Candidate, EditStep
from tests.tools.bench import Array, Studio, photo

DOT = (431.0, 122.0)  # x, y of a magenta dot's middle


def dotted() -> Array:
    picture = photo("coffee").copy()
    rows, columns = np.ogrid[:400, :600]
    picture[(columns + 0.5 - DOT[0]) ** 2 + (rows + 0.5 - DOT[1]) ** 2 <= 64] = (255, 0, 255)
    return picture


def find_dot(picture: Array) -> tuple[float, float]:
    rgb = picture[..., :3].astype(float)
    rows, columns = np.nonzero((rgb[..., 0] > 200) & (rgb[..., 1] < 60) & (rgb[..., 2] > 200))
    assert len(rows)
    return columns.mean() + 0.5, rows.mean() + 0.5


SUBJECT = Box(left=380, top=60, right=500, bottom=180)
MOVES = [
    (ops.Crop(), SUBJECT, (120, 120)),
    (ops.Crop(margin=0.25), SUBJECT, (180, 180)),
    (ops.Crop(ratio=(1, 1)), SUBJECT, (400, 400)),
    (ops.Crop(ratio=(16, 9)), None, (600, 338)),
    (ops.Crop(ratio=(9, 16)), SUBJECT, (225, 400)),
    (ops.Resize(width=300), None, (300, 200)),
    (ops.Resize(height=1000), None, (1500, 1000)),
    (ops.Resize(width=333, height=77), None, (333, 77)),
    (ops.Resize(scale=1.5), None, (900, 600)),
    (ops.Resize(megapixels=0.06), None, (300, 200)),
    (ops.Rotate(degrees=90), None, (400, 600)),
    (ops.Rotate(degrees=-90), None, (400, 600)),
    (ops.Rotate(degrees=180), None, (600, 400)),
    (ops.Rotate(degrees=360), None, (600, 400)),
    (ops.Rotate(degrees=30), None, (720, 647)),
    (ops.Rotate(degrees=-7.5), None, (648, 475)),
    (ops.Flip(axis="horizontal"), None, (600, 400)),
    (ops.Flip(axis="vertical"), None, (600, 400)),
    (ops.Upscale(factor=2), None, (1200, 800)),
    (ops.Upscale(factor=3), None, (1800, 1200)),
]


@pytest.mark.parametrize(("operation", "region", "size"), MOVES)
def test_sizes_are_exact_and_the_map_follows_the_pixels(
    studio: Studio, weights: None, operation: ops.PlainOperation, region: Box | None, size: tuple[int, int]
) -> None:
    after, made = studio.edit(dotted(), operation, region)
    assert made.image.size == size
    assert find_dot(after) == pytest.approx(made.geometry.to_candidate(*DOT), abs=0.7)


def test_maps_compose_over_steps_and_rounds(studio: Studio) -> None:
    _, first = studio.edit(dotted(), ops.Crop(margin=0.5), SUBJECT)
    _, second = studio.edit(first, ops.Rotate(degrees=20))
    after, third = studio.edit(second, ops.Resize(scale=2))
    assert find_dot(after) == pytest.approx(third.geometry.to_candidate(*DOT), abs=1)
    left, top, right, bottom = third.geometry.valid
    assert (left, top, right, bottom) == (320, 0, 560, 240)
    # A region in source pixels still finds its place: the dot, made grey, is gone.
    grey, _ = studio.edit(third, ops.BlackAndWhite(), Box(left=420, top=110, right=442, bottom=134))
    with pytest.raises(AssertionError):
        find_dot(grey)


def test_clockwise_is_clockwise_and_corners_are_transparent(studio: Studio) -> None:
    before = photo("chelsea")
    quarter, _ = studio.edit(before, ops.Rotate(degrees=90))
    assert np.array_equal(quarter, np.rot90(before, -1))
    turned, _ = studio.edit(before, ops.Rotate(degrees=25))
    assert (
        turned.shape[2] == 4 and turned[0, 0, 3] == 0 and turned[turned.shape[0] // 2, turned.shape[1] // 2, 3] == 255
    )
    assert (turned[..., 3] / 255).sum() == pytest.approx(before.shape[0] * before.shape[1], rel=0.005)
    expected = transform.rotate(before / 255, -25, resize=True, order=3)
    tall, wide = (min(a, b) for a, b in zip(expected.shape[:2], turned.shape[:2], strict=True))
    middle = [s[(s.shape[0] - tall) // 2 :, (s.shape[1] - wide) // 2 :][:tall, :wide] for s in (turned / 255, expected)]
    inside = middle[0][..., 3] == 1
    assert np.abs(middle[0][inside][:, :3] - middle[1][inside]).mean() < 0.03


def test_flips_and_crops_copy_pixels(studio: Studio) -> None:
    before = photo("chelsea")
    assert np.array_equal(studio.edit(before, ops.Flip(axis="horizontal"))[0], before[:, ::-1])
    assert np.array_equal(studio.edit(before, ops.Flip(axis="vertical"))[0], before[::-1])
    box = Box(left=30, top=20, right=130, bottom=90)
    assert np.array_equal(studio.edit(before, ops.Crop(), box)[0], before[20:90, 30:130])


def test_a_shrunk_picture_does_not_alias(studio: Studio) -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    after, _ = studio.edit(stripes, ops.Resize(width=100))
    assert after.std() < 2 and after.mean() == pytest.approx(127.5, abs=1.5)


def test_alpha_goes_with_the_pixels_and_hidden_colours_do_not_bleed(studio: Studio) -> None:
    pixels = np.zeros((100, 100, 4), np.uint8)
    pixels[..., :3] = (0, 255, 0)  # hidden: green
    pixels[20:80, 20:80] = (200, 0, 0, 255)
    for operation in (ops.Resize(scale=0.37), ops.Resize(scale=2.3), ops.Rotate(degrees=10)):
        after, _ = studio.edit(pixels, operation)
        visible = after[after[..., 3] > 100]
        assert len(visible) and visible[:, 1].max() < 40


def test_a_crop_needs_something_to_crop_to(studio: Studio) -> None:
    with pytest.raises(Unsupported, match="region or a ratio"):
        studio.edit(photo("coffee"), ops.Crop())


def test_what_would_be_too_large_is_refused(studio: Studio) -> None:
    for operation in (ops.Resize(scale=16), ops.Resize(width=30000, height=30000)):
        with pytest.raises(Unsupported, match="megapixels"):
            studio.edit(np.zeros((4000, 4000, 3), np.uint8), operation)


async def test_steps_run_in_order(studio: Studio) -> None:
    steps = (
        EditStep(text="crop", operation=ops.Crop(), region=SUBJECT),
        EditStep(text="turn", operation=ops.Rotate(degrees=90)),
        EditStep(text="size", operation=ops.Resize(width=60)),
    )
    base = Candidate.of(studio.save(dotted()))
    (made,) = await studio.editor.edit(studio.call(base, *steps), studio)
    assert made.image.size == (60, 60)
    after = np.asarray(studio.images.open(made.image))
    assert find_dot(after) == pytest.approx(made.geometry.to_candidate(*DOT), abs=0.7)
