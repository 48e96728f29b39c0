"""What the machine around the parts costs: ``python -m benchmarks.loop``.

1. The graph, with its trace and an in-memory checkpointer, against the plain for loop; scripted parts that hand over
   encoded bytes; one candidate; one run of 200 rounds.
2. The same graph against one that carries a 1-megapixel PNG in its state, both with the SQLite checkpointer.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import statistics
import tempfile
import time
from pathlib import Path
from typing import cast

import numpy as np
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.runtime import Runtime
from PIL import Image

from benchmarks.tables import table
from reasonedit_agent.graphs import nodes
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.graphs.state import Context as GraphContext
from reasonedit_agent.graphs.state import State
from reasonedit_agent.graphs.think_edit_reflect import Graph, build_graph
from reasonedit_agent.protocols import Context
from reasonedit_agent.registry import build_policy
from reasonedit_agent.schemas import Candidate, EditCall, EditRequest, EditStep, Refine
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner, SimpleContext, plain_loop, scores

STEP = EditStep(text="a little more")


def png(megapixels: float) -> bytes:
    """Return a PNG of noise on a gradient: it compresses about as badly as a photo."""
    side = int((megapixels * 1e6) ** 0.5)
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 220, side)[None, :, None] * np.ones((side, 1, 3))
    out = io.BytesIO()
    Image.fromarray((ramp + rng.integers(0, 16, ramp.shape)).astype(np.uint8)).save(out, "PNG", compress_level=1)
    return out.getvalue()


class EncodedTool(FunctionTool):
    """Hands over bytes that were encoded before: what is measured is the machine around it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(lambda base, call, seed: base)
        self.data = data

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        ref = ctx.images.put(self.data)
        return tuple(Candidate(image=ref, seed=seed, geometry=call.base.geometry) for seed in call.seeds)


def parts(data: bytes, rounds: int) -> tuple[ScriptedReasoner, EncodedTool]:
    return ScriptedReasoner([Refine(scores=scores(5), steps=(STEP,))] * rounds), EncodedTool(data)


async def graph_seconds(data: bytes, rounds: int, folder: Path, saver: object, graph: Graph | None = None) -> float:
    reasoner, tool = parts(data, rounds)
    agent = EditAgent(reasoner, tool, f"rounds({rounds})", runs=folder, checkpointer=saver)
    if graph is not None:
        agent._graph = graph
        # The state would be the only record: LangGraph's default, a checkpoint per step, is what it needs.
        graph_invoke = graph.ainvoke
        graph.ainvoke = lambda *args, durability, **options: graph_invoke(*args, **options)  # type: ignore[method-assign]
    start = time.perf_counter()
    result = await agent.aedit(data, "more", seed=1)
    seconds = time.perf_counter() - start
    assert result.history is not None and len(result.history.rounds) == rounds
    return seconds


async def plain_seconds(data: bytes, rounds: int, folder: Path) -> float:
    reasoner, tool = parts(data, rounds)
    ctx = SimpleContext(folder / "plain")
    request = EditRequest(image=ctx.images.put(data), instruction="more", seed=1)
    start = time.perf_counter()
    await plain_loop(reasoner, tool, build_policy(f"rounds({rounds})"), request, ctx)
    return time.perf_counter() - start


def overhead(rounds: int, repeats: int) -> None:
    data = png(0.01)
    graph, plain = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            graph.append(asyncio.run(graph_seconds(data, rounds, Path(folder), InMemorySaver())) / rounds * 1e3)
            plain.append(asyncio.run(plain_seconds(data, rounds, Path(folder))) / rounds * 1e3)
    g, p = statistics.median(graph), statistics.median(plain)
    rows = [["graph, trace, in-memory checkpointer", f"{g:.2f}"], ["plain for loop", f"{p:.2f}"]]
    table(
        f"Loop overhead: one run of {rounds} rounds, median of {repeats} runs",
        ["", "ms per round"],
        [*rows, ["overhead (aim: at most 10)", f"{g - p:.2f}"]],
    )


class PixelState(State, total=False):
    """What not to do: the picture itself in the state."""

    image: bytes


def pixel_graph(data: bytes, saver: object) -> Graph:
    """Return the same machine, whose edit also leaves its picture in the state."""
    numbers = itertools.count()

    async def edit(state: State, runtime: Runtime[GraphContext]) -> PixelState:
        update = await nodes.edit(state, runtime)
        # Another picture each time, as an editor makes: a few changed bytes behind the image data are enough.
        return cast(PixelState, {**update, "image": data + next(numbers).to_bytes(4, "big")})

    return build_graph(saver, state=PixelState, edit=edit)


async def sqlite_run(data: bytes, rounds: int, folder: Path, how: str) -> tuple[float, int]:
    """Run once with the SQLite checkpointer; return seconds and bytes of the database per step."""
    file = folder / f"{how}.sqlite"
    async with AsyncSqliteSaver.from_conn_string(str(file)) as saver:
        graph = {"pixels": pixel_graph(data, saver), "each step": build_graph(saver), "shipped": None}[how]
        seconds = await graph_seconds(data, rounds, folder, saver, graph)
    steps = 3 + 3 * rounds
    return seconds / steps, database_bytes(file) // steps


def database_bytes(file: Path) -> int:
    return sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*"))


def state_size(rounds: int, repeats: int) -> None:
    data = png(1.0)
    found: dict[str, list[tuple[float, int]]] = {"shipped": [], "each step": [], "pixels": []}
    for _ in range(repeats):
        for how, runs in found.items():
            with tempfile.TemporaryDirectory() as folder:
                runs.append(asyncio.run(sqlite_run(data, rounds, Path(folder), how)))
    medians = {how: [statistics.median(column) for column in zip(*runs, strict=True)] for how, runs in found.items()}
    names = {
        "shipped": "references, one checkpoint at the end (as shipped)",
        "each step": "references, a checkpoint per step",
        "pixels": "pixels, a checkpoint per step",
    }
    pixels = medians["pixels"]
    rows = [
        [name, f"{medians[how][0] * 1e3:.2f}", f"{medians[how][1]:,.0f}",
         f"{pixels[0] / medians[how][0]:.1f}", f"{pixels[1] / medians[how][1]:.0f}"]
        for how, name in names.items()
    ]  # fmt: skip
    table(
        f"The same graph with a {len(data) / 1e6:.1f} MB PNG in its state; SQLite checkpointer, {rounds} rounds, "
        f"median of {repeats} (aim: 5 times the time, 100 times the bytes)",
        ["", "ms per step", "bytes per step", "time ratio", "bytes ratio"],
        rows,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    overhead(options.rounds, options.repeats)
    state_size(min(options.rounds, 60), options.repeats)


if __name__ == "__main__":
    main()
