"""The doors of the agent."""

import asyncio
import gc
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reasonedit_agent.errors import ImageError, TraceError, UsageError
from reasonedit_agent.events import Noted
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.protocols import Context
from reasonedit_agent.schemas import Box, Candidate, Card, EditCall, Phrase, Polygon, Region
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner
from reasonedit_agent.tracing import TraceWriter, read_events
from tests.conftest import encoded
from tests.graphs.scripts import ACCEPTED, LOST, REFINE, REJECTED, CountingTool, SlowTool, agent, paint


def test_result(tmp_path: Path, picture: bytes) -> None:
    result = agent(tmp_path, REFINE, ACCEPTED).edit(picture, " do it ", title="cup", seed=7)
    assert (result.status, result.stopped_by, result.kept.round) == ("accepted", "accepted", 2)
    assert result.image.size == (64, 48)
    assert result.save(tmp_path).read_bytes() == result.data
    assert (tmp_path / "cup-edited.png").exists()
    assert [row["verdict"] for row in result.rounds()] == ["refine", "accepted"]
    assert result.history is not None and result.history.request.instruction == "do it"
    assert result.history.request.seed == 7


def test_what_the_tool_cannot_do_is_unsupported_and_not_a_failure(tmp_path: Path, picture: bytes) -> None:
    tool = FunctionTool(paint, Card(reads_text=True, references=0))
    a = EditAgent(ScriptedReasoner([ACCEPTED]), tool, "accepted | rounds(2)", runs=tmp_path)
    result = a.edit(picture, "as in the other one", references=[picture])
    assert (result.status, result.ref, result.kept.round) == ("unsupported", None, 0)
    assert result.error == "1 references were given, 0 are taken."


@pytest.mark.parametrize(("verdicts", "error"), [([REJECTED, REJECTED], True), ([REJECTED, REFINE], False)])
def test_a_best_effort_says_that_even_the_best_round_was_rejected(
    tmp_path: Path, picture: bytes, verdicts: list[Any], error: bool
) -> None:
    result = agent(tmp_path, *verdicts, policy="accepted | rounds(2)").edit(picture, "do it")
    assert result.status == "best_effort" and result.kept.round > 0
    assert result.error == ("Even the best round was rejected." if error else "")


def test_save_to_a_new_folder_and_in_another_format(tmp_path: Path, picture: bytes) -> None:
    result = agent(tmp_path, ACCEPTED).edit(picture, "do it", title="cup")
    assert result.save(tmp_path / "new" / "out") == tmp_path / "new" / "out" / "cup-edited.png"
    with Image.open(result.save(tmp_path / "x.jpg")) as image:
        assert image.format == "JPEG"
    with pytest.raises(UsageError, match="suffix"):
        result.save(tmp_path / "x.xyz")


def test_close_ends_what_runs(tmp_path: Path, picture: bytes) -> None:
    tool = SlowTool()
    a = agent(tmp_path, ACCEPTED, tool=tool)
    events = a.stream(picture, "do it")
    while next(events).node != "edit":
        pass
    a.close()
    with pytest.raises(CancelledError):
        list(events)
    (path,) = tmp_path.glob("*/events.jsonl")
    TraceWriter(path.parent).close()  # nobody holds it any more


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": "x"}, "seed is wrong"),
        ({"candidates": 0}, "candidates is wrong"),
        ({"region": Box(left=900, top=0, right=950, bottom=9)}, "outside of the picture"),
    ],
)
def test_wrong_options_are_usage_errors(tmp_path: Path, picture: bytes, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        agent(tmp_path).edit(picture, "do it", **options)


def test_a_region_in_words(tmp_path: Path, picture: bytes) -> None:
    result = agent(tmp_path, ACCEPTED).edit(picture, "do it", region="the cup")
    assert result.history is not None and result.history.request.region == Phrase(text="the cup")


@pytest.mark.parametrize(
    ("region", "told"),
    [
        (Box(left=0, top=0, right=99999, bottom=9), True),
        (Polygon(points=((-1, 1), (9, 1), (1, 9))), True),
        (Box(left=0, top=0, right=9, bottom=9), False),
    ],
)
def test_a_region_that_reaches_beyond_the_picture_is_told(
    tmp_path: Path, picture: bytes, region: Region, told: bool
) -> None:
    result = agent(tmp_path, ACCEPTED).edit(picture, "do it", region=region)
    assert result.trace is not None
    notes = [event.text for event in read_events(result.trace) if isinstance(event, Noted)]
    assert any("beyond the picture" in note for note in notes) == told


def test_same_seed_same_run(tmp_path: Path, picture: bytes) -> None:
    refs = [agent(tmp_path, ACCEPTED).edit(picture, "do it", seed=seed).ref for seed in (1, 1, 2)]
    assert refs[0] == refs[1] != refs[2]


def test_a_drawn_seed_is_recorded(tmp_path: Path, picture: bytes) -> None:
    result = agent(tmp_path, ACCEPTED).edit(picture, "do it")
    assert result.history is not None and result.history.request.seed is not None
    again = agent(tmp_path, ACCEPTED).edit(picture, "do it", seed=result.history.request.seed)
    assert again.ref == result.ref


async def test_inside_a_running_loop(tmp_path: Path, picture: bytes) -> None:
    assert agent(tmp_path, ACCEPTED).edit(picture, "do it").status == "accepted"


def test_best_round_is_kept_when_the_last_is_worse(tmp_path: Path, picture: bytes) -> None:
    result = agent(tmp_path, REFINE, REJECTED, LOST).edit(picture, "do it")
    assert (result.status, result.kept.round, result.stopped_by) == ("best_effort", 1, "rounds")


def test_every_call_failed(tmp_path: Path, picture: bytes) -> None:
    def broken(base: Any, call: Any, seed: int) -> Any:
        raise ValueError("no such colour")

    result = agent(tmp_path, tool=FunctionTool(broken)).edit(picture, "do it")
    assert (result.status, result.kept.round, result.ref) == ("failed", 0, None)
    assert "no such colour" in result.error
    assert [e.failure.reason for e in read_events(result.trace) if e.type == "failed"] == ["lost"] * 3


def test_a_tool_that_makes_too_few_is_a_failure(tmp_path: Path, picture: bytes) -> None:
    class Short(FunctionTool):
        async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
            return (await super().edit(call, ctx))[:1]

    result = agent(tmp_path, tool=Short(paint), policy="rounds(1)").edit(picture, "do it", candidates=2)
    assert result.status == "failed"
    assert "1 of 2 candidates" in result.error


# -- idempotency --------------------------------------------------------------------------------------------------------


def test_the_same_key_returns_the_stored_result(tmp_path: Path, picture: bytes) -> None:
    tool = CountingTool(tmp_path / "edits")
    first = agent(tmp_path, ACCEPTED, tool=tool).edit(picture, "do it", key="k")
    second = agent(tmp_path, tool=tool).edit(picture, "do it", key="k")
    assert second.run == first.run
    assert second.ref == first.ref
    assert len((tmp_path / "edits").read_text().splitlines()) == 1


def test_the_same_key_for_another_request_is_an_error(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, ACCEPTED)
    a.edit(picture, "do it", key="k")
    for image, text, options in (
        (picture, "do that", {}),
        (encoded(32, 32), "do it", {}),
        (picture, "do it", {"candidates": 2}),
    ):
        with pytest.raises(UsageError, match="was used for another request"):
            a.edit(image, text, key="k", **options)  # type: ignore[arg-type]


def test_the_same_key_by_other_parts_or_with_other_people_is_an_error(tmp_path: Path, picture: bytes) -> None:
    agent(tmp_path, ACCEPTED).edit(picture, "do it", key="k")
    with pytest.raises(UsageError, match="another request"):
        agent(tmp_path, policy="rounds(0)").edit(picture, "do it", key="k")
    with pytest.raises(UsageError, match="another request"):
        agent(tmp_path).edit(picture, "do it", key="k", approve=True)


async def test_a_key_runs_once_however_many_ask_at_once(tmp_path: Path, picture: bytes) -> None:
    tool = CountingTool(tmp_path / "edits")
    agents = [agent(tmp_path, ACCEPTED, tool=tool) for _ in range(4)]
    asked = [a.aedit(picture, "do it", key="k", seed=1) for a in agents]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    # Whoever comes while the first one writes is told so; whoever comes later gets its result.
    assert all(isinstance(answer, TraceError) or answer.status == "accepted" for answer in answers)  # type: ignore[union-attr]
    assert any(not isinstance(answer, BaseException) for answer in answers)
    assert len(list(tmp_path.glob("*/events.jsonl"))) == 1
    assert len((tmp_path / "edits").read_text().splitlines()) == 1


def test_a_key_is_free_again_when_the_input_was_bad(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, ACCEPTED)
    with pytest.raises(ImageError):
        a.edit(b"no image", "do it", key="k")
    assert a.edit(picture, "do it", key="k").status == "accepted"


# -- time and interruption -----------------------------------------------------------------------------------------------


async def test_cancelled_run_goes_on(tmp_path: Path, picture: bytes) -> None:
    tool = SlowTool()
    a = agent(tmp_path, ACCEPTED, tool=tool)
    task = asyncio.create_task(a.aedit(picture, "do it"))
    await tool.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (folder,) = [entry.parent for entry in tmp_path.glob("*/events.jsonl")]
    ended = read_events(folder)[-1]
    assert ended.type == "run_ended" and ended.stopped_by == "interrupted"
    tool.go.set()
    assert (await a.aresume(folder)).status == "accepted"


def test_a_deadline_keeps_the_best_round(tmp_path: Path, picture: bytes) -> None:
    class Stuck(FunctionTool):
        calls = 0

        async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
            self.calls += 1
            if self.calls == 2:
                assert ctx.deadline is not None
                await asyncio.Event().wait()
            return await super().edit(call, ctx)

    result = agent(tmp_path, REFINE, tool=Stuck(paint), policy="accepted").edit(picture, "do it", timeout=1.0)
    assert (result.status, result.kept.round, result.stopped_by) == ("best_effort", 1, "deadline")
    assert [e.failure.reason for e in read_events(result.trace) if e.type == "failed"] == ["timed_out"]


CTRL_C = """
import sys, time
from pathlib import Path
from reasonedit_agent.events import Noted
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner
from tests.conftest import encoded
from tests.graphs.scripts import REFINE, paint
import asyncio
import gc

class Stuck(FunctionTool):
    calls = 0
    async def edit(self, call, ctx):
        self.calls += 1
        if self.calls == int(sys.argv[2]):
            print("stuck", flush=True)
            await asyncio.Event().wait()
        return await super().edit(call, ctx)

result = EditAgent(ScriptedReasoner([REFINE] * 9), Stuck(paint), "accepted", runs=sys.argv[1]).edit(encoded(), "do it")
print(result.status, result.kept.round, result.stopped_by, flush=True)
"""


@pytest.mark.parametrize(("stuck_in", "printed"), [(2, "best_effort 1 interrupted"), (1, "")])
def test_ctrl_c_returns_the_best_round(tmp_path: Path, stuck_in: int, printed: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CTRL_C, str(tmp_path), str(stuck_in)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "stuck"
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert out.strip() == printed, error
    assert ("KeyboardInterrupt" in error) == (not printed)


# -- streams ------------------------------------------------------------------------------------------------------------


def test_stream_yields_what_the_trace_holds(tmp_path: Path, picture: bytes) -> None:
    streamed = list(agent(tmp_path, REFINE, ACCEPTED).stream(picture, "do it"))
    (folder,) = [entry.parent for entry in tmp_path.glob("*/events.jsonl")]
    assert streamed == read_events(folder)
    assert streamed[-1].type == "run_ended"


def test_a_stream_that_is_left_ends_the_run(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, *[REFINE] * 900, policy="rounds(900)")
    for event in a.stream(picture, "do it"):
        if event.type == "judged":
            break
    (path,) = tmp_path.glob("*/events.jsonl")
    deadline = time.monotonic() + 30
    while b'"interrupted"' not in path.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_astream(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, ACCEPTED)
    assert [event.type async for event in a.astream(picture, "do it")][-1] == "run_ended"


def test_a_stream_raises_what_the_edit_raises(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="not an image"):
        list(agent(tmp_path).stream(b"no", "do it"))


# -- bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reasoner": "nobody"}, "There is no reasoner 'nobody'. Known: "),
        ({"tool": "hammer"}, "There is no tool 'hammer'. Known: "),
        ({"policy": "rounds(3) | acepted"}, "at column 13"),
        ({"reasoner": object()}, "is no reasoner"),
        ({"tool": "classical(x=1)"}, "takes "),
        ({"tool": "os:nothing_like_it"}, "cannot be loaded"),
    ],
)
def test_wrong_parts(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        EditAgent(**{"reasoner": ScriptedReasoner(), "tool": FunctionTool(paint), "runs": tmp_path, **arguments})  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("instruction", ["", "  \n ", "x" * 100_000])
def test_wrong_instructions(tmp_path: Path, picture: bytes, instruction: str) -> None:
    with pytest.raises(UsageError):
        agent(tmp_path).edit(picture, instruction)
    assert not list(tmp_path.iterdir()), "nothing may be written for a bad request"


def test_two_writers_are_refused(tmp_path: Path, picture: bytes) -> None:
    result = agent(tmp_path, REFINE).edit(picture, "do it", review=True)
    holder = TraceWriter(result.trace)
    with pytest.raises(TraceError, match="another process"):
        agent(tmp_path).resume(result.run, "stop")
    holder.close()


def test_a_deterministic_tool_makes_one_candidate_and_says_so(tmp_path: Path, picture: bytes) -> None:
    tool = FunctionTool(paint, Card(reads_text=True, batch=0, deterministic=True))
    result = EditAgent(ScriptedReasoner([ACCEPTED]), tool, runs=tmp_path).edit(picture, "do it", candidates=3)
    assert result.history is not None and len(result.history.rounds[0].candidates) == 1
    assert any(event.type == "noted" and "every seed" in event.text for event in read_events(result.trace))


def test_the_thread_ends_with_the_agent(tmp_path: Path, picture: bytes) -> None:
    before = threading.active_count()
    for _ in range(3):
        agent(tmp_path, ACCEPTED).edit(picture, "do it")
    gc.collect()
    deadline = time.monotonic() + 10
    while threading.active_count() > before + 1 and time.monotonic() < deadline:
        time.sleep(0.01)  # the loop's own end is what is waited for
    assert threading.active_count() <= before + 1


def test_an_answer_of_the_wrong_kind_is_a_failure_of_the_part(tmp_path: Path, picture: bytes) -> None:
    class Wrong(ScriptedReasoner):
        async def think(self, *_: Any) -> Any:
            return {"steps": []}

    result = EditAgent(Wrong(), FunctionTool(paint), runs=tmp_path).edit(picture, "do it")
    assert result.status == "failed" and "answered with dict" in result.error
