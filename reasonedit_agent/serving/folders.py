"""From what a user has to what vLLM can load: model folders, diffusers folders of ReasonEdit, adapters.

A diffusers folder keeps the Reasoner in ``text_encoder/`` (weights and config) and ``processor/`` (tokenizer, chat
template, image processor), some with a ``tokenizer/`` beside them. vLLM wants all of it in one folder, so one is made
of links in ``$REASONEDIT_HOME/served``; no weights are copied.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from pydantic import ValidationError

from reasonedit_agent.errors import StoreError, UsageError
from reasonedit_agent.serving.command import Lora
from reasonedit_agent.tracing import home

__all__ = ["lora", "servable"]

_PARTS = ("text_encoder", "processor", "tokenizer")
"""The folders that are put together; of two files of one name the first counts."""
_TOKENIZERS = ("tokenizer.json", "vocab.json", "tokenizer.model")


def servable(model: str) -> str:
    """Return what to give to vLLM: the absolute path of a folder, or a hub's name as it is.

    Args:
        model: A folder with ``config.json``, a diffusers folder with ``text_encoder/``, or ``owner/name``.

    Raises:
        UsageError: It is a path with nothing there, or a folder that holds no such model.
        StoreError: The links cannot be made.
    """
    folder = Path(model).expanduser()
    if not folder.exists():
        if model.startswith(("/", ".", "~")) or model.count("/") > 1:
            raise UsageError(f"There is no model folder {model}.", hint="Give a folder, or a name such as owner/model.")
        return model
    folder = folder.resolve()
    if (folder / "config.json").is_file():
        return str(folder)
    if not (folder / "text_encoder" / "config.json").is_file():
        raise UsageError(
            f"{folder} holds no model that can be served: neither config.json nor text_encoder/config.json is there.",
            hint="Give the folder that a model was saved to, or a diffusers folder of ReasonEdit.",
        )
    return str(_together(folder))


def _together(folder: Path) -> Path:
    files: dict[str, Path] = {}
    for part in _PARTS:
        for path in sorted(path for path in folder.glob(f"{part}/*") if path.is_file()):
            files.setdefault(path.name, path)
    if files.keys().isdisjoint(_TOKENIZERS):
        raise UsageError(
            f"{folder} has a text_encoder but no tokenizer: processor/ and tokenizer/ hold none of "
            f"{', '.join(_TOKENIZERS)}.",
            hint="Copy the folder whole.",
        )
    key = hashlib.sha256("\n".join(f"{name} {path}" for name, path in sorted(files.items())).encode()).hexdigest()
    target = home() / "served" / f"{folder.name}-{key[:12]}"
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, path in files.items():
            with contextlib.suppress(FileExistsError):  # from before, or another process was first
                (target / name).symlink_to(path)
    except OSError as error:
        raise StoreError(f"{target} cannot be made: {error.strerror or error}.") from error
    return target


def lora(text: str) -> Lora:
    """Return the adapter that ``NAME=PATH`` names.

    Raises:
        UsageError: The text has another form, or there is no adapter.
    """
    name, equals, where = text.partition("=")
    if not (name.strip() and equals and where.strip()):
        raise UsageError(f"{text!r} names no adapter.", hint="Write --lora NAME=FOLDER.")
    folder = Path(where.strip()).expanduser().resolve()
    config = folder / "adapter_config.json"
    try:
        rank = int(json.loads(config.read_text(encoding="utf-8"))["r"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{folder} holds no LoRA adapter: {config.name} is missing, or names no rank.",
            hint="Give the folder that peft saved the adapter to.",
        ) from None
    try:
        return Lora(name=name.strip(), path=str(folder), rank=rank)
    except ValidationError as error:
        raise UsageError(f"The adapter {text!r} cannot be served: {error.errors()[0]['msg']}.") from None
