"""The acceptance set is sound: files agree, lazy edits fail every case, faithful ones pass, the command scores."""

import ast
import hashlib
import itertools
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from skimage import color, filters, io, transform

from benchmarks.acceptance import score as scorer
from benchmarks.acceptance.measures import MEASURES
from benchmarks.acceptance.scene import Scene, read

Pixels = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
PHOTOS = scorer.PHOTOS
CASES = {half: scorer.load_cases(half) for half in scorer.HALVES}
ALL = [case for half in scorer.HALVES for case in CASES[half]]
EDITS = [case for case in ALL if case["operation"] != "unsupported"]
PINNED_SHA256 = {
    "frozen": "80fc371ea322c22eb279622148bf94238d12b960983a59b28774160279d5c979",
    "held_out": "e3f46bb47cf82d86f578518e9228ea6f36395e83dc707c73311f107763427008",
}
BY_ID = {case["id"]: case for case in ALL}


def test_each_half_is_large_and_on_its_own_photos() -> None:
    for half in scorer.HALVES:
        assert len(CASES[half]) >= 36
        assert sum(case["operation"] == "unsupported" for case in CASES[half]) == 3
        assert {case["operation"] for case in CASES[half]} == {case["operation"] for case in ALL}
    used = [{name for case in CASES[half] for name in (case["photo"], *case.get("references", ()))} for half in CASES]
    for first, second in itertools.combinations(used, 2):
        assert not first & second
    assert len(BY_ID) == len(ALL)
    assert {case["language"] for case in ALL} == {"en", "zh", "de", "es", "fr"}


@pytest.mark.parametrize("half", PINNED_SHA256)
def test_a_half_that_nobody_tunes_on_is_frozen(half: str) -> None:
    """A change of a frozen case is a new benchmark: its old numbers cannot be compared with the new ones."""
    frozen = (Path(scorer.__file__).parent / f"cases_{half}.json").read_bytes()
    assert hashlib.sha256(frozen).hexdigest() == PINNED_SHA256[half]


def test_every_photo_is_small_and_its_origin_is_named() -> None:
    files = sorted(PHOTOS.glob("*.jpg"))
    readme = (PHOTOS / "README.md").read_text(encoding="utf-8")
    assert len(files) >= 24
    assert {path.name for path in files} == {case["photo"] for case in ALL}
    assert sum(path.stat().st_size for path in files) <= 4_200_000
    for path in files:
        assert f"| {path.name} |" in readme
        assert path.stat().st_size <= 250_000
        assert 640 <= max(io.imread(path).shape[:2]) <= 1200


@pytest.mark.parametrize("case", ALL, ids=lambda case: str(case["id"]))
def test_a_case_is_well_formed(case: dict[str, Any]) -> None:
    photo = read(PHOTOS / case["photo"])
    scene = Scene(case, photo, photo, PHOTOS)
    named = {name for want in case["expect"] for key in ("region", "than") for name in [want.get(key, "all")]}
    for name in named:
        assert scene.mask(name).sum() > 100
    for region in case["regions"]:
        left, top, right, bottom = scene.bounds(region)
        assert 0 <= left < right <= photo.shape[1]
        assert 0 <= top < bottom <= photo.shape[0]
    for want in case["expect"]:
        assert want["kind"] == "status" or (want["kind"] in MEASURES and want["low"] <= want["high"])
    assert (case["operation"] == "unsupported") == (case["expect"] == [{"kind": "status", "value": "unsupported"}])


def save(path: Path, rgb: npt.NDArray[Any]) -> Path:
    io.imsave(path, np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8), check_contrast=False)
    return path


def tinted(source: Pixels, channel: int) -> npt.NDArray[Any]:
    lab = color.rgb2lab(source)
    lab[..., channel] += 12
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # colours out of gamut are clipped, as an editor would
        return np.asarray(color.lab2rgb(lab))


@pytest.mark.parametrize("photo", sorted({case["photo"] for case in ALL}))
def test_returning_or_tinting_the_photo_fails(photo: str, tmp_path: Path) -> None:
    source = read(PHOTOS / photo).rgb
    lazy = {
        "nothing": PHOTOS / photo,
        "yellow": save(tmp_path / "yellow.png", tinted(source, 2)),
        "light": save(tmp_path / "light.png", tinted(source, 0)),
    }
    passed = [
        (case["id"], name)
        for name, image in lazy.items()
        for case in EDITS
        if case["photo"] == photo and scorer.passes(scorer.score(case, PHOTOS / photo, image, "accepted", PHOTOS))
    ]
    assert passed == []


def over(base: npt.NDArray[Any], edit: npt.NDArray[Any] | float, mask: Mask) -> npt.NDArray[Any]:
    return np.asarray(np.where(mask[..., None], edit, base))


def gray(rgb: Pixels) -> npt.NDArray[Any]:
    return np.repeat(color.rgb2gray(rgb)[..., None], 3, axis=2)


def blurred(rgb: Pixels, sigma: float) -> npt.NDArray[Any]:
    return np.asarray(filters.gaussian(rgb, sigma, channel_axis=2))


def green(rgb: Pixels) -> npt.NDArray[Any]:
    return np.asarray(gray(rgb) * np.array([0.3, 1.0, 0.3]))


def pixelated(rgb: Pixels) -> npt.NDArray[Any]:
    small = transform.resize(rgb, (rgb.shape[0] // 24, rgb.shape[1] // 24), anti_aliasing=True)
    return np.asarray(transform.resize(small, rgb.shape[:2], order=0))


# Plain numpy and scikit-image edits under the hand-made masks: (photo, mask by name) -> result.
FAITHFUL: dict[str, Callable[[Pixels, Callable[[str], Mask]], npt.NDArray[Any]]] = {
    "tuning-brightness-3": lambda rgb, mask: over(rgb, rgb**1.5, mask("bottom_half")),
    "tuning-saturation-2": lambda rgb, mask: (rgb + gray(rgb)) / 2,
    "tuning-exposure-2": lambda rgb, mask: rgb * 0.73,
    "tuning-black_and_white-2": lambda rgb, mask: over(rgb, gray(rgb), mask("right_half")),
    "tuning-background-2": lambda rgb, mask: over(np.ones_like(rgb), rgb, mask("flower")),
    "tuning-cut_out-1": lambda rgb, mask: np.dstack([rgb, mask("flower")]),
    "tuning-crop-4": lambda rgb, mask: rgb[21:463, 92:575],
    "tuning-resize-1": lambda rgb, mask: transform.resize(rgb, (360, 640), anti_aliasing=True),
    "tuning-rotate-1": lambda rgb, mask: np.rot90(rgb),
    "tuning-rotate-2": lambda rgb, mask: transform.rotate(rgb, -5, resize=True),
    "tuning-flip-2": lambda rgb, mask: rgb[::-1],
    "tuning-redact-2": lambda rgb, mask: over(rgb, 0.0, mask("title+subtitle+body")),
    "tuning-compound-6": lambda rgb, mask: over(rgb**1.6, rgb, mask("flower")),
    "frozen-blur-1": lambda rgb, mask: over(blurred(rgb, 8), rgb, mask("dogs")),
    "frozen-sharpen-1": lambda rgb, mask: 2 * rgb - blurred(rgb, 1.2),
    "frozen-redact-1": lambda rgb, mask: over(rgb, pixelated(rgb), mask("face")),
    "frozen-compound-1": lambda rgb, mask: over(over(blurred(rgb, 8), green(rgb), mask("bowl_only")), rgb, mask("fig")),
    "frozen-compound-2": lambda rgb, mask: gray(rgb[:, :562]),
    "held_out-recolour-1": lambda rgb, mask: over(rgb, green(rgb), mask("hat")),
    "held_out-recolour-2": lambda rgb, mask: over(rgb, gray(rgb) * np.array([1.6, 0.4, 2.0]), mask("red_feathers")),
    "held_out-brightness-2": lambda rgb, mask: over(rgb, rgb**0.6, mask("trees")),
    "held_out-brightness-3": lambda rgb, mask: over(rgb, rgb**1.5, mask("sky")),
    "held_out-saturation-2": lambda rgb, mask: over(rgb, 1.4 * rgb - 0.4 * gray(rgb), mask("kite")),
    "held_out-blur-1": lambda rgb, mask: over(blurred(rgb, 8), rgb, mask("dog")),
    "held_out-background-1": lambda rgb, mask: over(np.full_like(rgb, 211 / 255), rgb, mask("macaw")),
    "held_out-cut_out-2": lambda rgb, mask: np.dstack([rgb, mask("croissant")]),
    "held_out-crop-2": lambda rgb, mask: rgb[10:320, 630:810],
    "held_out-rotate-2": lambda rgb, mask: transform.rotate(rgb, 10, resize=True),
    "held_out-redact-1": lambda rgb, mask: over(rgb, pixelated(rgb), mask("text")),
    "held_out-redact-2": lambda rgb, mask: over(rgb, pixelated(rgb), mask("face")),
    "held_out-compound-3": lambda rgb, mask: (rgb**1.2)[:, ::-1],
    "held_out-compound-4": lambda rgb, mask: over(gray(rgb), rgb, mask("dog")),
}


@pytest.mark.parametrize("name", FAITHFUL)
def test_a_faithful_edit_passes_and_fails_where_it_is_not_asked_for(name: str, tmp_path: Path) -> None:
    case = BY_ID[name]
    photo = read(PHOTOS / case["photo"])
    result = save(tmp_path / "result.png", FAITHFUL[name](photo.rgb, Scene(case, photo, photo, PHOTOS).mask))
    checks = scorer.score(case, PHOTOS / case["photo"], result, "best_effort", PHOTOS)
    assert [check for check in checks if not check.passed] == []
    assert not scorer.passes(scorer.score(case, PHOTOS / case["photo"], result, "failed", PHOTOS))
    others = [other for other in EDITS if other["photo"] == case["photo"] and other["operation"] != case["operation"]]
    mistaken = [
        other["id"]
        for other in others
        if scorer.passes(scorer.score(other, PHOTOS / case["photo"], result, "accepted", PHOTOS))
    ]
    assert mistaken == []


def test_the_command_scores_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, status in {"tuning-unsupported-1": "unsupported", "tuning-unsupported-2": "accepted"}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"status": status}), encoding="utf-8")
    io.imsave(tmp_path / "tuning-flip-1.jpg", io.imread(PHOTOS / "chelsea_cat.jpg")[:, ::-1])
    (tmp_path / "tuning-flip-1.json").write_text(json.dumps({"status": "accepted"}), encoding="utf-8")
    assert scorer.main(["--half", "tuning", "--results", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"2 of {len(CASES['tuning'])} cases pass ({2 / len(CASES['tuning']):.1%})"
    passed = {line.split()[1] for line in lines if line.startswith("pass")}
    assert passed == {"tuning-unsupported-1", "tuning-flip-1"}


def test_only_the_tuning_half_shows_its_cases_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--half", "held_out", "--results", str(tmp_path)]
    assert scorer.main(arguments) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"0 of {len(CASES['held_out'])} cases pass (0.0%)"]
    assert scorer.main([*arguments, "--show-failures"]) == 1
    assert sum(line.startswith("FAIL") for line in capsys.readouterr().out.splitlines()) == len(CASES["held_out"])


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def test_the_scorer_knows_nothing_of_the_library() -> None:
    for path in Path(scorer.__file__).parent.glob("*.py"):
        # The runner drives the library; what measures does not know it.
        for name in imported(path) if path.name != "run.py" else ():
            assert name.split(".")[0] not in {"reasonedit_agent", "cv2", "onnxruntime", "torch"}
