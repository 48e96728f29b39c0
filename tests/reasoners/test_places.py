"""Which things of a photo are taken for what was named, and which requests are refused."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.images import FolderStore
from reasonedit_agent.perception.arrays import Rgb
from reasonedit_agent.perception.locate import locate
from reasonedit_agent.reasoners.embedded.places import Places
from reasonedit_agent.schemas import EditRequest
from reasonedit_agent.weights import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason="the weights are not fetched: reasonedit fetch embedded")


def places(rgb: Rgb, store: FolderStore) -> Places:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")
    return Places(EditRequest(image=store.put(out.getvalue()), instruction="-"), store)


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    return FolderStore(tmp_path_factory.mktemp("images"))


def test_people_on_both_sides_of_a_thing_are_not_taken_for_the_thing(store: FolderStore) -> None:
    """The box around both people is the box of the motorcycle between them."""
    who = np.ascontiguousarray(data.astronaut())
    person = locate(who, "person")
    assert person is not None
    left, top, right, bottom = (int(v) for v in person.box)
    size = (round((right - left) * 230 / (bottom - top)), 230)
    figure = cv2.resize(who[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
    opaque = cv2.resize(person.mask[top:bottom, left:right], size)[..., None]
    rgb = np.ascontiguousarray(data.stereo_motorcycle()[0])
    for start in (100, 460):
        part = rgb[215:445, start : start + size[0]]
        part[:] = (part * (1 - opaque) + figure * opaque).astype(np.uint8)
    seen = places(rgb, store)
    assert seen.region("people", ()) is not None
    assert seen.region("motorcycle", ()) is not None


def test_a_part_of_an_animal_is_refused_and_an_animal_of_another_kind_is_a_guess(store: FolderStore) -> None:
    seen = places(np.ascontiguousarray(data.chelsea()), store)
    for part in ("beak", "tail"):
        with pytest.raises(Unsupported):
            seen.region(part, ())
    assert seen.region("quokka", ()) is not None and "quokka" in seen.guesses
