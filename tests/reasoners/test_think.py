"""Thinking on real photos, with the real perception."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import color, data

from reasonedit_agent.errors import Unsupported, UsageError
from reasonedit_agent.images import FolderStore
from reasonedit_agent.operations import Adjust, BlackAndWhite, Blur, Crop, Recolour, ReplaceBackground, operation_names
from reasonedit_agent.reasoners.embedded.think import think
from reasonedit_agent.schemas import Box, Card, EditRequest, History, HumanAnswer, ImageRef, Mask, Phrase, Thought
from reasonedit_agent.weights import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason="the weights are not fetched: reasonedit fetch embedded")

TYPED = Card(operations=operation_names(), mask=True)
TEXT = Card(reads_text=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    return FolderStore(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def photos(store: FolderStore) -> dict[str, ImageRef]:
    found = {}
    for name in ("coffee", "chelsea", "astronaut"):
        out = io.BytesIO()
        Image.fromarray(getattr(data, name)()).save(out, "PNG")
        found[name] = store.put(out.getvalue())
    return found


def plan(store: FolderStore, image: ImageRef, text: str, card: Card = TYPED, *advice: str, **more: object) -> Thought:
    request = EditRequest(image=image, instruction=text, **more)
    human = tuple(HumanAnswer(node="approve", after=0, kind="advice", text=a) for a in advice)
    return think(request, card, History(request=request, human=human), store)


def mask(store: FolderStore, thought: Thought, index: int = 0) -> np.ndarray:
    region = thought.steps[index].region
    assert isinstance(region, Mask)
    picture = store.open(region.image)
    assert picture.mode == "L"
    return np.asarray(picture, np.float32) / 255


def test_the_plan_of_a_compound_instruction(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    thought = plan(store, photos["coffee"], "blur the background and make the cup green, but keep the saucer")
    assert [type(step.operation) for step in thought.steps] == [Blur, Recolour]
    assert thought.keep == ("saucer",)
    assert len(thought.checklist) == 3
    assert thought.changed
    background, cup = mask(store, thought, 0), mask(store, thought, 1)
    height, width = data.coffee().shape[:2]
    assert background.shape == cup.shape == (height, width)
    # by eye: the middle of the cup's white rim and body, the saucer's right part, the table at the lower left corner
    assert cup[190, 210] > 0.9 and background[190, 210] < 0.1
    assert cup[227, 440] < 0.2
    assert background[390, 10] > 0.9 and cup[390, 10] < 0.1
    assert thought.steps[1].region.label == "cup"  # type: ignore[union-attr]


def test_the_cat(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    cat = mask(store, plan(store, photos["chelsea"], "make the cat blue"))
    assert cat[150, 220] > 0.9  # between the eyes
    assert 0.4 < cat.mean() < 0.9


def test_the_face_is_kept_out_of_a_change_of_the_whole(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    thought = plan(store, photos["astronaut"], "make it black and white but don't touch the face")
    where = mask(store, thought)
    assert where[110, 220] < 0.1  # her nose
    assert where[400, 100] > 0.9
    assert thought.keep == ("face",)


def test_everything_except(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    where = mask(store, plan(store, photos["chelsea"], "black and white, everything except the cat"))
    cat = mask(store, plan(store, photos["chelsea"], "make the cat blue"))
    assert np.abs(where + cat - 1).max() < 0.02


def test_whole_picture_has_no_region(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    thought = plan(store, photos["chelsea"], "rotate 90 degrees, then make it brighter")
    assert [step.region for step in thought.steps] == [None, None]


@pytest.mark.parametrize(
    ("photo", "text", "missing_thing", "seen"),
    [
        ("astronaut", "remove the dog", "dog", "person"),
        ("chelsea", "make the car red", "car", "cat"),
        ("chelsea", "remove the dog", "dog", "cat"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    store: FolderStore, photos: dict[str, ImageRef], photo: str, text: str, missing_thing: str, seen: str
) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(store, photos[photo], text)
    assert f"no {missing_thing}" in caught.value.message and seen in caught.value.message


def test_a_part_of_a_known_thing_is_not_guessed(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    with pytest.raises(Unsupported):
        plan(store, photos["chelsea"], "make the whiskers green")


def test_a_guess_is_said_to_be_one(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    assert "taken for the saucer" in plan(store, photos["coffee"], "make the saucer blue").instruction
    assert "taken" not in plan(store, photos["coffee"], "make the cup blue").instruction
    with pytest.raises(Unsupported):
        plan(store, photos["coffee"], "remove the saucer and the unicorn")


def test_the_drawn_region_is_where_an_unnamed_edit_goes(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    box = Box(left=10, top=20, right=110, bottom=120)
    assert plan(store, photos["chelsea"], "make it brighter", region=box).steps[0].region == box
    assert plan(store, photos["chelsea"], "rotate it", region=box).steps[0].region is None


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("add a dog", "diffusion"), ("make it winter", "diffusion"), ("asdf qwer", "blur the background"),
        ("背景をぼかして", "Japanese"), ("colourless green ideas sleep furiously", ""), ("把它变得哈哈", "背景虚化"),
        ("tell me a joke", "blur the background"),
    ],
)  # fmt: skip
def test_unsupported_says_why_and_what_would(
    store: FolderStore, photos: dict[str, ImageRef], text: str, fragment: str
) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(store, photos["chelsea"], text)
    assert fragment in str(caught.value)


def test_one_impossible_clause_is_not_dropped_in_silence(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    with pytest.raises(Unsupported):
        plan(store, photos["chelsea"], "make the cat blue and add a hat")


@pytest.mark.parametrize(
    ("text", "what", "positive"),
    [
        ("jazz up the colours", "saturation", True), 
        ("calm the colours down", "saturation", False), ("this needs some light", "brightness", True),
    ],
)  # fmt: skip
def test_sentences_go_to_the_nearest_known_one(
    store: FolderStore, photos: dict[str, ImageRef], text: str, what: str, positive: bool
) -> None:
    (step,) = plan(store, photos["chelsea"], text).steps
    assert isinstance(step.operation, Adjust)
    assert step.operation.what == what and (step.operation.amount > 0) is positive


def test_advice_overrides_adds_and_scales(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    first = plan(store, photos["chelsea"], "make the cat blue")
    assert isinstance(first.steps[0].operation, Recolour)
    red = plan(store, photos["chelsea"], "make the cat blue", TYPED, "make the cat red instead")
    assert [s.operation.colour for s in red.steps if isinstance(s.operation, Recolour)] == ["#ff0000"]
    more = plan(store, photos["chelsea"], "make it brighter", TYPED, "stronger")
    (step,) = more.steps
    assert isinstance(step.operation, Adjust) and step.operation.amount == pytest.approx(0.3)
    added = plan(store, photos["chelsea"], "make the cat blue", TYPED, "and blur the background")
    assert [type(s.operation) for s in added.steps] == [Recolour, Blur]
    kept = plan(store, photos["astronaut"], "make it brighter", TYPED, "but don't touch the face")
    assert kept.keep == ("face",) and isinstance(kept.steps[0].region, Mask)


def test_a_tool_without_the_operation(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(store, photos["chelsea"], "make it sepia", Card(operations=("blur",)))
    assert "sepia" in caught.value.message and caught.value.hint


def test_a_tool_that_reads_text(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    thought = plan(store, photos["chelsea"], "add a hat and make the cat blue", TEXT)
    # By the operation the result is measured; the tool reads the text.
    assert [type(step.operation) for step in thought.steps] == [type(None), Recolour]
    assert "hat" in thought.steps[0].text and "cat" in thought.steps[1].text and "blue" in thought.steps[1].text


def test_the_user_is_answered_in_their_language(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    thought = plan(store, photos["chelsea"], "把猫变成蓝色，保留背景")
    assert thought.instruction == "把猫变成蓝色；保持背景不变"
    assert thought.checklist == ("猫现在是蓝色吗？", "背景是否保持不变？")
    assert thought.steps[0].text == "make the cat blue"
    assert "Katze" in plan(store, photos["chelsea"], "Mach die Katze grün").instruction


def test_the_same_twice(store: FolderStore, photos: dict[str, ImageRef], tmp_path: Path) -> None:
    text = "blur the background and brighten the cat"
    assert plan(store, photos["chelsea"], text) == plan(store, photos["chelsea"], text)


BOXED = Box(left=40, top=30, right=140, bottom=110)


@pytest.mark.parametrize(
    "text",
    [
        "recolor the area I boxed to hot pink", "make the box hot pink", "make the zorgle hot pink",
        "make what's in the box pink", "把框里的东西变成粉色", "färbe den markierten Bereich pink",
        "pon el área marcada en rosa", "colorie la zone sélectionnée en rose",
    ],
)  # fmt: skip
def test_words_for_the_drawn_area_and_unknown_things_mean_it(
    text: str, store: FolderStore, photos: dict[str, ImageRef]
) -> None:
    (step,) = plan(store, photos["coffee"], text, region=BOXED).steps
    assert isinstance(step.operation, Recolour)
    assert step.region == BOXED


@pytest.mark.parametrize("text", ["crop to the box I drew", "crop to the zorgle", "crop to this rectangle"])
def test_a_crop_to_the_drawn_area_has_no_margin(text: str, store: FolderStore, photos: dict[str, ImageRef]) -> None:
    (step,) = plan(store, photos["coffee"], text, region=BOXED).steps
    assert isinstance(step.operation, Crop)
    assert step.operation.margin == 0
    assert step.region == BOXED


def test_without_a_drawn_area_the_words_for_it_are_refused(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    with pytest.raises(Unsupported, match="No area is selected"):
        plan(store, photos["coffee"], "blur the area I boxed")


@pytest.mark.parametrize(
    "text",
    [
        "put her in front of the pagoda picture", "put her in front of that photo", "put the astronaut onto the other photo",
        "use this picture as background", "把她放到那张照片前面", "stelle sie vor das andere Bild", "mets-la devant l'autre photo",
        "pon a la mujer delante de la otra foto",
    ],
)  # fmt: skip
def test_a_photo_that_came_along_becomes_the_background(
    text: str, store: FolderStore, photos: dict[str, ImageRef]
) -> None:
    (step,) = plan(store, photos["astronaut"], text, references=(photos["coffee"],)).steps
    assert isinstance(step.operation, ReplaceBackground)
    assert step.operation.fill.reference == 0


def test_a_dark_photo_is_brightened_so_that_it_shows(store: FolderStore) -> None:
    shade = np.full((80, 120, 3), 40, np.uint8)  # L* of sRGB 40 is 15.2 (CIE 15: 116 (Y)^(1/3) - 16)
    out = io.BytesIO()
    Image.fromarray(shade).save(out, "PNG")
    dark = store.put(out.getvalue())

    def amount(text: str) -> float:
        (step,) = plan(store, dark, text).steps
        assert isinstance(step.operation, Adjust)
        return step.operation.amount

    assert 9 < amount("brighten it") * 15.2 < 12
    assert amount("this is way too dark, brighten it a lot") > 2 * amount("brighten it")
    assert amount("brighten it by 20%") == pytest.approx(0.2)
    assert amount("double the brightness") == pytest.approx(1.0)
    assert amount("darken it") == pytest.approx(-0.2)


def test_what_cannot_be_told_apart_is_said(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    thought = plan(store, photos["coffee"], "make the cup behind the spoon green, but keep the chandelier as it is")
    assert "spoon" in thought.instruction and "could not be used" in thought.instruction
    assert "chandelier" in thought.instruction and "could not be found" in thought.instruction


def test_what_is_excepted_must_be_found(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    for text in ("blur all cups except the chandelier", "blur the cup, except the chandelier"):
        with pytest.raises(Unsupported, match=r"The chandelier .* cannot be told apart .* --region"):
            plan(store, photos["coffee"], text)
    with pytest.raises(Unsupported, match="no title"):
        plan(store, photos["coffee"], "blur everything except the title")
    # What is only to be kept is a remark.
    assert "chandelier" in plan(store, photos["coffee"], "blur the cup, but keep the chandelier").instruction


def test_a_region_in_words_is_held_to_the_rule_of_nouns(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    with pytest.raises(UsageError, match="There is no sprocket"):  # nothing is guessed for it
        plan(store, photos["coffee"], "make it green", region=Phrase(text="the sprocket"))
    known = plan(store, photos["coffee"], "make it green", region=Phrase(text="the cup"))
    assert known.instruction == "make the cup green"
    assert known.steps[0].region == Phrase(text="the cup")
    with pytest.raises(UsageError, match="There is no car"):
        plan(store, photos["chelsea"], "make it green", region=Phrase(text="the car"))


def test_a_drawn_region_is_named_in_the_plan(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    box = Box(left=10, top=20, right=110, bottom=120)
    thought = plan(store, photos["coffee"], "make it green", region=box)
    assert "selection" in thought.instruction and "picture" not in thought.instruction
    assert "selection" in thought.checklist[0] and "selection" in thought.steps[0].text
    assert "picture" in plan(store, photos["coffee"], "rotate it by 90 degrees", region=box).instruction


@pytest.mark.parametrize("text", ["don't blur the background", "make the cup blue. Scratch that."])
def test_nothing_to_do_is_said(store: FolderStore, photos: dict[str, ImageRef], text: str) -> None:
    with pytest.raises(Unsupported, match="There is nothing to do"):
        plan(store, photos["coffee"], text)


def test_the_rest_of_what_is_not_there(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    text = "can u make her hat red pls, and the rest b&w"
    with pytest.raises(Unsupported, match="no hat"):
        plan(store, photos["astronaut"], text)
    red, grey = plan(store, photos["coffee"], text.replace("her hat", "the cup")).steps
    assert red.operation == Recolour(colour="#ff0000")
    assert isinstance(grey.operation, BlackAndWhite) and "everything except the cup" in grey.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("make the background bluer", "make the background more blue"),
        ("haz el fondo más azul", "fondo: color más azul"),
        ("make the background slightly blue", "make the background slightly blue"),
    ],
)
def test_more_of_a_colour(store: FolderStore, photos: dict[str, ImageRef], text: str, words: str) -> None:
    thought = plan(store, photos["astronaut"], text)
    assert thought.instruction == words
    (step,) = thought.steps
    assert isinstance(step.operation, Recolour)
    if "slightly" not in text:  # a blue of the sky's hue: that of CSS is violet in CIELAB
        code = step.operation.colour
        lab = color.rgb2lab(np.array([[[int(code[k : k + 2], 16) for k in (1, 3, 5)]]], np.uint8))[0, 0]
        assert 240 < np.degrees(np.arctan2(lab[2], lab[1])) % 360 < 290


def test_a_painted_cup_keeps_its_coffee(store: FolderStore, photos: dict[str, ImageRef]) -> None:
    coffee = slice(120, 170), slice(250, 330)  # rows and columns
    assert mask(store, plan(store, photos["coffee"], "make the cup green"))[coffee].mean() < 0.1
    assert mask(store, plan(store, photos["coffee"], "blur the cup"))[coffee].mean() > 0.9
