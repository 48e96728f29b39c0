"""Runs as OpenTelemetry spans: recorded and live, in a real Phoenix, with no words told and no edit slowed."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import StatusCode
from typer.testing import CliRunner

from reasonedit_agent.cli.trace import app
from reasonedit_agent.errors import Lost, UsageError
from reasonedit_agent.events import AnyEvent, Asked
from reasonedit_agent.schemas import Failure
from reasonedit_agent.serving.sockets import free_port
from reasonedit_agent.telemetry.attributes import CAPTURE
from reasonedit_agent.telemetry.live import PATIENCE
from reasonedit_agent.telemetry.otlp import endpoint, export_otlp, spans_of
from reasonedit_agent.telemetry.spans import Spans
from reasonedit_agent.testing import ScriptedReasoner
from reasonedit_agent.tracing import EVENTS, read_events
from tests.graphs.scripts import ACCEPTED, REFINE, agent
from tests.telemetry import phoenix as servers
from tests.telemetry.phoenix import Phoenix
from tests.telemetry.talking import WORDS, canonical, talking_agent

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phoenix]:
    """A server that answers; skipped where it cannot be installed, unless it must be there (as vLLM)."""
    try:
        servers.python()
    except OSError as error:
        if os.environ.get("REASONEDIT_REQUIRE_SERVERS") == "1":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    with servers.serving(tmp_path_factory.mktemp("phoenix")) as server:
        yield server


@pytest.fixture
def run(tmp_path: Path, picture: bytes) -> Path:
    """A recorded run: think, three rounds with two attempts at a model each; the second verdict is malformed."""
    parts = talking_agent(tmp_path / "runs")
    parts.edit(picture, "warm up")
    return parts.edit(picture, "make it secretly warmer", seed=1).trace


def lines_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / EVENTS).read_text().splitlines()]


def seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


# -- a recorded run ---------------------------------------------------------------------------------------------------


@pytest.mark.timeout(900)
def test_a_recorded_run_arrives_in_phoenix(run: Path, phoenix: Phoenix) -> None:
    lines = lines_of(run)
    export = ["export", run.name, "--runs", str(run.parent), "--otlp", phoenix.url, "--json"]
    done = CliRunner().invoke(app, export)
    assert done.exit_code == 0, done.output
    calls = [line for line in lines if line["type"] == "called"]
    # The root; a span per question, decision and end; a span per call.
    count = 1 + sum(line["type"] in ("asked", "decided", "run_ended") for line in lines) + len(calls)
    assert json.loads(done.output)["spans"] == {run.name: count}
    spans = phoenix.spans(run.name, count)
    assert len(spans) == count
    assert CliRunner().invoke(app, export).exit_code == 0
    assert len(phoenix.spans(run.name, count)) == count  # the same ids: nothing is there twice

    (root,) = [span for span in spans if span["parent_id"] is None]
    assert root["name"] == "invoke_agent reasonedit" and root["attributes"]["reasonedit.status"] == "accepted"
    assert seconds(root["start_time"]) == pytest.approx(lines[0]["at"], abs=2e-6)
    assert seconds(root["end_time"]) == pytest.approx(lines[-1]["at"], abs=2e-6)

    inside = [span for span in spans if span["parent_id"] == root["context"]["span_id"]]
    by_place = {
        (span["attributes"]["reasonedit.node"], span["attributes"]["reasonedit.round"]): span
        for span in inside
        if "reasonedit.node" in span["attributes"]
    }
    results = {"planned": "think", "edited": "edit", "judged": "reflect", "failed": "reflect", "decided": "decide"}
    asked = {(line["node"], line["round"]): line["at"] for line in lines if line["type"] == "asked"}
    for line in (line for line in lines if line["type"] in results):
        span = by_place[results[line["type"]], line["round"]]
        assert seconds(span["end_time"]) == pytest.approx(line["at"], abs=2e-6)
        if line["type"] != "decided":
            assert seconds(span["start_time"]) == pytest.approx(asked[line["node"], line["round"]], abs=2e-6)
        assert span["status_code"] == ("ERROR" if line["type"] == "failed" else "UNSET")
    assert by_place["reflect", 2]["attributes"]["error.type"] == "malformed"

    for number in (1, 2, 3):
        reflect = by_place["reflect", number]
        tries = [span for span in spans if span["parent_id"] == reflect["context"]["span_id"]]
        failed, answered = sorted(tries, key=lambda span: str(span["status_code"]))
        assert (failed["status_code"], failed["attributes"]["error.type"]) == ("ERROR", "503")
        told = answered["attributes"]
        assert (answered["name"], answered["span_kind"]) == ("chat qwen-vl", "LLM")  # Phoenix knows what it is
        assert told["gen_ai.request.model"] == "qwen-vl" and told["gen_ai.operation.name"] == "chat"
        assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (700, 40)
        assert told["gen_ai.usage.cache_read.input_tokens"] == 100
        evaluations = [event for event in reflect["events"] if event["name"] == "gen_ai.evaluation.result"]
        found = {event["attributes"]["gen_ai.evaluation.name"]: event["attributes"] for event in evaluations}
        if number == 2:
            assert not found
            continue
        assert set(found) == {"verdict", "edit_success", "over_editing", "naturalness", "artefacts"}
        assert found["verdict"]["gen_ai.evaluation.score.label"] == {1: "refine", 3: "accepted"}[number]
        assert found["artefacts"]["gen_ai.evaluation.score.value"] == {1: 4, 3: 9}[number]
    assert by_place["edit", 1]["name"] == "execute_tool paint" and by_place["edit", 1]["span_kind"] == "TOOL"
    assert [word for word in WORDS if word in json.dumps(spans)] == []


def test_a_call_lasts_as_long_as_it_took_and_lies_within_its_node(run: Path) -> None:
    events = [
        event.model_copy(update={"usage": event.usage.model_copy(update={"seconds": 0.25})})
        if event.type == "called" and event.node == "reflect"
        else event.model_copy(update={"at": event.at + (1 if event.type in ("judged", "failed") else 0)})
        for event in read_events(run)
    ]
    later = [event.model_copy(update={"at": event.at + 0.3}) if event.type == "called" else event for event in events]
    spans = canonical(spans_of(later))
    tries = [span for span in spans if span["name"].startswith("chat")]
    assert tries and {span["end"] - span["start"] for span in tries} == {250_000_000}
    nodes = {span["name"]: span for span in spans}
    for span in canonical(spans_of(events)):
        if span["parent"]:
            assert nodes[span["parent"]]["start"] <= span["start"] <= span["end"]


def test_a_clock_that_jumps_back_makes_no_negative_span(run: Path) -> None:
    events = read_events(run)
    for jump in range(1, len(events)):
        jumped = [e.model_copy(update={"at": e.at - 100 * (n >= jump)}) for n, e in enumerate(events)]
        assert all(span["end"] >= span["start"] for span in canonical(spans_of(jumped)))


def test_a_run_that_waited_for_a_person_is_one_root_with_the_wait_in_it(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, REFINE, ACCEPTED)
    waiting = a.edit(picture, "do it", approve=True)
    (root,) = [span for span in spans_of(read_events(waiting.trace)) if span.parent is None]
    assert root.attributes is not None and root.attributes["reasonedit.status"] == "open"
    a.resume(waiting.run, "accept")
    spans = spans_of(read_events(waiting.trace))
    assert len([span for span in spans if span.parent is None]) == 1
    at = {line["type"]: line["at"] for line in lines_of(waiting.trace)}
    (wait,) = [span for span in canonical(spans) if span["name"].startswith("approve")]
    assert (wait["start"] / 1e9, wait["end"] / 1e9) == pytest.approx((at["person_asked"], at["person_answered"]))


def test_an_attempt_that_was_cut_off_is_an_error_beside_the_next_one(run: Path) -> None:
    events: list[AnyEvent] = []
    for event in read_events(run):
        if isinstance(event, Asked) and (event.node, event.round) == ("reflect", 2):
            events.append(event.model_copy(update={"at": event.at}))
            event = event.model_copy(update={"attempt": 2})
        elif (event.node, event.round) == ("reflect", 2):
            event = event.model_copy(update={"attempt": 2})
        events.append(event)
    spans = [span for span in canonical(spans_of(events)) if span["name"].startswith("reflect [2")]
    assert [span["attributes"]["reasonedit.attempt"] for span in spans] == [1, 2]
    assert spans[0]["attributes"]["error.type"] == "interrupted" and spans[0]["parent"] == spans[1]["parent"]


# -- what is told -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["", "no_content", "event_only", "span_only", "SPAN_AND_EVENT", "true"])
def test_words_are_told_only_where_they_are_asked_for_and_pictures_never(
    run: Path, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURE, said)
    told = json.dumps(canonical(spans_of(read_events(run))))
    spans, events = (
        said.lower() in ("span_only", "span_and_event", "true"),
        said.lower() not in ("", "no_content", "span_only"),
    )
    words = {"secretly": spans, "the reply says": spans, "quoted words": spans, "the critique says": events}
    assert {word: word in told for word in words} == words
    assert WORDS[-1] not in told and "iVBORw0KGgo" not in told


def test_no_password_of_a_server_and_no_settings_of_a_part_are_told(run: Path) -> None:
    events = []
    for event in read_events(run):
        if event.type == "run_started":
            part = event.reasoner.model_copy(update={"settings": {"url": "http://me:hush@there"}, "spec": "x(hush)"})
            event = event.model_copy(update={"reasoner": part, "title": "hush"})
        elif event.type == "called":
            event = event.model_copy(update={"backend": "http://me:hush@there:81/v1?key=hush"})
        events.append(event)
    spans = canonical(spans_of(events))
    assert "hush" not in json.dumps(spans)
    (call, *_) = [span for span in spans if span["name"].startswith("chat")]
    assert (call["attributes"]["server.address"], call["attributes"]["server.port"]) == ("there", 81)


class Keep(SpanProcessor):
    def __init__(self, made: list[ReadableSpan]) -> None:
        self.made = made

    def on_end(self, span: ReadableSpan) -> None:
        self.made.append(span)


def test_where_logs_are_configured_an_evaluation_is_an_event_about_the_edit(run: Path) -> None:
    logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(logs))
    made: list[ReadableSpan] = []
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(Keep(made))
    spans = Spans(tracers.get_tracer("t"), provider.get_logger("t"))
    for event in read_events(run):
        spans.add(event)
    spans.close()
    edits = {span.context.span_id for span in made if span.name == "execute_tool paint"}
    records = [log.log_record for log in logs.get_finished_logs()]
    assert len(records) == 10 and {record.event_name for record in records} == {"gen_ai.evaluation.result"}
    assert {record.span_id for record in records} <= edits
    reflect = [span for span in made if span.name == "reflect"]
    assert all(link.context.span_id in edits for span in reflect for link in span.links) and reflect[0].links


# -- live -------------------------------------------------------------------------------------------------------------


def tell(tmp_path: Path, picture: bytes, url: str, kind: str, *more: str) -> dict[str, Any]:
    """Run a user's process that has configured OpenTelemetry."""
    (tmp_path / "in.png").write_bytes(picture)
    command = [sys.executable, "-m", "tests.telemetry.edit_and_tell", str(tmp_path / "in.png"), str(tmp_path / "runs")]
    env = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [*command, url, kind, *more], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"stderr": done.stderr}


@pytest.mark.timeout(900)
def test_a_live_run_tells_what_its_trace_tells_and_lies_in_the_users_span(
    tmp_path: Path, picture: bytes, phoenix: Phoenix
) -> None:
    told = tell(tmp_path, picture, phoenix.url, "batch", "--flush")
    recorded = canonical(spans_of(read_events(tmp_path / "runs" / told["run"])))
    live = [{**span, "parent": None if span["parent"] == "outside" else span["parent"]} for span in told["spans"]]
    assert live == recorded
    assert [span["parent"] for span in told["spans"]].count("outside") == 1
    spans = phoenix.spans(told["run"], len(recorded) + 1)
    assert len(spans) == len(recorded) + 1
    (request,) = [span for span in spans if span["parent_id"] is None]
    (root,) = [span for span in spans if span["parent_id"] == request["context"]["span_id"]]
    assert (request["name"], root["name"]) == ("request", "invoke_agent reasonedit")


@pytest.fixture
def silent() -> Iterator[str]:
    """A collector whose connections are made (by the system, in its backlog) and never answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("kind", ["simple", "batch", "broken"])
def test_a_silent_collector_or_a_broken_processor_fails_no_edit_and_slows_it_little(
    tmp_path: Path, picture: bytes, silent: str, kind: str
) -> None:
    told = tell(tmp_path, picture, silent, kind)
    assert told["status"] == "accepted"
    assert told["seconds"] < PATIENCE + 1.0  # without telemetry it takes some 0.1 s; one export takes 5 s
    assert len(spans_of(read_events(tmp_path / "runs" / told["run"]))) > 10
    if kind == "broken":
        assert told["stderr"].startswith("This run's spans could not be made.")


@pytest.mark.parametrize("installed", [True, False])
def test_nothing_is_told_where_nothing_is_configured_or_installed(
    tmp_path: Path, picture: bytes, installed: bool
) -> None:
    (tmp_path / "in.png").write_bytes(picture)
    code = """if True:
        import sys
        import reasonedit_agent
        assert not [name for name in sys.modules if name.startswith("opentelemetry")]
        if sys.argv[2] == "False":
            sys.modules["opentelemetry"] = None  # an import of it fails
        from pathlib import Path
        from tests.graphs.scripts import ACCEPTED, agent
        folder = Path(sys.argv[1])
        assert agent(folder / "runs", ACCEPTED).edit(folder / "in.png", "do it").status == "accepted"
        assert "reasonedit_agent.telemetry.spans" not in sys.modules
        if sys.argv[2] == "False":
            from reasonedit_agent.cli.trace import app
            from typer.testing import CliRunner
            (run,) = [path for path in (folder / "runs").iterdir() if path.name.startswith("20")]
            send = ["export", run.name, "--runs", str(folder / "runs"), "--otlp", "http://127.0.0.1:1"]
            assert "reasonedit-agent[otel]" in str(CliRunner().invoke(app, send).exception)
        else:
            import opentelemetry.trace
            from reasonedit_agent.telemetry.live import live
            assert live() is None
    """
    command = [sys.executable, "-c", code, str(tmp_path), str(installed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


# -- bad input --------------------------------------------------------------------------------------------------------


def test_a_collector_that_is_not_there_is_one_clear_line(run: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Lost, match=r"did not take the spans: Connection refused\."):
        export_otlp(read_events(run), url, timeout=2)


@pytest.mark.parametrize("url", ["", "localhost:4318", "ftp://here", "http://", "http://me:hush@here"])
def test_an_address_that_is_none_is_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        endpoint(url)
    assert "hush" not in str(caught.value)


def test_an_address_gets_the_protocols_path_once() -> None:
    wanted = "http://here:4318/v1/traces"
    assert {endpoint(f"http://here:4318{path}") for path in ("", "/", "/v1/traces")} == {wanted}
    assert endpoint("https://here/base/") == "https://here/base/v1/traces"


def test_where_to_must_be_said_once(run: Path, tmp_path: Path) -> None:
    for more in ([], ["--otlp", "http://here", "--out", str(tmp_path / "x.zip")]):
        done = CliRunner().invoke(app, ["export", run.name, "--runs", str(run.parent), *more])
        assert isinstance(done.exception, UsageError) and "--otlp URL" in str(done.exception)


def test_the_sdk_switched_off_says_so(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with pytest.raises(UsageError, match="OTEL_SDK_DISABLED"):
        spans_of(read_events(run))


def test_a_failed_run_has_a_root_with_an_error(tmp_path: Path, picture: bytes) -> None:
    reasoner = ScriptedReasoner(thoughts=[Failure(reason="unsupported", message="a hat cannot be put on")])
    result = agent(tmp_path, reasoner=reasoner).edit(picture, "put a hat on")
    (root,) = [span for span in spans_of(read_events(result.trace)) if span.parent is None]
    assert root.status.status_code is StatusCode.ERROR and root.attributes is not None
    assert root.attributes["error.type"] == "unsupported" and "hat" not in root.to_json()
