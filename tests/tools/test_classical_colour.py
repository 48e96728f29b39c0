"""Tone and colour: every amount as skimage measures it, and nothing outside the region."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_filter
from skimage import color

from reasonedit_agent import operations as ops
from reasonedit_agent.schemas import Box
from tests.tools.bench import Array, Studio, change, disc, lab, photo

AMOUNTS = [
    ("brightness", 0.2), ("brightness", -0.3), ("contrast", 0.3), ("contrast", -0.3),
    ("saturation", 0.4), ("saturation", -0.5), ("warmth", 0.2), ("warmth", -0.2),
]  # fmt: skip


def moved(what: str, before: Array, after: Array, weight: Array) -> float:
    def mean(values: Array) -> float:
        return float(np.average(values, weights=weight))

    def statistic(rgb: Array) -> float:
        seen = lab(rgb)
        light = seen[..., 0]
        values = {
            "brightness": mean(light),
            "contrast": mean((light - mean(light)) ** 2) ** 0.5,
            "saturation": mean(np.hypot(seen[..., 1], seen[..., 2])),
            "warmth": mean(seen[..., 2]),
        }
        return float(values[what])

    now, then = statistic(after), statistic(before)
    return (now - then) / 50 if what == "warmth" else now / then - 1


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "flower"])
@pytest.mark.parametrize(("what", "amount"), AMOUNTS)
def test_adjust_moves_the_statistic_by_the_amount(studio: Studio, name: str, what: str, amount: float) -> None:
    before = photo(name)
    inside = disc(before.shape, before.shape[0] * 0.5, before.shape[1] * 0.45, before.shape[0] * 0.35)
    soft = gaussian_filter(inside.astype(float), 2)
    after, _ = studio.edit(before, ops.Adjust(what=what, amount=amount), studio.mask(soft))
    assert moved(what, before, after, soft) == pytest.approx(amount, rel=0.05)
    assert change(before, after)[~binary_dilation(soft > 0.002, iterations=2)].mean() == 0
    if what != "brightness":
        drift = np.average(lab(after)[..., 0] - lab(before)[..., 0], weights=soft)
        assert abs(drift) < 6


def linear(rgb: Array) -> Array:
    share = rgb / 255
    return np.asarray(np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4))


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "china"])
@pytest.mark.parametrize("stops", [-2.0, 0.4, 1.0])
def test_exposure_is_stops_of_light_and_spares_the_highlights(studio: Studio, name: str, stops: float) -> None:
    before = photo(name)
    after, _ = studio.edit(before, ops.Adjust(what="exposure", amount=stops))
    exposed = np.minimum(linear(before) * 2**stops, 1)
    luma = (0.2126, 0.7152, 0.0722)
    assert np.log2((linear(after) @ luma).mean() / (exposed @ luma).mean()) == pytest.approx(0, abs=0.05)
    assert (after == 255).mean() <= (before == 255).mean() + 0.3 * ((exposed == 1).mean() - (before == 255).mean())


@pytest.mark.parametrize("colour", ["#3060e0", "#309050", "#a03060"])
def test_recolour_brings_the_mean_there_and_keeps_the_texture(studio: Studio, colour: str) -> None:
    before = photo("flower")
    soft = gaussian_filter(disc(before.shape, 205, 321, 110).astype(float), 1.5)
    after, _ = studio.edit(before, ops.Recolour(colour=colour), studio.mask(soft))
    target = color.rgb2lab(np.array([[[int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]]]))[0, 0]
    mean = [np.average(lab(after)[..., k], weights=soft) for k in range(3)]
    assert color.deltaE_ciede2000(np.array(mean), target) < 2
    core = soft > 0.99
    assert np.corrcoef(lab(before)[core, 0], lab(after)[core, 0])[0, 1] > 0.95
    assert change(before, after)[~binary_dilation(soft > 0.002, iterations=2)].mean() == 0


@pytest.mark.parametrize(("colour", "goal"), [("#000000", 0), ("#ffffff", 100)])
def test_black_and_white_paint_keep_the_shading(studio: Studio, colour: str, goal: float) -> None:
    before = photo("flower")
    inside = disc(before.shape, 205, 321, 110)
    after, _ = studio.edit(before, ops.Recolour(colour=colour), studio.mask(inside))
    light = lab(after)[inside]
    assert abs(light[:, 0].mean() - goal) < 15 and np.hypot(light[:, 1], light[:, 2]).mean() < 3
    assert light[:, 0].std() > 2.5


def test_half_strength_goes_half_the_way(studio: Studio) -> None:
    before = photo("flower")
    inside = disc(before.shape, 205, 321, 110)
    means = []
    for strength in (0.0, 0.5, 1.0):
        after, _ = studio.edit(before, ops.Recolour(colour="#3060e0", strength=strength), studio.mask(inside))
        means.append(lab(after)[inside].mean(axis=0))
    assert means[0] == pytest.approx(lab(before)[inside].mean(axis=0), abs=0.2)
    assert means[1] == pytest.approx((means[0] + means[2]) / 2, abs=3)


def test_a_recoloured_edge_keeps_no_rim_of_the_old_colour(studio: Studio) -> None:
    # A red disc composited softly on grey: recoloured, it must be what a blue disc composited the same way is.
    soft = gaussian_filter(disc((200, 200, 3), 100, 100, 60).astype(float), 2)[..., None]
    red, blue = np.array([200, 40, 40]), np.array([40, 60, 200])
    before = np.rint(soft * red + (1 - soft) * 128).astype(np.uint8)
    after, _ = studio.edit(before, ops.Recolour(colour="#283cc8"), studio.mask(soft[..., 0]))
    rim = (soft[..., 0] > 0.1) & (soft[..., 0] < 0.9)
    expected = np.rint(soft * blue + (1 - soft) * 128).astype(np.uint8)
    assert change(expected, after)[rim].mean() < 5
    assert change(before, after)[rim].mean() > 15


def test_black_and_white_and_sepia_keep_the_light(studio: Studio) -> None:
    before = photo("astronaut")
    for operation, chroma, hue in ((ops.BlackAndWhite(), 0.0, None), (ops.Sepia(), 20.0, 70.0)):
        after, _ = studio.edit(before, operation)
        seen = lab(after)
        assert np.abs(seen[..., 0] - lab(before)[..., 0]).mean() < 1
        middle = (seen[..., 0] > 30) & (seen[..., 0] < 70)
        assert np.hypot(seen[..., 1], seen[..., 2])[middle].mean() == pytest.approx(chroma, abs=9)
        if hue is not None:
            assert np.degrees(np.arctan2(seen[middle][:, 2], seen[middle][:, 1])).mean() == pytest.approx(hue, abs=5)
    half, _ = studio.edit(before, ops.BlackAndWhite(strength=0.5))
    left = np.hypot(*np.moveaxis(lab(half)[..., 1:], -1, 0)).mean()
    assert left == pytest.approx(np.hypot(*np.moveaxis(lab(before)[..., 1:], -1, 0)).mean() / 2, rel=0.03)


def test_the_vignette_takes_its_share_of_light_from_the_corners(studio: Studio) -> None:
    before = np.full((300, 400, 3), 188, np.uint8)  # half of the light
    after, _ = studio.edit(before, ops.Vignette(strength=0.6))
    light = ((after / 255 + 0.055) / 1.055) ** 2.4
    assert light[0, 0, 0] / light[150, 200, 0] == pytest.approx(0.4, abs=0.02)
    # The middle of an edge is half as far: the eye must see it there too, not in the last pixels of the corners alone.
    assert light[0, 200, 0] / light[150, 200, 0] == pytest.approx(0.7, abs=0.02)
    assert np.all(np.diff(after[:150, 200, 0].astype(int)) >= 0)


def test_what_is_transparent_does_not_count(studio: Studio) -> None:
    pixels = np.dstack([photo("chelsea"), np.full((300, 451), 255, np.uint8)])
    pixels[:, :200, :3], pixels[:, :200, 3] = 255, 0  # hidden white, that cannot be made lighter
    after, _ = studio.edit(pixels, ops.Adjust(what="brightness", amount=0.2))
    assert np.array_equal(after[..., 3], pixels[..., 3])
    before = lab(pixels)[:, 200:, 0].mean()
    assert lab(after)[:, 200:, 0].mean() / before - 1 == pytest.approx(0.2, rel=0.05)


def test_a_box_region_changes_the_box_alone(studio: Studio) -> None:
    before = photo("coffee")
    box = Box(left=100, top=80, right=300, bottom=250)
    after, _ = studio.edit(before, ops.Adjust(what="saturation", amount=-1), box)
    changed = change(before, after)
    assert changed[80:250, 100:300].mean() > 5
    changed[80:250, 100:300] = 0
    assert changed.max() == 0
