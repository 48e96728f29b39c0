"""Models in memory: one copy of each for the whole process, and one call at a time on each.

A Reasoner and an editor that name the same weights (a diffusion pipeline's text encoder is often a vision-language
model that can also reason) get the same object. The pool holds its models weakly: when the last part that uses one is
gone, so is the model.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

__all__ = ["Loaded", "ModelKey", "shared"]

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class ModelKey:
    """What makes two models in memory the same one.

    Attributes:
        path: Of the folder with the weights, or a hub id. Two spellings of one folder are one key.
        revision: A commit of the hub's; empty for a folder.
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


class Loaded(Generic[T]):
    """A model and the one thread that calls it.

    Attributes:
        model: Whatever was loaded. Between two calls it is as it was loaded: who changes something (an adapter) undoes
            it in the same call.
    """

    def __init__(self, model: T) -> None:
        self.model = model
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")

    def submit(self, work: Callable[[T], R]) -> Future[R]:
        """Call ``work(model)`` on the model's thread, after all that was submitted before.

        A future that is cancelled before its turn costs nothing; work that has begun must end by itself.
        """
        return self._worker.submit(work, self.model)


_pool: WeakValueDictionary[ModelKey, Loaded[Any]] = WeakValueDictionary()
_gates: dict[ModelKey, threading.Lock] = {}
_guard = threading.Lock()


def shared(key: ModelKey, load: Callable[[], T]) -> Loaded[T]:
    """Return the process's copy of a model; the first who asks loads it, all others wait for that.

    Args:
        key: Which.
        load: Loads it. What it raises reaches the caller, and whoever asks next tries again.
    """
    with _guard:
        gate = _gates.setdefault(key, threading.Lock())
    with gate:
        found = _pool.get(key)
        if found is None:
            found = _pool[key] = Loaded(load())
        return found
