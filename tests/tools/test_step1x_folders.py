"""Folders of Step1X-Edit: they are saved and loaded as they were, and no code of them runs."""

import json
from pathlib import Path

import pytest
import torch

from reasonedit_agent.tools.diffusers import diffusers_tool
from reasonedit_agent.tools.diffusers.pipelines import load_engine
from reasonedit_agent.tools.step1x import Step1XEditPipelineV1P2
from tests.fixtures.step1x.golden import VERSIONS, folder, furthest, load
from tests.tools.test_step1x_pipeline import small


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_saved_is_loaded_as_the_same(version: str, tmp_path: Path) -> None:
    first = load(version, tmp_path / "published")
    first.save_pretrained(tmp_path / "saved")
    names = [json.loads((tmp_path / place / "model_index.json").read_text()) for place in ("published", "saved")]
    parts = [{key: value for key, value in index.items() if isinstance(value, list)} for index in names]
    assert parts[0] == parts[1]
    assert names[0]["_class_name"] == names[1]["_class_name"]
    second = type(first).from_pretrained(tmp_path / "saved")
    second.set_progress_bar_config(disable=True)
    assert type(first).__name__ == names[0]["_class_name"]
    assert furthest(second(**small()).images, first(**small()).images) == 0


def test_the_class_itself_reads_a_published_folder(tmp_path: Path) -> None:
    place = folder("v1p2", tmp_path / "model")
    pipe = Step1XEditPipelineV1P2.from_pretrained(place, dtype=torch.bfloat16)
    assert pipe.transformer.dtype == pipe.vae.dtype == pipe.text_encoder.dtype == torch.bfloat16
    tool = diffusers_tool(str(place), dtype="bfloat16")
    other = load_engine(tool._folder, tool._settings, "cpu").model.pipe
    assert type(other) is Step1XEditPipelineV1P2
    assert furthest(pipe(**small()).images, other(**small()).images) == 0


def test_no_code_of_a_folder_runs(tmp_path: Path) -> None:
    """Where a folder brings a module named as the library, diffusers would run it if it were let."""
    model = folder("v1p2", tmp_path / "model")
    traps = [
        model / "transformer" / "diffusers.py",
        model / "pipeline.py",
        model / "processor" / "transformers.py",
        model / "scheduler" / "diffusers.py",
    ]
    for trap in traps:
        trap.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nraise SystemExit\n")
    tool = diffusers_tool(str(model))
    load_engine(tool._folder, tool._settings, "cpu")
    assert not (tmp_path / "ran").exists()


def test_importing_the_room_is_cheap() -> None:
    import subprocess
    import sys

    code = "import sys, reasonedit_agent.tools.step1x; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
