"""Tools from the command line: what fits a GPU, the conformance kit, and an edit with a diffusion model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.test_cli import cli
from tests.servers.images import ImageServer
from tests.tools.diffusers.tiny_dit import save_tiny

PHOTO = Path(__file__).parents[2] / "examples/photos/coffee.jpg"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny("Flux2KleinPipeline", tmp_path_factory.mktemp("klein"))


def test_what_a_gpu_can_hold() -> None:
    rows = json.loads(cli("doctor", "--tool", "black-forest-labs/FLUX.2-klein-4B", "--gpu", "16", "--json").stdout)
    enough = {row["found"].split(":")[0]: row["ok"] for row in rows if row["what"] == "with"}
    # Its model card: 13 GB with the parts offloaded; whole, its weights alone are 16.
    assert not enough["preset=quality"] and enough["offload=model"]
    shown = cli("doctor", "--tool", "Qwen-Image-Edit-2511", "--gpu", "24").stdout
    assert "model card of Qwen-Image" in " ".join(shown.split()) and "24 GB" in shown
    assert "needs no GPU" in cli("doctor", "--tool", "classical").stdout
    unknown = cli("doctor", "--tool", "nothing")
    assert unknown.returncode == 2 and "diffusers" in unknown.stderr


def test_doctor_asks_the_server_of_a_tool(tiny: Path) -> None:
    def nothing(*_: object) -> list[Image.Image]:
        raise AssertionError("nothing is drawn")

    with ImageServer("vllm-omni", nothing) as server:
        run = cli("doctor", "--tool", f"images('{server.url}')", "--json")
        (row,) = json.loads(run.stdout)
        assert run.returncode == 0 and row["ok"] and "as vllm-omni; models: tiny-editor; takes 3" in row["found"]
        missing = cli("doctor", "--tool", f"images('{server.url}', other)")
        assert missing.returncode == 4 and "tiny-editor" in " ".join(missing.stdout.split())
        toolbox = f"toolbox(classical, images('{server.url}'), diffusers('{tiny}'))"
        shown = cli("doctor", "--tool", toolbox, "--gpu", "12")
        said = " ".join(shown.stdout.split())
        assert shown.returncode == 0, said
        for part in ("3 tools: classical, images, diffusers", "18 operations", "tiny-editor", "Flux2KleinPipeline"):
            assert part in said
        assert not server.requests
    gone = cli("doctor", "--tool", f"toolbox(images('{server.url}'), classical)", "--json")
    rows = json.loads(gone.stdout)
    assert gone.returncode == 4 and [row["ok"] for row in rows] == [True, False, True]
    assert server.url in rows[1]["found"]


def test_conformance_of_tools(tmp_path: Path, tiny: Path) -> None:
    out = tmp_path / "card.json"
    run = cli("conformance", "tool", f"diffusers('{tiny}', steps=1, area=4096)", "--out", str(out))
    assert run.returncode == 0, run.stdout + run.stderr
    card = json.loads(out.read_text())
    assert card["passed"] and card["facts"]["references"] == 3 and "A portrait stays a portrait" in run.stdout


def test_an_edit_with_a_diffusion_model(tmp_path: Path, tiny: Path) -> None:
    """The embedded Reasoner plans, a tiny model of random weights draws nonsense, and it is not accepted."""
    run = cli(
        "edit",
        str(PHOTO),
        "make the picture cooler",
        "--tool",
        f"diffusers('{tiny}', steps=2, area=4096)",
        "--max-rounds",
        "2",
        "--json",
        "--runs",
        str(tmp_path / "runs"),
        "--out",
        str(tmp_path / "out"),
    )
    said = json.loads(run.stdout)
    assert run.returncode == 0 and said["status"] == "best_effort", run.stderr
    with Image.open(said["image"]) as made, Image.open(PHOTO) as source:
        assert len(said["rounds"]) == 2 and made.size == source.size
    trace = cli("trace", "show", said["trace"]).stdout
    assert "Flux2KleinPipeline" in trace
