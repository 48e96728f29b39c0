"""Models in memory: one copy of each for the whole process, and one call at a time on each device.

A Reasoner and an editor that name the same weights (a diffusion pipeline's text encoder is often a vision-language
model that can also reason) get the same object. The pool holds its models weakly: when the last part that uses one is
gone, so is the model. What runs on one device waits in one line, whatever its model: two at once would only need the
memory of both.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from weakref import WeakValueDictionary

from reasonedit_agent.errors import Lost

__all__ = ["QUEUE", "Lane", "Loaded", "ModelKey", "fingerprint", "lane", "read_files", "shared"]

QUEUE = 256
"""How many calls may wait for one device; more are refused, so that a caller learns that it is too much."""

_WEIGHTS: Final = (".safetensors", ".gguf")
_READ: Final = (".json", ".txt", ".model", ".jinja", *_WEIGHTS)
_HEAD: Final = 2**20
_BLOCK: Final = 4096
_BLOCKS: Final = 64

T = TypeVar("T")
R = TypeVar("R")


def read_files(root: Path) -> dict[str, Path]:
    """Return the files of a folder that a model is loaded from, by their path in it; hidden ones are others'."""
    found = {file.relative_to(root): file for file in root.rglob("*") if file.suffix in _READ and file.is_file()}
    return {name.as_posix(): file for name, file in found.items() if not any(p.startswith(".") for p in name.parts)}


def fingerprint(files: Mapping[str, Path]) -> str:
    """Return 16 hexadecimal digits for the content of files, which change when weights do, without reading all of them.

    Small files and descriptions are read whole. Of a large file of weights its first mebibyte is (it holds the header,
    with the name, type and shape of every tensor), and blocks at fixed places over all the rest: another training
    changes nearly every weight. A copy, another folder or another day changes nothing.

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


@dataclass(frozen=True, slots=True)
class ModelKey:
    """What makes two models in memory the same one.

    Attributes:
        path: Of the folder with the weights, or a hub id. Two spellings of one folder are one key.
        revision: A commit of the hub's; of a folder, where it is empty, the fingerprint of its files is taken, so that
            what was replaced on the disk is another model.
        dtype: Of the weights, such as ``bfloat16``; what it turned out to be, never ``auto``.
        device: Such as ``cuda:0``; never ``auto``.
    """

    path: str
    revision: str
    dtype: str
    device: str

    def __post_init__(self) -> None:
        if os.path.isdir(self.path):
            object.__setattr__(self, "path", os.path.realpath(self.path))
            object.__setattr__(self, "revision", self.revision or fingerprint(read_files(Path(self.path))))


class Lane:
    """The one thread that works on a device, and the line before it.

    Args:
        device: Its name, such as ``cuda:0``.
        limit: Most calls that wait or run.
    """

    def __init__(self, device: str, limit: int = QUEUE) -> None:
        self.device = device
        self._limit, self._waiting, self._guard = limit, 0, threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"device {device}")

    @property
    def waiting(self) -> int:
        """Calls that wait or run."""
        return self._waiting

    def submit(self, work: Callable[..., R], *args: object) -> Future[R]:
        """Call ``work(*args)`` on the device's thread, after all that was submitted before.

        A future that is cancelled before its turn costs nothing; work that has begun must end by itself.

        Raises:
            Lost: The line is full.
        """
        with self._guard:
            if self._waiting >= self._limit:
                raise Lost(
                    f"{self._waiting} calls wait for {self.device} already.",
                    hint="Ask again later, or give it more devices.",
                    retryable=True,
                )
            self._waiting += 1
        future = self._worker.submit(work, *args)
        future.add_done_callback(self._done)
        return future

    def _done(self, _: object) -> None:
        with self._guard:
            self._waiting -= 1


_guard = threading.Lock()
_lanes: dict[str, Lane] = {}


def lane(device: str) -> Lane:
    """Return the line of a device; every caller gets the same one."""
    with _guard:
        return _lanes.setdefault(device, Lane(device))


class Loaded(Generic[T]):
    """A model and the line of its device.

    Attributes:
        model: Whatever was loaded. Between two calls it is as it was loaded: who changes something (an adapter) undoes
            it in the same call.
        lane: Where it is called.
    """

    def __init__(self, model: T, lane: Lane) -> None:
        self.model, self.lane = model, lane

    def submit(self, work: Callable[[T], R]) -> Future[R]:
        """Call ``work(model)`` in the device's line.

        Raises:
            Lost: The line is full.
        """
        return self.lane.submit(work, self.model)


_pool: WeakValueDictionary[ModelKey, Loaded[Any]] = WeakValueDictionary()
# One load at a time, of any model: while transformers or diffusers make one without memory they patch torch for all
# threads, and two at once leave it patched. Reentrant, for a model that brings a shared part along.
_loading = threading.RLock()


def shared(key: ModelKey, load: Callable[[], T]) -> Loaded[T]:
    """Return the process's copy of a model; the first who asks loads it, all others wait for that.

    Args:
        key: Which.
        load: Loads it. What it raises reaches the caller, and whoever asks next tries again.
    """
    found = _pool.get(key)
    if found is not None:
        return found
    with _loading:
        found = _pool.get(key)
        if found is None:
            found = _pool[key] = Loaded(load(), lane(key.device))
        return found
