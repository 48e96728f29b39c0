"""The built wheel in a clean environment, away from the checkout."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.packaging.typecheck import ROOT

CONSTRAINTS = ROOT / "constraints.txt"

USE = """
import asyncio, io, sys, pickle
from PIL import Image
import reasonedit_agent
assert "site-packages" in reasonedit_agent.__file__, reasonedit_agent.__file__
from reasonedit_agent import EditAgent
from reasonedit_agent.policies import Rounds
from reasonedit_agent.registry import build, names
from reasonedit_agent.schemas import Accepted
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner, scores
assert type(build("policies", "rounds(2)")) is Rounds
assert pickle.loads(pickle.dumps(Rounds(2))) == Rounds(2)
assert "embedded" in names("reasoners") and "classical" in names("tools")
out = io.BytesIO()
Image.new("RGB", (8, 8)).save(out, "PNG")
tool = FunctionTool(lambda base, call, seed: Image.new("RGB", base.size, "red"))
result = EditAgent(ScriptedReasoner([Accepted(scores=scores(9))]), tool, runs=sys.argv[1]).edit(out.getvalue(), "red")
assert result.status == "accepted", result
"""


def run(*command: object, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build the source distribution from the tracked files, and the wheel from it."""
    folder = tmp_path_factory.mktemp("build")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.mark.timeout(600)
def test_the_wheel_holds_the_packages_and_nothing_else(built: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(built[1]).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"reasonedit_agent", "reasonedit_agent-0.1.0.dist-info"}
    for wanted in (
        "reasonedit_agent/py.typed",
        "reasonedit_agent/graphs/think_edit_reflect.py",
        "reasonedit_agent/tools/classical/tool.py",
        "reasonedit_agent/policies/stopping.py",
        "reasonedit_agent/perception/data/centernet_mobilenetv3_coco_fp16.onnx",
        "reasonedit_agent/perception/data/LICENSE.human-models",
    ):
        assert wanted in names


@pytest.mark.timeout(900)
def test_the_wheel_works_in_a_clean_environment(built: tuple[Path, Path], tmp_path: Path) -> None:
    """The core alone: no numpy, no model, no checkout."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", CONSTRAINTS, built[1], cwd=tmp_path)
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    env["REASONEDIT_HOME"] = str(tmp_path / "home")
    run(python, "-W", "error", "-c", USE, tmp_path / "runs", cwd=tmp_path, env=env)
    script = python.with_name("reasonedit")
    assert "embedded" in run(script, "plugins", "--json", cwd=tmp_path, env=env)
    doctor = run(script, "doctor", "--json", cwd=tmp_path, env=env)
    assert "pip install 'reasonedit-agent[embedded]'" in doctor
    photo = ROOT / "examples" / "photos" / "coffee.jpg"
    refused = subprocess.run(
        [script, "edit", photo, "crop to square"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "reasonedit doctor" in refused.stderr
