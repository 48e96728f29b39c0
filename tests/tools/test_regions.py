"""Places in candidate pixels, against what numpy and skimage say."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import transform

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.perception.regions import align, region_mask, warp
from reasonedit_agent.schemas import Box, Geometry, Phrase, Polygon
from tests.tools.bench import Studio, disc, photo

WHOLE = Geometry(valid=(0, 0, 600, 400))


def test_a_box_covers_fractions_of_pixels(studio: Studio) -> None:
    box = Box(left=10.25, top=20, right=30, bottom=40.5)
    mask = region_mask(box, studio.images, WHOLE, (600, 400), photo("coffee"))
    assert mask.dtype == np.float32 and mask.shape == (400, 600)
    assert mask.sum() == pytest.approx(19.75 * 20.5, rel=1e-5)
    assert mask[25, 10] == pytest.approx(0.75) and mask[25, 9] == 0 and mask[40, 20] == pytest.approx(0.5)


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_all_kinds_of_region_agree(studio: Studio, scale: float) -> None:
    size = (round(600 * scale), round(400 * scale))
    geometry = WHOLE.then((scale, 0, 0, 0, scale, 0))
    drawn = np.zeros((400, 600))
    drawn[100:300, 200:500] = 1
    regions = (
        Box(left=200, top=100, right=500, bottom=300),
        Polygon(points=((200, 100), (500, 100), (500, 300), (200, 300))),
        studio.mask(drawn),
    )
    rgb = np.zeros((size[1], size[0], 3), np.uint8)
    masks = [region_mask(region, studio.images, geometry, size, rgb) for region in regions]
    for mask in masks:
        assert mask.mean() == pytest.approx(0.25, rel=0.02)
        assert np.abs(mask - masks[0]).mean() < 0.005


def test_none_is_everything_and_what_was_cropped_away_is_nothing(studio: Studio) -> None:
    geometry = WHOLE.cropped(300, 0, 600, 400)
    rgb = np.zeros((400, 300, 3), np.uint8)
    assert region_mask(None, studio.images, geometry, (300, 400), rgb).min() == 1
    away = studio.mask(disc((400, 600), 200, 100, 50))
    for region in (Box(left=0, top=0, right=300, bottom=400), away):
        assert region_mask(region, studio.images, geometry, (300, 400), rgb).max() < 0.01


def test_a_mask_turns_with_the_picture(studio: Studio) -> None:
    inside = disc((400, 600), 90, 430, 40)
    angle = np.radians(30)
    geometry = WHOLE.then((np.cos(angle), -np.sin(angle), 150.0, np.sin(angle), np.cos(angle), 20.0))
    mask = region_mask(studio.mask(inside), studio.images, geometry, (800, 700), np.zeros((700, 800, 3), np.uint8))
    rows, columns = np.nonzero(mask > 0.5)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(geometry.to_candidate(430.5, 90.5), abs=0.6)
    assert (mask > 0.5).sum() == pytest.approx(inside.sum(), rel=0.02)


def test_a_mask_at_the_border_does_not_run_on_beyond_the_source(studio: Studio) -> None:
    mask = region_mask(
        studio.mask(np.ones((400, 600))), studio.images, WHOLE.then((1, 0, 50, 0, 1, 30)), (700, 460), photo("coffee")
    )
    assert mask.sum() == pytest.approx(400 * 600) and mask[:30].max() == 0 and mask[:, :50].max() == 0


def test_shrinking_averages_and_growing_keeps_the_place() -> None:
    source = photo("astronaut")
    small = warp(source, (0.25, 0, 0, 0, 0.25, 0), (128, 128))
    expected = transform.downscale_local_mean(source, (4, 4, 1))
    assert np.abs(small - expected).mean() < 0.6
    large = warp(small, (4, 0, 0, 0, 4, 0), (512, 512))
    again = transform.downscale_local_mean(large, (4, 4, 1))
    assert np.abs(again - small).mean() < 2


def test_the_source_lies_over_a_crop(studio: Studio) -> None:
    source = photo("coffee")
    geometry = WHOLE.cropped(100, 50, 400, 250).then((2, 0, 0, 0, 2, 0))
    over, covered = align(source, geometry, (600, 400))
    assert covered.min() == 1
    expected = transform.resize(source[50:250, 100:400] / 255.0, (400, 600), order=3)
    assert np.abs(over / 255.0 - expected).mean() < 0.01


def test_only_what_the_source_covers_is_valid() -> None:
    over, covered = align(photo("coffee"), WHOLE.then((1, 0, 100, 0, 1, 0)), (800, 400))
    assert covered[:, :100].max() == 0 and covered[:, 100:700].min() == 1 and covered[:, 700:].max() == 0
    assert np.array_equal(over[:, 100:700], photo("coffee"))


def test_a_phrase_is_looked_for_in_the_picture(studio: Studio, weights: None) -> None:
    cat = photo("chelsea")
    geometry = Geometry(valid=(0, 0, 451, 300))
    mask = region_mask(Phrase(text="the left half"), studio.images, geometry, (451, 300), cat)
    assert mask[:, :200].mean() > 0.9 and mask[:, 250:].mean() < 0.1
    with pytest.raises(Unsupported, match="helicopter"):
        region_mask(Phrase(text="the helicopter"), studio.images, geometry, (451, 300), cat)


def test_a_guessed_place_is_said_to_be_one(studio: Studio, weights: None) -> None:
    cat, told = photo("chelsea"), list[str]()
    geometry = Geometry(valid=(0, 0, 451, 300))
    for known in ("the cat", "background", "the left half"):
        region_mask(Phrase(text=known), studio.images, geometry, (451, 300), cat, told.append)
    assert told == []
    region_mask(Phrase(text="the gizmo"), studio.images, geometry, (451, 300), cat, told.append)
    assert len(told) == 1 and "'the gizmo' is a guess" in told[0]
