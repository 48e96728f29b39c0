"""Tiny pipelines, saved once, and one call of the tool."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.fixtures.step1x.golden import folder
from tests.tools.diffusers.desk import Desk
from tests.tools.diffusers.tiny_dit import save_tiny

# The models are so small that a second thread waits more than it works.
torch.set_num_threads(1)

Saved = Callable[[str], Path]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Return the folder of a tiny pipeline of a class, made when it is first asked for."""
    made: dict[str, Path] = {}

    def save(name: str) -> Path:
        if name not in made:
            place = tmp_path_factory.mktemp(name)
            version = {"Step1XEditPipeline": "v1p1", "Step1XEditPipelineV1P2": "v1p2"}.get(name)
            made[name] = folder(version, place / version) if version else save_tiny(name, place)
        return made[name]

    return save


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "images")
