"""Requests that contradict themselves or the photo, in every language: refused, with the reason."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reasonedit_agent.errors import Unsupported, UsageError
from reasonedit_agent.images import FolderStore
from reasonedit_agent.operations import Adjust, Blur, Crop, Flip, Sharpen, operation_names
from reasonedit_agent.perception.locate import locate
from reasonedit_agent.reasoners.embedded import messages
from reasonedit_agent.reasoners.embedded.grammar import parse
from reasonedit_agent.reasoners.embedded.think import think
from reasonedit_agent.schemas import Card, EditRequest, History, HumanAnswer, ImageRef, Mask, Phrase, Thought
from reasonedit_agent.weights import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason="the weights are not fetched: reasonedit fetch embedded")

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
TYPED = Card(operations=operation_names(), mask=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    return FolderStore(tmp_path_factory.mktemp("images"))


def plan(store: FolderStore, photo: ImageRef | str, text: str, advice: str = "", **more: object) -> Thought:
    image = store.put((PHOTOS / f"{photo}.jpg").read_bytes()) if isinstance(photo, str) else photo
    request = EditRequest(image=image, instruction=text, **more)
    human = (HumanAnswer(node="approve", after=0, kind="advice", text=advice),) if advice else ()
    return think(request, TYPED, History(request=request, human=human), store)


# -- a place that the thing is not in ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dog_on_the_right(store: FolderStore) -> ImageRef:
    both = []
    for name in ("bridge_sky", "shepherd_dog"):
        one = Image.open(PHOTOS / f"{name}.jpg").convert("RGB")
        both.append(one.resize((round(one.width * 480 / one.height), 480)))
    out = io.BytesIO()
    Image.fromarray(np.hstack([np.asarray(one) for one in both])).save(out, "PNG")
    return store.put(out.getvalue())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "make the dog on the left black and white",
            "There is no dog on the left: I see one dog, and it is on the right",
        ),
        ("mach den Hund links schwarzweiß", "links nicht: Hund. Ich sehe es nur einmal, und zwar rechts"),
        ("haz el perro de la izquierda azul", "a la izquierda: perro. Solo lo veo una vez, y está a la derecha"),
        ("rends le chien de gauche bleu", "à gauche : chien. Je ne le vois qu'une fois, et c'est à droite"),
        ("把左边的狗变成蓝色", "在左边没有狗：我只看到一个狗，在右边"),
        ("blur the dog in the middle", "no dog in the middle"),
    ],
)
def test_the_side_where_it_is_not(store: FolderStore, dog_on_the_right: ImageRef, text: str, said: str) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(store, dog_on_the_right, text)
    assert said in caught.value.message


def test_the_side_where_it_is(store: FolderStore, dog_on_the_right: ImageRef) -> None:
    (step,) = plan(store, dog_on_the_right, "make the dog on the right black and white").steps
    assert isinstance(step.region, Mask)
    where = np.asarray(store.open(step.region.image))
    border = where.shape[1] - 640  # the dog's photo is 4:3
    assert where[:, border:].mean() > 30 and where[:, :border].mean() < 1


# -- what is to stay, and is cut away or turned -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("photo", "text", "said"),
    [
        ("mug_cat", "crop to the right half but keep the mug", "The cup .* would be lost: “crop the right half”"),
        ("bridge_sky", "crop to the bottom third but keep the sky", "The sky .* would be lost"),
        (
            "mug_cat",
            "schneide auf die rechte Hälfte zu, aber lass die Tasse unverändert",
            "Tasse; „.*“ schneidet es weg",
        ),
        ("chelsea_cat", "flip the photo, keep the cat unchanged", "The cat cannot stay .* “mirror the picture"),
        ("chelsea_cat", "rotate it 90 degrees and keep the cat as it is", "The cat cannot stay .* “rotate the picture"),
        ("chelsea_cat", "spiegele das Bild, aber lass die Katze unverändert", "Katze; „.*spiegeln“ bewegt es mit"),
        ("chelsea_cat", "翻转图片，保持猫不变", "猫无法保持不变"),
    ],
)
def test_what_stays_is_not_cut_away_or_turned(store: FolderStore, photo: str, text: str, said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        plan(store, photo, text)


def test_frames_that_hold_what_stays(store: FolderStore) -> None:
    (half,) = plan(store, "mug_cat", "crop to the left half but keep the mug").steps
    assert isinstance(half.operation, Crop)
    # By eye, the mug stands in the left half: the middle 1:3 part would cut it, the one around it does not.
    (narrow,) = plan(store, "mug_cat", "crop to 1:2 but keep the mug").steps
    assert isinstance(narrow.region, Mask)
    flipped = plan(store, "chelsea_cat", "flip it and make the background black and white, but keep the cat as it is")
    assert isinstance(flipped.steps[0].operation, Flip)  # it is kept out of the other step


def test_a_cut_out_holds_what_stays(store: FolderStore) -> None:
    (step,) = plan(store, "barista", "cut out the person but keep the cup").steps
    assert isinstance(step.region, Mask)
    cut = np.asarray(store.open(step.region.image)) > 127
    cup = locate(np.asarray(Image.open(PHOTOS / "barista.jpg").convert("RGB")), "cup")
    assert cup is not None and cut[cup.mask > 0.7].mean() > 0.95


# -- opposites --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("make it brighter but also darker", "increase the brightness", "decrease the brightness"),
        ("more and less saturated", "increase the saturation", "decrease the saturation"),
        ("make the cup warmer and cooler", "increase the warmth of the cup", "decrease the warmth of the cup"),
        ("sharpen and blur the cup", "sharpen the cup", "blur the cup"),
        ("make it more saturated and black and white", "increase the saturation", "black and white"),
        ("mach es heller aber auch dunkler", "Helligkeit um 20% erhöhen", "Helligkeit um 20% verringern"),
        ("把图片变亮也变暗", "亮度提高20%", "亮度降低20%"),
        ("haz la imagen más clara y más oscura", "aumentar brillo", "reducir brillo"),
        ("rends l'image plus claire mais aussi plus sombre", "augmenter la luminosité", "réduire la luminosité"),
    ],
)
def test_opposites_in_one_place(store: FolderStore, text: str, first: str, second: str) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(store, "coffee", text)
    assert first in caught.value.message and second in caught.value.message


def test_opposites_in_two_places_are_fine(store: FolderStore) -> None:
    both = plan(store, "coffee", "blur the background and sharpen the cup")
    assert isinstance(both.steps[0].operation, Blur) and isinstance(both.steps[1].operation, Sharpen)
    both = plan(store, "coffee", "brighten the cup and darken the background")
    assert [step.operation.amount > 0 for step in both.steps if isinstance(step.operation, Adjust)] == [True, False]


def test_later_advice_takes_the_place_of_its_opposite(store: FolderStore) -> None:
    (step,) = plan(store, "coffee", "blur the cup", "sharpen the cup").steps
    assert isinstance(step.operation, Sharpen)


@pytest.mark.parametrize(
    "text", ["make it brighter, but not too bright", "make it brighter but not too bright", "把图片变亮，但不要太亮"]
)
def test_a_limit_is_no_opposite(text: str) -> None:
    (plain,) = parse("make it brighter", size=(600, 400)).clauses
    (mild,) = parse(text, size=(600, 400)).clauses
    assert isinstance(mild.operation, Adjust) and isinstance(plain.operation, Adjust)
    assert 0 < mild.operation.amount < plain.operation.amount


# -- wording ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("photo", "text", "said"),
    [
        ("coffee", "remove the grass", "There is no grass that"),
        ("bridge_sky", "remove the dogs", "There are no dogs that"),
        ("coffee", "mach das Auto rot", "Das finde ich im Bild nicht: Auto. Ich sehe: Tasse."),
        ("coffee", "把狗变成蓝色", "在图片中找不到狗；我看到：杯子"),
        ("coffee", "füge einen Hund hinzu", "braucht neue Inhalte"),
        ("coffee", "añade un perro", "requiere contenido nuevo"),
        ("coffee", "ajoute un chien", "demande un contenu nouveau"),
        ("coffee", "加一只狗", "需要生成新内容"),
    ],
)
def test_refusals_speak_the_users_language(store: FolderStore, photo: str, text: str, said: str) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(store, photo, text)
    assert said in caught.value.message


def test_every_language_has_every_sentence() -> None:
    english = messages._SAID["en"].keys() - {"absent_many"}
    for language, said in messages._SAID.items():
        assert said.keys() >= english, language


@pytest.mark.parametrize("words", ["abc", "the dragon", "the car"])
def test_a_region_that_is_found_nowhere_is_bad_input(store: FolderStore, words: str) -> None:
    with pytest.raises(UsageError, match="that I can find in the picture"):
        plan(store, "coffee", "make it green", region=Phrase(text=words))
