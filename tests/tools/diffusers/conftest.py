"""Tiny pipelines, saved once, and one call of the tool."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.diffusers.desk import Desk
from tests.tools.diffusers.tiny_dit import save_tiny

Saved = Callable[[str], Path]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Return the folder of a tiny pipeline of a class, made when it is first asked for."""
    made: dict[str, Path] = {}

    def save(name: str) -> Path:
        if name not in made:
            made[name] = save_tiny(name, tmp_path_factory.mktemp(name))
        return made[name]

    return save


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "images")
