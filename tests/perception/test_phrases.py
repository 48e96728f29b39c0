import numpy as np
import pytest

from reasonedit_agent.perception import nouns
from reasonedit_agent.perception.phrases import Phrase, Place, parse_phrase


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the whole image", Phrase("all")),
        ("everything", Phrase("all")),
        ("left half", Phrase("position", place=Place("left", None, 1 / 2))),
        ("the top third of the photo", Phrase("position", place=Place(None, "top", 1 / 3))),
        ("bottom right corner", Phrase("position", place=Place("right", "bottom", 2 / 5))),
        ("the middle", Phrase("position", place=Place("centre", "centre", 1 / 2))),
        ("her face", Phrase("face")),
        ("faces", Phrase("face", several=True)),
        ("the subject", Phrase("subject")),
        ("it", Phrase("subject")),
        ("the text", Phrase("text")),
        ('the text "SALE"', Phrase("text", quoted="SALE")),
        ("“你好”", Phrase("text", quoted="你好")),
        ("the red plate", Phrase("thing", "plate", colour="red")),
        ("an orange", Phrase("thing", "orange")),
        ("the orange cup", Phrase("thing", "cup", colour="orange")),
        ("both cups", Phrase("thing", "cup", several=True)),
        ("the cup on the left", Phrase("thing", "cup", place=Place("left", None, 1 / 2))),
        ("left half of the cup", Phrase("thing", "cup", part=Place("left", None, 1 / 2))),
        (
            "left half of the left cup",
            Phrase("thing", "cup", place=Place("left", None, 1 / 2), part=Place("left", None, 1 / 2)),
        ),
        ("the biggest dog", Phrase("thing", "dog", size=1)),
        ("people", Phrase("thing", "person", several=True)),
        ("coffee cup", Phrase("thing", "coffee cup")),
    ],
)
def test_phrases(text: str, expected: Phrase) -> None:
    assert parse_phrase(text) == expected


def test_places_are_parts_of_a_rectangle() -> None:
    assert Place("right", "top", 1 / 4).cut(400, 200) == (300, 0, 400, 50)
    assert Place("centre", None, 1 / 2).cut(400, 200) == (100, 0, 300, 200)


def test_the_vectors_of_names_are_kept_beside_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    nouns._vectors.cache_clear()
    first = nouns._vectors()
    nouns._vectors.cache_clear()
    monkeypatch.setattr(nouns, "embed", lambda _: pytest.fail("they were there already"))
    second = nouns._vectors()
    assert first[0] == second[0] and np.allclose(first[1], second[1])


@pytest.mark.parametrize(
    ("noun", "owner"),
    [
        ("cup handle", "cup"),
        ("cat collar", "cat"),
        ("coffee cup", ""),
        ("cup", ""),
        ("temple roof", ""),
        ("wine glass stem", "wine glass"),
    ],
)
def test_a_part_is_not_the_whole(noun: str, owner: str) -> None:
    assert nouns.part_of(noun) == owner
    assert not owner or nouns.coco_label(noun) is None
