"""The tables of docs/tools.md are the tables of the code."""

import re
from dataclasses import fields
from pathlib import Path

from reasonedit_agent.tools.diffusers.adapters import ADAPTERS
from reasonedit_agent.tools.diffusers.settings import PRESETS, Settings

PAGE = (Path(__file__).parents[2] / "docs/tools.md").read_text(encoding="utf-8")


def test_every_adapter_is_told_as_it_is() -> None:
    rows = re.findall(r"^\| `(\w+Pipeline\w*)`(.*)$", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == sorted(ADAPTERS, key=lambda name: [row[0] for row in rows].index(name))
    assert len(rows) == len(ADAPTERS)
    for name, rest in rows:
        row, cells = ADAPTERS[name], [cell.strip() for cell in rest.split("|")[1:-1]]
        references, steps, guidance, region, caches, state = cells
        assert int(references or 0) == row.references, name
        assert steps == (f"{row.steps}, distilled {row.distilled}" if row.distilled else str(row.steps)), name
        assert guidance == (str(row.scale) if row.guidance else ""), name
        assert region == ("inpaints" if row.inpaint else "pasted back"), name
        assert re.findall(r"`(\w+)`", caches) == [cache for cache, why in row.caches.items() if not why], name
        assert state == ("tested" if row.tested else "untested"), name


def test_every_setting_and_preset_is_told() -> None:
    for item in fields(Settings):
        assert f"`{item.name}`" in PAGE or f"`{item.name}=" in PAGE, item.name
    for preset in PRESETS:
        assert f"`{preset}`" in PAGE
