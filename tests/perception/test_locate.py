"""Finding things in photos, against boxes that were drawn by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_image

from reasonedit_agent.perception.arrays import Box, Rgb, box_mask
from reasonedit_agent.perception.detector import overlap
from reasonedit_agent.perception.embedding import embed
from reasonedit_agent.perception.locate import Located, Scene, locate
from reasonedit_agent.perception.masks import iou
from reasonedit_agent.perception.nouns import coco_label
from reasonedit_agent.perception.text import read_text

pytestmark = pytest.mark.usefixtures("weights")

PHOTOS = {name: getattr(data, name) for name in ("astronaut", "chelsea", "coffee", "rocket")}


def photo(name: str) -> Rgb:
    return np.ascontiguousarray(PHOTOS[name]() if name in PHOTOS else load_sample_image(f"{name}.jpg"))


def found(name: str, phrase: str) -> Located:
    located = locate(photo(name), phrase)
    assert located is not None
    assert located.mask.shape == photo(name).shape[:2] and located.mask.dtype == np.float32
    assert 0 <= located.mask.min() and located.mask.max() <= 1
    return located


@pytest.mark.parametrize(
    ("name", "phrase", "source", "box"),
    [
        ("astronaut", "the woman", "detector", (15, 14, 400, 512)),
        ("astronaut", "face", "face", (180, 62, 275, 185)),
        ("chelsea", "kitten", "detector", (0, 0, 395, 300)),
        ("coffee", "cup", "detector", (172, 18, 412, 310)),
        ("coffee", "red plate", "colour", (76, 66, 482, 392)),
        ("china", "sky", "sky", (0, 0, 640, 232)),
        ("rocket", "sky", "sky", (0, 0, 640, 390)),
        ("flower", "orange flower", "colour", (169, 85, 446, 361)),
        ("china", "left half", "position", (0, 0, 320, 427)),
        ("coffee", "whole image", "all", (0, 0, 600, 400)),
    ],
)
def test_boxes(name: str, phrase: str, source: str, box: Box) -> None:
    located = found(name, phrase)
    assert located.source == source and located.score >= 0.5
    assert overlap(located.box, box) > 0.8


@pytest.mark.parametrize(
    ("name", "phrase", "inside", "outside"),
    [
        ("astronaut", "person", [(220, 100), (150, 300)], [(430, 100), (20, 100), (300, 60)]),
        ("astronaut", "background", [(430, 40), (300, 60)], [(220, 100), (150, 300)]),
        ("chelsea", "cat", [(200, 150), (60, 150), (20, 270)], [(430, 200), (430, 20)]),
        ("coffee", "cup", [(290, 60), (290, 160), (225, 265)], [(110, 250), (420, 330), (550, 350)]),
        ("coffee", "red plate", [(110, 250), (440, 200)], [(290, 60), (290, 160), (550, 350)]),
        ("china", "sky", [(500, 60), (60, 60)], [(215, 230), (600, 350), (400, 300)]),
        ("china", "background", [(500, 60), (400, 250)], [(215, 130), (215, 300)]),
        ("rocket", "rocket", [(320, 250)], [(100, 100), (500, 250)]),
    ],
)
def test_points(name: str, phrase: str, inside: list[tuple[int, int]], outside: list[tuple[int, int]]) -> None:
    mask = found(name, phrase).mask
    assert [float(mask[y, x]) > 0.5 for x, y in inside] == [True] * len(inside)
    assert [float(mask[y, x]) < 0.5 for x, y in outside] == [True] * len(outside)


def test_what_is_not_there_is_none_or_a_guess() -> None:
    assert locate(photo("astronaut"), "dog") is None
    assert locate(photo("coffee"), "sky") is None
    assert locate(photo("chelsea"), "text") is None and locate(photo("chelsea"), "face") is None
    assert locate(photo("rocket"), "purple thing") is None
    guess = locate(photo("flower"), "dog")
    assert guess is None or (guess.score < 0.3 and guess.source == "saliency")
    unknown = found("china", "building")  # no model knows it: the subject, said to be a guess
    assert unknown.source == "saliency" and 0.3 <= unknown.score < 0.5


def example(name: str) -> Rgb:
    return np.asarray(
        Image.open(Path(__file__).parents[2] / "examples" / "photos" / f"{name}.jpg").convert("RGB"), np.uint8
    )


@pytest.mark.parametrize("phrase", ["grass", "water", "snow"])
def test_shapeless_things_that_are_not_there(phrase: str) -> None:
    assert locate(photo("coffee"), phrase) is None


def test_shapeless_things_leave_out_the_sky_and_what_stands_out() -> None:
    snow, bear = (locate(example("polar_bear"), phrase) for phrase in ("snow", "polar bear"))
    assert snow is not None and bear is not None and snow.score < 0.5
    assert float((snow.mask * bear.mask).sum()) < 0.05 * float(bear.mask.sum())
    mountain, sky = found("china", "mountain"), found("china", "sky")
    assert float(np.minimum(mountain.mask, sky.mask).mean()) < 0.02


def test_an_animal_that_the_detector_takes_for_another() -> None:
    bear, llama = (locate(example("polar_bear"), phrase) for phrase in ("polar bear", "llama"))
    assert bear is not None and llama is not None
    assert llama.source == "detector" and 0.3 <= llama.score < 0.5
    assert iou(llama.mask, bear.mask) > 0.8


def test_the_background_leaves_out_both_of_two() -> None:
    one = example("polar_bear")
    alone, both = locate(one, "subject"), locate(np.ascontiguousarray(np.hstack([one, one])), "background")
    assert alone is not None and both is not None
    for half in np.hsplit(both.mask, 2):
        assert iou(1 - half, alone.mask) > 0.8


def test_a_colour_chooses_among_several_and_a_missing_one_is_a_guess() -> None:
    red = photo("coffee")
    scene = Scene.of(np.ascontiguousarray(np.hstack([red, red[..., ::-1]])))
    blue, green = scene.find("blue cup"), scene.find("green cup")
    assert blue is not None and blue.score >= 0.5 and blue.box[0] > 600
    assert green is None or green.score < 0.3


def test_another_source_gives_another_mask() -> None:
    scene = Scene.of(photo("coffee"))
    usual, subject, red = (scene.find("red cup", prefer) for prefer in (None, "saliency", "colour"))
    assert usual is not None and subject is not None and red is not None
    assert (usual.source, subject.source, red.source) == ("detector", "saliency", "colour")
    assert subject.mask.sum() > 1.5 * usual.mask.sum() and red.mask.sum() < 0.7 * usual.mask.sum()


def test_places_choose_among_several() -> None:
    cup = photo("coffee")
    two = np.ascontiguousarray(np.hstack([cup, cup]))
    scene = Scene.of(two)
    left, right, both = (scene.find(phrase) for phrase in ("left cup", "the cup on the right", "cups"))
    assert left is not None and right is not None and both is not None
    assert left.box[2] < 600 < right.box[0] and left.count == 2
    assert both.box[0] < 300 and both.box[2] > 900
    part = scene.find("left half of the left cup")
    assert part is not None and part.box[2] == pytest.approx((left.box[0] + left.box[2]) / 2, abs=2)


def test_a_large_photo_gets_the_same_answer_at_its_own_size() -> None:
    small = photo("chelsea")
    large = np.ascontiguousarray(small.repeat(8, axis=0).repeat(8, axis=1))
    located = locate(large, "cat")
    assert located is not None and located.mask.shape == large.shape[:2]
    shrunk = located.mask[4::8, 4::8]
    assert float(np.abs(shrunk - found("chelsea", "cat").mask).mean()) < 0.03


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (2000, 4), (17, 23)])
@pytest.mark.parametrize("phrase", ["background", "cat", "sky", "text", "face", "red thing", "left half"])
def test_strange_sizes(shape: tuple[int, int], phrase: str) -> None:
    image = np.full((*shape, 3), 128, np.uint8)
    located = locate(image, phrase)
    assert located is None or located.mask.shape == shape


def test_scenes_are_remembered_and_answers_do_not_depend_on_history() -> None:
    image = photo("coffee")
    assert Scene.of(image) is Scene.of(image.copy()) and Scene.of(image) is not Scene.of(image[:, ::-1].copy())
    first, second = Scene(image), Scene(image)
    second.find("cup", "saliency")
    second.find("background")
    a, b = first.find("cup"), second.find("cup")
    assert a is not None and b is not None and np.array_equal(a.mask, b.mask) and a.score == b.score


def test_text_is_read_where_it_is() -> None:
    page = np.ascontiguousarray(np.dstack([data.page()] * 3))
    lines = read_text(page)
    joined = " ".join(line.text for line in lines)
    for words in ("Region-based segmentation", "markers of the coins and the", "histogram of grey values"):
        assert words.replace(" ", "") in joined.replace(" ", "")
    title = locate(page, 'text "segmentation"')
    assert title is not None and title.source == "text"
    assert overlap(title.box, (6, 11, 294, 34)) > 0.7
    assert (title.mask * (1 - box_mask((0, 0, 384, 45), *title.mask.shape))).max() < 0.5


def test_embeddings_agree_with_the_published_model() -> None:
    vectors = embed(["kitten", "cat", "car", "That is a happy person", "That is a very happy person"])
    assert vectors.shape == (5, 384) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    similar = vectors @ vectors.T
    assert similar[0, 1] > 0.75 > 0.5 > similar[1, 2]
    assert similar[3, 4] == pytest.approx(0.943, abs=0.02)


@pytest.mark.parametrize(
    ("noun", "label"),
    [("mug", "cup"), ("automobile", "car"), ("old car", "car"), ("settee", "couch"), ("smart phone", "cell phone")],
)
def test_nouns_become_labels(noun: str, label: str) -> None:
    match = coco_label(noun)
    assert match is not None and match[0] == label


@pytest.mark.parametrize("noun", ["flower", "building", "rocket", "helmet", "freedom", "sneaker", "waterfall"])
def test_nouns_that_the_detector_does_not_know(noun: str) -> None:
    assert coco_label(noun) is None
