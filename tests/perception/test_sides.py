"""A place word chooses among things, and is not ignored where there is only one."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from reasonedit_agent.perception.arrays import Rgb
from reasonedit_agent.perception.locate import Scene
from reasonedit_agent.perception.phrases import parse_phrase

pytestmark = pytest.mark.usefixtures("weights")

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
TALL = 480


def photo(name: str) -> Rgb:
    picture = Image.open(PHOTOS / f"{name}.jpg").convert("RGB")
    return np.asarray(picture.resize((round(picture.width * TALL / picture.height), TALL)), np.uint8)


def beside(left: str, right: str) -> tuple[Rgb, int]:
    """Return two photos side by side, and where the second one begins."""
    one, two = photo(left), photo(right)
    return np.hstack([one, two]), one.shape[1]


@pytest.mark.parametrize(
    ("other", "thing", "label"),
    [("bridge_sky", "shepherd_dog", "dog"), ("china", "mug_cat", "mug"), ("bridge_sky", "polar_bear", "bear")],
)
def test_one_thing_is_found_on_its_own_side_alone(other: str, thing: str, label: str) -> None:
    picture, border = beside(other, thing)
    for rgb, side, wrong in ((picture, "right", "left"), (np.ascontiguousarray(picture[:, ::-1]), "left", "right")):
        seen = Scene.of(rgb)
        found = seen.find(f"{side} {label}")
        assert found is not None and found.source == "detector"
        own = found.mask[:, border:] if side == "right" else found.mask[:, : rgb.shape[1] - border]
        assert own.sum() > 0.95 * found.mask.sum()
        assert seen.find(f"{wrong} {label}") is None
        elsewhere = seen.elsewhere(f"{wrong} {label}")
        assert elsewhere is not None
        middle = (elsewhere.box[0] + elsewhere.box[2]) / 2
        assert (middle > rgb.shape[1] / 2) is (side == "right")


def test_of_several_the_leftmost_is_the_left_one_wherever_it_is() -> None:
    mug = photo("mug_cat")
    empty = cv2.resize(photo("bridge_sky"), (2 * mug.shape[1], TALL))
    seen = Scene.of(np.hstack([empty, mug, mug]))  # both in the right half
    left, right = seen.find("left mug"), seen.find("right mug")
    assert left is not None and right is not None
    second = 3 * mug.shape[1]
    assert left.box[2] <= second + 5 and right.box[0] >= second - 5


def test_a_thing_at_the_bottom_is_not_the_top_one() -> None:
    mug = photo("mug_cat")
    sky = cv2.resize(photo("bridge_sky"), (mug.shape[1], TALL))
    seen = Scene.of(np.vstack([sky, mug]))
    assert seen.find("bottom mug") is not None
    assert seen.find("top mug") is None


@pytest.mark.parametrize(
    ("phrase", "box", "holds"),
    [
        ("left cup", (0, 0, 40, 10), True), ("left cup", (50, 0, 80, 10), False), ("right cup", (40, 0, 58, 10), True),
        ("middle cup", (40, 40, 60, 60), True), ("middle cup", (0, 40, 20, 60), False),
        ("top right cup", (70, 0, 90, 20), True), ("top right cup", (70, 80, 90, 99), False),
    ],
)  # fmt: skip
def test_the_sides_of_a_square_of_100(phrase: str, box: tuple[int, int, int, int], holds: bool) -> None:
    place = parse_phrase(phrase).place
    assert place is not None and place.holds(box, 100, 100) is holds
