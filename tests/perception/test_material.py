"""What a thing holds, and what leans on it, against outlines drawn by hand on real photos."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from reasonedit_agent.perception.arrays import Rgb
from reasonedit_agent.perception.locate import Scene
from reasonedit_agent.weights import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason="the weights are not fetched: reasonedit fetch embedded")

_SIZE = (600, 400)  # of skimage's photo of a cup

COFFEE = [(205, 150), (235, 110), (300, 100), (345, 115), (368, 155), (345, 180), (290, 190), (235, 180)]
SPOON = [(330, 270), (345, 250), (385, 245), (402, 275), (395, 305), (365, 322), (335, 312)]
HANDLE = [(215, 240), (245, 235), (240, 290), (215, 302), (200, 290)]
WALL = [(215, 65), (290, 45), (365, 75), (370, 95), (300, 85), (225, 90)]


def drawn(points: list[tuple[int, int]], rgb: Rgb) -> np.ndarray:
    out = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(out, [np.array(points, np.int32)], 1)
    return out > 0


@pytest.fixture(scope="module")
def cup() -> tuple[Rgb, Scene]:
    rgb = data.coffee()
    assert (rgb.shape[1], rgb.shape[0]) == _SIZE
    return rgb, Scene(rgb)


def test_the_coffee_and_the_spoon_are_not_the_cup(cup: tuple[Rgb, Scene]) -> None:
    rgb, scene = cup
    other = scene.foreign("cup")
    assert other is not None
    for outline in (COFFEE, SPOON):
        assert float(other[drawn(outline, rgb)].mean()) > 0.8
    for outline in (HANDLE, WALL):
        assert float(other[drawn(outline, rgb)].mean()) < 0.1


def test_a_dark_photo_of_it_is_read_the_same_way(cup: tuple[Rgb, Scene]) -> None:
    rgb, _ = cup
    other = Scene(np.asarray(Image.fromarray(rgb).point(lambda value: int(value * 0.7)), np.uint8)).foreign("cup")
    assert other is not None
    assert float(other[drawn(COFFEE, rgb)].mean()) > 0.7
    assert float(other[drawn(HANDLE, rgb)].mean()) < 0.1


def test_nothing_of_an_animal_is_foreign() -> None:
    assert Scene(data.chelsea()).foreign("cat") is None
