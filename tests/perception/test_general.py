"""Things that no detector knows or sees whole: ground, buildings, skies, clothes, pale colours. Points drawn by hand."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.colour import colour_mask, tint_mask
from reasonedit_agent.perception.locate import Located, Scene, locate
from reasonedit_agent.perception.masks import iou, parts, straightness
from reasonedit_agent.perception.sky import find_sky

pytestmark = pytest.mark.usefixtures("weights")

Points = list[tuple[int, int]]


def example(name: str) -> Rgb:
    path = Path(__file__).parents[2] / "examples" / "photos" / f"{name}.jpg"
    return np.asarray(Image.open(path).convert("RGB"), np.uint8)


def grey(rgb: Rgb) -> Rgb:
    return np.ascontiguousarray(np.repeat(rgb[..., 1:2] if rgb.ndim == 3 else rgb[..., None], 3, axis=2))


def camera() -> Rgb:
    return grey(data.camera())


def motorcycle() -> Rgb:
    return np.ascontiguousarray(data.stereo_motorcycle()[0])


def found(rgb: Rgb, phrase: str) -> Located:
    located = locate(rgb, phrase)
    assert located is not None
    return located


def assert_points(mask: Mask, inside: Points, outside: Points) -> None:
    assert [float(mask[y, x]) > 0.5 for x, y in inside] == [True] * len(inside)
    assert [float(mask[y, x]) < 0.5 for x, y in outside] == [True] * len(outside)


def street() -> Rgb:
    """A facade with rows of windows under an even sky, on a grey street."""
    image = np.zeros((480, 640, 3), np.uint8)
    image[:] = np.linspace((120, 160, 220), (190, 210, 240), 480)[:, None].astype(np.uint8)
    image[120:360, 80:600] = (170, 96, 70)
    image[120:360:10, 80:600] = (120, 60, 44)
    for top in range(145, 340, 70):
        for left in range(110, 560, 70):
            image[top - 4 : top + 48, left - 4 : left + 44] = (220, 215, 205)
            image[top : top + 44, left : left + 40] = (60, 66, 76)
            image[top : top + 44, left + 19 : left + 21] = (220, 215, 205)
    image[360:] = (108, 106, 104)
    noise = np.random.default_rng(0).normal(0, 3, image.shape)
    noise[:120] = 0
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_the_floor_ends_where_the_wall_begins_and_leaves_out_what_stands_on_it() -> None:
    mask = found(motorcycle(), "floor").mask
    assert_points(mask, [(100, 480), (600, 480)], [(370, 250), (350, 20), (60, 150), (180, 380)])


def test_grass_in_a_black_and_white_photo_is_known_by_its_place() -> None:
    mask = found(camera(), "grass").mask
    assert_points(mask, [(450, 470), (440, 300), (300, 400)], [(100, 350), (300, 40), (230, 110)])


def test_a_building_is_what_is_left_of_sky_and_street() -> None:
    scene = Scene.of(street())
    building, road = scene.find("building"), scene.find("road")
    assert building is not None and road is not None
    assert_points(building.mask, [(95, 250), (300, 300), (590, 130)], [(300, 40), (30, 200), (300, 450)])
    assert_points(road.mask, [(300, 450), (30, 470)], [(300, 300), (300, 40)])


@pytest.mark.parametrize("name", ["moose", "flower", "polar_bear", "coffee"])
def test_no_building_in_nature_or_in_a_room(name: str) -> None:
    building = locate(example(name), "building")
    assert building is None or building.source == "saliency"


def test_straight_edges_tell_facades_from_woods() -> None:
    woods = [example(name) for name in ("moose", "flower", "polar_bear")]
    for rgb in woods:
        assert straightness(rgb, np.ones(rgb.shape[:2], np.float32), 0.05, 1) < 0.5
    assert straightness(street(), np.ones((480, 640), np.float32), 0.05, 1) > 0.5


def test_trees_are_not_the_grass_before_them() -> None:
    """Dark leaves over a light meadow: each is one of the two, none is both."""
    rng = np.random.default_rng(1)
    image = np.zeros((400, 600, 3), np.float32)
    image[:] = (126, 158, 84)
    image[:150] = (34, 52, 34)
    image[:30] = (190, 205, 225)
    image[30:] += rng.normal(0, 9, (370, 600, 1))
    scene = Scene.of(np.clip(image, 0, 255).astype(np.uint8))
    trees, grass = scene.find("trees"), scene.find("grass")
    assert trees is not None and grass is not None
    assert_points(trees.mask, [(300, 100), (50, 60)], [(300, 300), (300, 10)])
    assert_points(grass.mask, [(300, 300), (500, 250)], [(300, 100), (300, 10)])


def test_a_sky_cut_in_pieces_is_found_whole() -> None:
    mask = found(example("bridge_sky"), "sky").mask
    assert_points(
        mask, [(100, 100), (150, 300), (400, 250), (436, 232), (800, 100), (800, 330)], [(500, 500), (60, 550)]
    )


def test_the_glow_under_dark_clouds_belongs_to_the_sky() -> None:
    """A blue sky that turns to orange above dark hills, with a dark cloud between."""
    image = np.zeros((400, 640, 3), np.float32)
    image[:100] = np.linspace((60, 90, 150), (80, 100, 150), 100)[:, None]
    image[100:230] = np.linspace((200, 130, 80), (255, 200, 90), 130)[:, None]
    cv2.ellipse(image, (250, 115), (220, 28), 0, 0, 360, (70, 66, 78), -1)
    image[230:] = (26, 28, 24)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), 3), np.float32)
    image[230:] += np.random.default_rng(0).normal(0, 8, (170, 640, 1))
    sky = find_sky(np.clip(image, 0, 255).astype(np.uint8))
    assert sky is not None
    assert_points(sky[0], [(300, 30), (300, 200), (600, 150), (250, 115)], [(300, 300), (60, 380)])


def test_a_wall_in_the_sun_is_no_glow() -> None:
    rgb = street()
    rgb[:360] = rgb[:360] * 0.6  # a deep blue sky
    rgb[120:360, 80:600] = np.clip(rgb[120:360, 80:600] * np.array([2.1, 2.5, 1.6]), 0, 255).astype(np.uint8)
    sky = find_sky(rgb)
    assert sky is not None
    assert_points(sky[0], [(300, 40), (30, 200)], [(300, 180), (590, 300)])


def test_clothes_are_the_figure_without_the_head() -> None:
    mask = found(example("astronaut"), "suit").mask
    height, width = mask.shape
    assert_points(mask, [(int(0.3 * width), int(0.6 * height))], [(int(0.43 * width), int(0.2 * height))])
    coat = found(camera(), "coat").mask
    assert_points(coat, [(60, 480), (100, 250)], [(230, 110), (450, 430), (300, 40)])


def test_a_word_of_two_meanings_and_a_word_for_a_kind() -> None:
    scene = Scene.of(motorcycle())
    named, bike, vehicle = (scene.find(phrase) for phrase in ("motorcycle", "bike", "vehicle"))
    assert named is not None and bike is not None and vehicle is not None
    assert bike.label == vehicle.label == "motorcycle"
    assert iou(bike.mask, named.mask) == iou(vehicle.mask, named.mask) == 1


def test_a_pale_colour_counts_where_nothing_comes_nearer() -> None:
    """A faded red box on a grey table has none of the red of a fire engine."""
    image = np.full((300, 400, 3), 150, np.uint8)
    image[100:180, 150:220] = (150, 104, 106)
    image[30:60, 300:340] = (60, 60, 60)
    assert colour_mask(image, "red") is None
    tint = tint_mask(image, "red")
    assert tint is not None and 0.9 < float(tint.sum()) / (80 * 70) < 1.1
    assert tint_mask(image, "blue") is None and tint_mask(image, "grey") is None
    assert tint_mask(example("moose"), "purple") is None or locate(example("moose"), "purple thing") is None


def test_the_parts_of_a_mask_are_told_apart() -> None:
    mask = np.zeros((100, 100), np.float32)
    mask[10:50, 10:50], mask[60:80, 60:90], mask[95:97, 2:4] = 1, 1, 1
    first, second = parts(mask, least=0.05)
    assert float(first.sum()) == 1600 and float(second.sum()) == 600
    assert len(parts(first, least=0.05)) == 1


def test_people_before_a_thing_are_not_part_of_it() -> None:
    """Two people are pasted in front of the motorcycle."""
    who = example("astronaut")
    person = found(who, "person")
    left, top, right, bottom = (int(v) for v in person.box)
    size = (round((right - left) * 230 / (bottom - top)), 230)
    figure = cv2.resize(who[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
    opaque = cv2.resize(person.mask[top:bottom, left:right], size)[..., None]
    rgb = motorcycle().copy()
    for start in (100, 460):
        part = rgb[215:445, start : start + size[0]]
        part[:] = (part * (1 - opaque) + figure * opaque).astype(np.uint8)
    scene = Scene.of(rgb)
    bike, people = scene.find("motorcycle"), scene.find("people")
    assert bike is not None and people is not None
    assert_points(bike.mask, [(330, 300), (300, 230)], [(100 + size[0] // 2, 400), (460 + size[0] // 2, 400)])
    assert_points(people.mask, [(100 + size[0] // 2, 400), (460 + size[0] // 2, 400)], [(330, 300), (370, 40)])
