"""A pipeline on the disk: what its folder must hold before anything of it is loaded."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reasonedit_agent.errors import UsageError
from reasonedit_agent.loading import fingerprint, read_files
from reasonedit_agent.tools.diffusers.adapters import Adapter, adapter_for

__all__ = ["WORDS", "Folder", "first_line", "tensor_names"]

WORDS: Final = ("Tokenizer", "TokenizerFast", "Processor", "ProcessorFast", "Scheduler", "Extractor")
"""How the names of classes without weights end."""

_LIBRARIES: Final = ("diffusers", "transformers")
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_INDEX: Final = "model_index.json"
_METADATA: Final = "__metadata__"
_AGAIN: Final = "Download it again, whole."
_NO_CODE: Final = "Code of a checkpoint never runs here: use one in the plain format of diffusers."


@dataclass(frozen=True)
class Folder:
    """A diffusers pipeline on the disk.

    Attributes:
        path: Where.
        adapter: The row of its class.
        parts: Library and class of each part.
        distilled: Whether its configuration says so.
        fingerprint: Changes when the content of a file does that it is loaded from.
        sizes: GB of the weights of each part that has some.
    """

    path: Path
    adapter: Adapter
    parts: dict[str, tuple[str, str]]
    distilled: bool
    fingerprint: str
    sizes: dict[str, float]

    @classmethod
    def read(cls, path: str, revision: str = "", elsewhere: tuple[str, ...] = ()) -> Folder:
        """Look at a folder, or at a pinned hub id that is fetched first.

        Args:
            path: Of the folder, or the id.
            revision: The commit of an id.
            elsewhere: Parts whose weights come from another place.

        Raises:
            UsageError: It is not there, not whole, of a class without an adapter, or it wants to run code.
        """
        root = _root(path, revision)
        index = _index(root)
        name = index.get("_class_name")
        if isinstance(name, list):
            raise UsageError(f"{path} names a pipeline of its own, which would run code of it.", hint=_NO_CODE)
        parts = _parts(root, index)
        for part, (library, _) in parts.items():
            if library not in _LIBRARIES:
                raise UsageError(f"The part {part!r} of {path} would run code of it.", hint=_NO_CODE)
        adapter = adapter_for(str(name))
        for part, (_, kind) in parts.items():
            if kind.endswith(WORDS):
                if not any((root / part).glob("*.json")):
                    raise UsageError(f"The part {part!r} of {root} is missing: half a download.", hint=_AGAIN)
            elif part not in elsewhere:
                _check_weights(root, part)
        files = read_files(root)
        try:
            told = fingerprint(files)
        except OSError as error:
            raise UsageError(f"{root} cannot be read: {first_line(error)}.", hint="Look at its permissions.") from error
        weights = [file for file in files.values() if file.suffix == ".safetensors"]
        sizes = {
            part: sum(file.stat().st_size for file in weights if file.parent == root / part) / 1e9 for part in parts
        }
        sizes = {part: size for part, size in sizes.items() if size}
        return cls(root, adapter, parts, bool(index.get("is_distilled")), told, sizes)


def first_line(error: object) -> str:
    """Return what a library's message says first, without the full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


def _root(path: str, revision: str) -> Path:
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if not re.fullmatch(r"\w[\w.-]*/[\w.-]+", path):
        raise UsageError(f"There is no folder {path}.", hint="Give one that holds a diffusers pipeline, or a hub id.")
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        hint = "Name the commit: revision=, 40 hexadecimal digits."
        raise UsageError(f"{path} is no folder here, and as a hub id it is not pinned.", hint=hint)
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
    try:
        return Path(snapshot_download(path, revision=revision, allow_patterns=wanted))
    except Exception as error:  # of the network, of the hub, of the disk
        raise UsageError(
            f"{path} could not be fetched: {first_line(error)}.", hint="Fetch it where there is a network."
        ) from error


def _index(root: Path) -> dict[str, Any]:
    file = root / _INDEX
    if not file.is_file():
        single = "It holds one file of weights, which is another format. " if any(root.glob("*.safetensors")) else ""
        raise UsageError(
            f"{root} is no diffusers pipeline: model_index.json is missing.",
            hint=f"{single}Give the folder that `save_pretrained` wrote, or download it whole.",
        )
    return _json(file)


def _parts(root: Path, index: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return library and class of each part; other entries are settings of the pipeline."""
    found: dict[str, tuple[str, str]] = {}
    for part, value in index.items():
        if isinstance(value, list) and len(value) == 2 and all(isinstance(word, str) for word in value):
            found[part] = (value[0], value[1])
        elif (root / part).is_dir():
            raise UsageError(
                f"{root / _INDEX} gives {json.dumps(value)} for the part {part!r}, and not its library and class.",
                hint=_AGAIN,
            )
    return found


def _json(file: Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {first_line(error)}.", hint="Download it again.") from error
    if not isinstance(read, dict):
        raise UsageError(f"{file} is not the index of a pipeline.", hint="Download it again.")
    return read


def tensor_names(file: Path) -> list[str]:
    """Return the names of the tensors in a file of weights; nothing but the header is read.

    Raises:
        UsageError: It is empty, shorter than its header says, or of another format.
    """
    if not (size := file.stat().st_size):
        raise UsageError(f"{file} is empty.", hint=_AGAIN)
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            tensors = json.loads(opened.read(length)) if length < size else {"": {"data_offsets": (0, size)}}
        end = (
            8 + length + max((each["data_offsets"][1] for key, each in tensors.items() if key != _METADATA), default=0)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise UsageError(f"{file} cannot be read as safetensors: {first_line(error)}.", hint=_AGAIN) from error
    if end > size:
        raise UsageError(f"{file} is truncated, half a download: it has {size} of {end} bytes.", hint=_AGAIN)
    return [name for name in tensors if name != _METADATA]


def _check_weights(root: Path, part: str) -> None:
    """Refuse a part whose weights are not all there, or are pickles."""
    folder = root / part
    if not (folder / "config.json").is_file():
        raise UsageError(f"The part {part!r} of {root} has no config.json: half a download.", hint=_AGAIN)
    named: set[str] = set()
    for index in folder.glob("*.safetensors.index.json"):
        named |= set(_json(index).get("weight_map", {}).values())
    if lost := sorted(name for name in named if not (folder / name).is_file()):
        raise UsageError(
            f"The part {part!r} of {root} lacks {len(lost)} of {len(named)} files, such as {lost[0]}: half a download.",
            hint=_AGAIN,
        )
    if files := sorted(folder.glob("*.safetensors")):
        for file in files:
            tensor_names(file)
        return
    if any(next(folder.glob(kind), None) for kind in _PICKLES):
        raise UsageError(
            f"The part {part!r} of {root} has its weights as pickles, which can run code when they are read.",
            hint="Only safetensors are read: convert it with `save_pretrained(..., safe_serialization=True)`.",
        )
    raise UsageError(f"The part {part!r} of {root} has no weights: half a download.", hint=_AGAIN)
