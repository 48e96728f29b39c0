"""One copy of a model per process."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reasonedit_agent.errors import Lost
from reasonedit_agent.loading import Lane, ModelKey, lane, shared


class Model:
    """Stands for weights."""


def key(path: str, device: str = "cpu") -> ModelKey:
    return ModelKey(path, "", "float32", device)


def test_who_names_the_same_weights_gets_the_same_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir("weights")
    os.symlink("weights", "link")
    first = shared(key("weights"), Model)
    for other in (str(tmp_path / "weights"), "weights/", "./link"):
        assert shared(key(other), Model) is first
    for different in (key("weights", "cuda:0"), ModelKey("weights", "", "bfloat16", "cpu"), key("org/weights")):
        assert shared(different, Model) is not first


def test_many_who_ask_at_once_load_once() -> None:
    asked, another, loads = threading.Barrier(4), threading.Event(), list[int]()

    def load() -> Model:
        loads.append(1)
        if len(loads) > 1:
            another.set()
        another.wait(0.2)  # as long as a second load would take to begin
        return Model()

    def ask() -> object:
        asked.wait(10)
        return shared(key("org/at-once"), load)

    with ThreadPoolExecutor(4) as pool:
        found = [future.result(10) for future in [pool.submit(ask) for _ in range(4)]]
    assert len(loads) == 1 and len(set(map(id, found))) == 1


def test_a_load_that_failed_is_tried_again() -> None:
    def fails() -> Model:
        raise OSError("half a file")

    with pytest.raises(OSError, match="half a file"):
        shared(key("org/fails"), fails)
    assert isinstance(shared(key("org/fails"), Model).model, Model)


def test_the_last_user_takes_the_model_along() -> None:
    loaded = shared(key("org/goes"), Model)
    gone = weakref.ref(loaded.model)
    again = shared(key("org/goes"), Model)
    del loaded
    gc.collect()
    assert gone() is again.model
    del again
    gc.collect()
    assert gone() is None


def test_calls_of_a_model_stand_in_a_queue() -> None:
    loaded = shared(key("org/queue"), Model)
    begun, may_end, order = threading.Event(), threading.Event(), list[str]()

    def first(_: Model) -> None:
        begun.set()
        may_end.wait(10)
        order.append("first")

    one = loaded.submit(first)
    assert begun.wait(10)
    two, three = (loaded.submit(lambda _, name=name: order.append(name)) for name in ("second", "third"))
    assert two.cancel(), "what has not begun can be taken back"
    may_end.set()
    one.result(10)
    three.result(10)
    assert order == ["first", "third"]


# -- one line per device ----------------------------------------------------------------------------------------------


def test_all_models_of_a_device_wait_in_one_line() -> None:
    first, second = shared(key("org/one"), Model), shared(key("org/two"), Model)
    elsewhere = shared(key("org/one", "cuda:1"), Model)
    assert first.lane is second.lane is lane("cpu") and elsewhere.lane is lane("cuda:1") is not first.lane
    begun, go = threading.Event(), threading.Event()
    order: list[str] = []

    def slow(_: Model) -> None:
        begun.set()
        go.wait(10)
        order.append("slow")

    waits = [first.submit(slow), second.submit(lambda _: order.append("quick"))]
    assert begun.wait(10)
    elsewhere.submit(lambda _: order.append("other device")).result(10)
    assert first.lane.waiting == 2
    go.set()
    for future in waits:
        future.result(10)
    assert order == ["other device", "slow", "quick"]


def test_a_full_line_refuses() -> None:
    narrow, go = Lane("tiny", limit=2), threading.Event()
    waits = [narrow.submit(go.wait, 10), narrow.submit(go.wait, 10)]
    with pytest.raises(Lost, match="2 calls wait for tiny already") as raised:
        narrow.submit(print)
    assert raised.value.retryable
    go.set()
    assert all(future.result(10) for future in waits)
    assert narrow.submit(lambda: 7).result(10) == 7
    cancelled = narrow.submit(lambda: 8)
    cancelled.cancel() or cancelled.result(10)
    narrow.submit(lambda: 9).result(10)
    assert narrow.waiting == 0
