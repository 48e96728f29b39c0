"""The benchmarks of the editing tools run, and measure what they say."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import gpu_edit, tools
from benchmarks.editing import Desk, Model, psnr
from benchmarks.editing_rounds import PATHS, hits, queue
from reasonedit_agent.loading import lane
from tests.tools.diffusers.tiny_dit import save_tiny

KLEIN = "Flux2KleinPipeline"
SMALL = {"steps": 2, "area": 96 * 64, "device": "cpu"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    torch.set_num_threads(1)
    return Model("klein", save_tiny(KLEIN, tmp_path_factory.mktemp("klein")), SMALL)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, (96, 64))


def rows(printed: str, title: str) -> list[list[str]]:
    """Return the cells of the table below a title."""
    below = printed[printed.index(title) :].split("\n\n")[1]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in below.splitlines()[2:]]


@pytest.mark.filterwarnings("ignore:.*torchvision:UserWarning")
def test_the_small_run_prints_every_table(capsys: pytest.CaptureFixture[str]) -> None:
    tools.main(["--small"])
    printed = capsys.readouterr().out
    share = rows(printed, "Where the time of an edit goes")
    assert len(share) == 3
    for row in share:
        parts = [int(cell.removesuffix(" %")) for cell in row[3:8]]
        assert abs(sum(parts) - 100) <= 3 and min(parts[:4]) >= 0
    assert len(rows(printed, "4 candidates")) == 2
    levers = rows(printed, "Levers: time against")
    assert levers[0] == ["plain", "1.00, same", "1.00, same"] and levers[1][0] == "half the steps"
    refused = rows(printed, "Levers without a number")
    assert ["offload=model, offload=group", "all", "it does nothing on a CPU."] in refused
    chain = rows(printed, "Edits that change nothing")
    for row in chain:
        if row[1] == "latents kept":  # what is kept cannot drift
            assert len(set(row[2:7])) == 1 and row[7] == row[8]
    assert len(chain) == 8
    assert [row[1:3] for row in rows(printed, "Requests of one round")] == [["6", "4"], ["3", "1"]]
    assert len(rows(printed, "Around the model")) == 2


def test_the_verdicts_decide_what_is_known(model: Model, desk: Desk) -> None:
    """A rejected round starts again from what is known; a refined one has another base, and a text of its own."""
    loaded, tool, image = model.loaded(), model.tool(), desk.images.get(desk.source.image)
    found = {}
    for name, verdicts, candidates in PATHS:
        loaded.model.encodings.clear()
        found[name] = [known for known, _ in hits(tool, image, verdicts, candidates)]
    # The picture, the text and, for the guidance, no text.
    assert found["accept"] == [0]
    assert found["reject, reject"] == found["reject, reject; 2 candidates"] == [0, 3, 3]
    assert found["refine, refine"] == found["refine, refine; 2 candidates"] == [0, 1, 1]
    assert found["refine, reject"] == [0, 1, 3]


def test_the_share_of_a_queue_is_what_its_spans_say(model: Model, desk: Desk) -> None:
    """A Reasoner that takes long keeps the device waiting when requests come one by one."""
    tool = model.tool()
    took = desk.edit(tool).seconds
    image = desk.images.get(desk.source.image)
    alone, lasted, whole = queue(tool, lane("cpu"), [image] * 3, 4 * max(took, 0.05), 1)
    assert alone < 0.5 and alone == pytest.approx(3 * lasted / whole, rel=0.5)


def test_psnr() -> None:
    a = np.zeros((4, 4, 3), np.uint8)
    assert psnr(a, a) == float("inf")
    assert psnr(a, a + 255) == pytest.approx(0)
    assert psnr(a, a + 16) == pytest.approx(24.05, abs=0.01)


def test_the_script_for_a_gpu(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model", f"FLUX.2-klein-4B={model.folder}", "--sizes", "64", "96", "--repeats", "1"]
    if not torch.cuda.is_available():
        gpu_edit.main(arguments)
        assert capsys.readouterr().out == "skipped: there is no GPU here.\n"
    gpu_edit.main([*arguments, "--steps", "2", "--requests", "3", "--device", "cpu"])
    printed = capsys.readouterr().out
    assert "skipped: Qwen-Image-Edit-2511, no folder was given (--model Qwen-Image-Edit-2511=DIR)." in printed
    assert "no table" not in printed
    assert [row[1:3] for row in rows(printed, "speed and memory")] == [["64", "2"], ["96", "2"]]
    levers = {row[1]: row for row in rows(printed, "levers at 96 pixels")}
    assert levers["bfloat16"][3] == "same"  # it is that already
    assert levers["offload=model"][6] == "it does nothing on a CPU."
    with pytest.raises(SystemExit, match="NAME=DIR"):
        gpu_edit.main(["--model", "klein"])
