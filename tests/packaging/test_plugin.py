"""The example plugin: a package of two files, installed as a user would, found and used by its name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.typecheck import ROOT

EXAMPLE = ROOT / "examples" / "plugin_reasoner"

USE = """
import sys
from reasonedit_agent import EditAgent
result = EditAgent("house_style(embedded, strength=0.5)", "classical", runs=sys.argv[1]).edit(sys.argv[2], "make it black and white")
print(result.status, [step.operation.op for step in result.history.thought.steps])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(EXAMPLE, folder / "source")  # a build leaves files behind
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, "--target", folder / "site", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PYTHONPATH": str(folder / "site")}


def test_it_has_two_files() -> None:
    assert sorted(p.name for p in EXAMPLE.iterdir() if p.is_file()) == ["house_style.py", "pyproject.toml"]


def test_it_is_listed(installed: dict[str, str]) -> None:
    listed = subprocess.run(
        [Path(sys.executable).with_name("reasonedit"), "plugins", "--json"],
        env=installed,
        capture_output=True,
        text=True,
        check=True,
    )
    row = next(row for row in json.loads(listed.stdout) if row["name"] == "house_style")
    assert row == {
        "kind": "reasoners",
        "name": "house_style",
        "package": "house-style",
        "target": "house_style:HouseStyle",
    }


def test_it_plans_and_is_accepted(installed: dict[str, str], tmp_path: Path) -> None:
    photo = ROOT / "examples" / "photos" / "coffee.jpg"
    used = subprocess.run(
        [sys.executable, "-c", USE, tmp_path, photo], env=installed, capture_output=True, text=True, check=False
    )
    assert used.returncode == 0, used.stderr
    assert used.stdout.strip() == "accepted ['black_and_white', 'vignette']"
