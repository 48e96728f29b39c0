"""A short name for what files hold, which changes when their weights do, without reading all of them.

Small files and descriptions are read whole. Of a large file of weights its first mebibyte is (it holds the header, with
the name, type and shape of every tensor), and blocks at fixed places over all the rest: another training changes nearly
every weight. A copy, another folder or another day changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["fingerprint", "read_files"]

_WEIGHTS: Final = (".safetensors", ".gguf")
_READ: Final = (".json", ".txt", ".model", ".jinja", *_WEIGHTS)
_HEAD: Final = 2**20
_BLOCK: Final = 4096
_BLOCKS: Final = 64


def read_files(root: Path) -> dict[str, Path]:
    """Return the files of a folder that a pipeline is loaded from, by their path in it; hidden ones are others'."""
    found = {file.relative_to(root): file for file in root.rglob("*") if file.suffix in _READ and file.is_file()}
    return {name.as_posix(): file for name, file in found.items() if not any(p.startswith(".") for p in name.parts)}


def fingerprint(files: Mapping[str, Path]) -> str:
    """Return 16 hexadecimal digits for the content of files.

    Args:
        files: By a name, which counts as well.
    """
    hasher = hashlib.sha256()
    for name, file in sorted(files.items()):
        size = file.stat().st_size
        hasher.update(f"{name} {size}\n".encode())
        with file.open("rb") as opened:
            if file.suffix not in _WEIGHTS:
                hasher.update(opened.read())
                continue
            hasher.update(opened.read(_HEAD))
            rest = size - _HEAD - _BLOCK
            for number in range(_BLOCKS if rest > -_BLOCK else 0):
                opened.seek(_HEAD + max(0, rest) * number // (_BLOCKS - 1))
                hasher.update(opened.read(_BLOCK))
    return hasher.hexdigest()[:16]
