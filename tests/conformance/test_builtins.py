"""Every built-in part passes the conformance kit, and a bad one does not."""

import asyncio
import random
from pathlib import Path

import pytest

from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.operations import Adjust, Blur
from reasonedit_agent.protocols import Context, EditTool
from reasonedit_agent.reasoners.backends.openai_api import openai_reasoner
from reasonedit_agent.reasoners.embedded.reasoner import EmbeddedReasoner
from reasonedit_agent.reasoners.recorded import RecordedReasoner
from reasonedit_agent.registry import build
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    Card,
    EditCall,
    EditRequest,
    EditStep,
    History,
    Phrase,
    Thought,
    Verdict,
)
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner, check_reasoner, check_tool, scores
from reasonedit_agent.tools.classical import ClassicalEditor
from reasonedit_agent.tools.recorded import RecordedTool
from tests.conformance.witness import Witness, WitnessTool
from tests.graphs.scripts import ACCEPTED, paint
from tests.reasoners.dialects.play import model_that_repeats
from tests.servers.chat import ChatServer

PHOTO = (Path(__file__).parents[2] / "examples" / "photos" / "coffee.jpg").read_bytes()
STEPS = (
    EditStep(text="warmer", operation=Adjust(what="warmth", amount=-0.3)),
    EditStep(text="blur the background", operation=Blur(sigma=4), region=Phrase(text="background")),
)


async def test_the_classical_editor(tmp_path: Path) -> None:
    report = await check_tool(ClassicalEditor(), PHOTO, STEPS, tmp_path)
    assert report.passed, str(report)


async def test_a_function_as_a_tool(tmp_path: Path) -> None:
    report = await check_tool(FunctionTool(paint), PHOTO, STEPS, tmp_path)
    assert report.passed, str(report)


async def test_a_recorded_tool_answers_the_kit_as_the_one_it_recorded(tmp_path: Path) -> None:
    """The kit's own edits, and the same kit over what was written down."""
    live = WitnessTool(FunctionTool(paint), tmp_path / "runs")
    first = await check_tool(live, PHOTO, STEPS, tmp_path / "live")
    second = await check_tool(RecordedTool(*live.runs), PHOTO, STEPS, tmp_path / "again")
    assert first.passed and second.checks == first.checks, f"{first}\n{second}"
    blank = RecordedTool(live.runs[0])
    assert not (await check_tool(blank, PHOTO, STEPS, tmp_path / "other")).checks[1].shown


async def test_the_embedded_reasoner(tmp_path: Path) -> None:
    report = await check_reasoner(EmbeddedReasoner(), ClassicalEditor(), PHOTO, "make the picture cooler", tmp_path)
    assert report.passed and all(check.passed for check in report.checks), str(report)
    assert report.facts["languages"] == ["en", "zh", "de", "es", "fr"]


@pytest.mark.parametrize("text", ["fallback(embedded)", "panel(embedded, embedded)"])
async def test_compositions(tmp_path: Path, text: str) -> None:
    reasoner = build("reasoners", text)
    report = await check_reasoner(reasoner, ClassicalEditor(), PHOTO, "make the picture cooler", tmp_path)
    assert report.passed and all(check.passed for check in report.checks), str(report)


async def test_a_recording_answers_the_kit_as_the_one_it_recorded(tmp_path: Path) -> None:
    """The kit's own questions to the embedded reasoner, and the same kit over what was written."""
    live = Witness(EmbeddedReasoner(), ClassicalEditor(), tmp_path / "runs")
    first = await check_reasoner(live, ClassicalEditor(), PHOTO, "make the picture cooler", tmp_path / "live")
    recorded = RecordedReasoner(*live.runs)
    second = await check_reasoner(recorded, ClassicalEditor(), b"", "", tmp_path / "again")
    assert first.passed and second.checks[: len(first.checks)] == first.checks, f"{first}\n{second}"
    (changed,) = second.checks[len(first.checks) :]
    assert changed.passed and "names it" in changed.name, changed
    assert second.facts["languages"] == first.facts["languages"]


async def test_a_recording_of_a_served_model_answers_the_kit_too(tmp_path: Path) -> None:
    painter = FunctionTool(paint)
    with ChatServer(model_that_repeats) as server:
        live = Witness(openai_reasoner(server.url), painter, tmp_path / "runs")
        first = await check_reasoner(live, painter, PHOTO, "make it green", tmp_path / "live")
    second = await check_reasoner(RecordedReasoner(*live.runs), painter, b"", "", tmp_path / "again")
    assert first.passed and second.checks[: len(first.checks)] == first.checks, f"{first}\n{second}"
    assert second.passed and second.facts["counts cached tokens"]


async def test_of_one_run_the_kit_asks_what_the_run_was_asked(tmp_path: Path) -> None:
    live = EditAgent("embedded", "classical", runs=tmp_path / "runs").edit(PHOTO, "make the cup green")
    report = await check_reasoner(RecordedReasoner(str(live.trace)), ClassicalEditor(), b"", "", tmp_path / "kit")
    assert report.passed, str(report)
    missing = {check.name for check in report.checks if not check.shown}
    assert {name.split(",")[0] for name in missing} == {
        "Calls at once do not disturb each other",
        "Orders in the instruction end in a plan or a typed refusal",
        "A reply that is cut off is asked for again",
        "An untouched source is not accepted",
        "It tells the source from the result",
        "It plans in English",
    }, str(report)
    assert all(check.seen.startswith("not shown: ") for check in report.checks if not check.shown)


@pytest.mark.parametrize("damage", ["deaf", "blank"])
async def test_a_recording_that_answers_wrongly_is_found(tmp_path: Path, damage: str) -> None:
    live = EditAgent(ScriptedReasoner([ACCEPTED]), FunctionTool(paint), runs=tmp_path / "runs").edit(PHOTO, "paint it")

    class Deaf(RecordedReasoner):
        async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
            same = request.model_copy(update={"instruction": "paint it"})
            return await super().think(same, card, history, ctx)

    if damage == "blank":
        path = Path(live.trace) / "events.jsonl"
        path.write_text(
            "".join(line for line in path.read_text().splitlines(keepends=True) if '"node":"think"' not in line)
        )
    recorded = (Deaf if damage == "deaf" else RecordedReasoner)(str(live.trace))
    report = await check_reasoner(recorded, FunctionTool(paint), b"", "", tmp_path / "kit")
    wrong = {check.name: check.seen for check in report.checks if check.shown and not check.passed}
    said = wrong["It answers what its run was asked, and a changed input is an error that names it"]
    assert ("never asked" in said) and not report.passed


# -- the kit finds what is wrong -----------------------------------------------------------------------------------------


class Shrinking(FunctionTool):
    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        image = await asyncio.to_thread(lambda: ctx.images.save(ctx.images.open(call.base.image).resize((9, 9))))
        return (Candidate(image=image, geometry=call.base.geometry),)


class Random(FunctionTool):
    count = 0

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        self.count += 1
        return await super().edit(call.model_copy(update={"seeds": tuple(s + self.count for s in call.seeds)}), ctx)


class Idle(FunctionTool):
    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        return tuple(call.base for _ in call.seeds)


class Crashing(FunctionTool):
    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        raise KeyError("x")


@pytest.mark.parametrize(
    ("tool", "failing"),
    [
        (Shrinking(paint), "The base's size is kept"),
        (Shrinking(paint), "One candidate per seed"),
        (Random(paint), "The same seed gives the same picture"),
        (Idle(paint), "The edit changes the picture"),
        (Crashing(paint), "One candidate per seed"),
    ],
)
async def test_bad_tools_are_found(tmp_path: Path, tool: EditTool, failing: str) -> None:
    report = await check_tool(tool, PHOTO, STEPS, tmp_path)
    assert failing in {check.name for check in report.checks if not check.passed}, str(report)


async def test_a_reasoner_that_accepts_everything_is_found(tmp_path: Path) -> None:
    class Yes(ScriptedReasoner):
        async def reflect(
            self,
            request: EditRequest,
            thought: Thought,
            call: EditCall,
            candidate: Candidate,
            history: History,
            ctx: Context,
        ) -> Verdict:
            return Accepted(scores=scores(10))

    report = await check_reasoner(Yes(), FunctionTool(paint), PHOTO, "do it", tmp_path)
    failing = {check.name for check in report.checks if not check.passed}
    assert failing == {
        "An untouched source is not accepted",
        "It tells the source from the result",
        "The plan has a checklist",
        "Usage is emitted, and every event survives a round trip",
    }, str(report)
    assert not report.passed, "no Called event breaks the contract"


async def test_answers_to_the_question_of_another_are_found(tmp_path: Path) -> None:
    class Mixed(ScriptedReasoner):
        async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
            self.asked = request
            await asyncio.sleep(0)
            return await super().think(self.asked, card, history, ctx)

    report = await check_reasoner(Mixed(), FunctionTool(paint), PHOTO, "do it", tmp_path)
    (check,) = (check for check in report.checks if check.name.startswith("Calls at once"))
    assert not check.passed and check.seen == "the plan for ALPHA speaks of DELTA"


@pytest.mark.parametrize("seed", range(8))
async def test_a_coin_does_not_tell_the_source_from_the_result(tmp_path: Path, seed: int) -> None:
    coin = random.Random(seed)

    class Coin(ScriptedReasoner):
        async def reflect(
            self,
            request: EditRequest,
            thought: Thought,
            call: EditCall,
            candidate: Candidate,
            history: History,
            ctx: Context,
        ) -> Verdict:
            return Accepted(scores=scores(coin.uniform(0, 10)))

    report = await check_reasoner(Coin(), FunctionTool(paint), PHOTO, "do it", tmp_path)
    (check,) = (check for check in report.checks if check.name.startswith("It tells the source"))
    assert check.shown and not check.passed, str(report)


async def test_what_was_not_put_to_the_test_says_why(tmp_path: Path) -> None:
    report = await check_reasoner(ScriptedReasoner(), FunctionTool(paint), PHOTO, "do it", tmp_path)
    (line,) = (line for line in str(report).splitlines() if "cut off" in line)
    assert line.startswith("--  ") and line.endswith(": not shown: it has no replies that could be cut off")
    (entry,) = (entry for entry in report.as_json()["checks"] if "cut off" in entry["name"])
    assert entry["shown"] is False
