"""The trace on disk: torn, foreign, old and new."""

import json
import warnings
from pathlib import Path

import pytest

from reasonedit_agent.analysis.verify import verify
from reasonedit_agent.errors import TraceError, UsageError
from reasonedit_agent.events import EVENT, VERSION, Called, Decided, RunStarted
from reasonedit_agent.folding import Fold, fold
from reasonedit_agent.schemas import Usage
from reasonedit_agent.tracing import EVENTS, TraceWriter, find_run, read_events
from tests.graphs.scripts import ACCEPTED, LOST, REFINE, agent

FIXTURES = Path(__file__).parents[1] / "fixtures"


def run_of(tmp_path: Path, picture: bytes) -> Path:
    return agent(tmp_path, REFINE, LOST, ACCEPTED).edit(picture, "do it", seed=1, title="t").trace


def test_folding_a_prefix_is_what_the_policy_saw(tmp_path: Path, picture: bytes) -> None:
    events = read_events(run_of(tmp_path, picture))
    after = [event.decision.after for event in events if isinstance(event, Decided)]
    assert after == [0, 1, 2, 3]
    for index, event in enumerate(events):
        if isinstance(event, Decided):
            assert len(fold(events[:index]).rounds) == event.decision.after


def test_repeats_change_nothing(tmp_path: Path, picture: bytes) -> None:
    events = read_events(run_of(tmp_path, picture))
    twice = [event for event in events for _ in range(1 if isinstance(event, Called) else 2)]
    assert fold(twice) == fold(events)


def test_usage_and_seconds_add_up(tmp_path: Path, picture: bytes) -> None:
    events = read_events(run_of(tmp_path, picture))
    history = fold(events)
    assert history.spent.images == 3
    total = sum(getattr(event, "seconds", 0.0) for event in events)
    assert history.elapsed == pytest.approx(total)
    assert history.spent.plus(Usage(images=1)).images == 4


def test_every_event_survives_the_file(tmp_path: Path, picture: bytes) -> None:
    for event in read_events(run_of(tmp_path, picture)):
        assert EVENT.validate_json(event.model_dump_json()) == event


def test_a_torn_last_line_is_left_out_with_a_warning_and_cut_on_resume(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, REFINE)
    folder = a.edit(picture, "do it", review=True).trace
    path = folder / EVENTS
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"type":"noted","te')
    with pytest.warns(UserWarning, match="torn"):
        assert len(read_events(folder)) == whole.count(b"\n")
    with pytest.warns(UserWarning, match="torn"):
        assert a.resume(folder, "stop").kept.round == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_events(folder)[-1].type == "run_ended"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b'{"type":"noted","text":"x"}\n', "first line is no run_started"),
        (b'{"some":"log"}\n', "is not an event of a trace"),
        (b"not json\n", "is not an event of a trace"),
        (b'{"type":"run_started","version":99,"other":"shape"}\n', "newer version (schema 99"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / EVENTS).write_bytes(content)
    with pytest.raises(TraceError) as caught:
        read_events(tmp_path)
    assert message in str(caught.value)


def test_damage_in_the_middle_names_the_line(tmp_path: Path, picture: bytes) -> None:
    path = run_of(tmp_path, picture) / EVENTS
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = b'{"type":"planned"}\n'
    path.write_bytes(b"".join(lines))
    with pytest.raises(TraceError, match="line 4"):
        read_events(path)


def test_find_run(tmp_path: Path, picture: bytes) -> None:
    folder = run_of(tmp_path, picture)
    for name in (folder, folder / EVENTS, folder.name, folder.name[:-1]):
        assert find_run(name, tmp_path) == folder.resolve()
    run_of(tmp_path, picture)
    with pytest.raises(UsageError, match="names 2 runs"):
        find_run("2", tmp_path)
    with pytest.raises(UsageError, match="There is no run"):
        find_run("nothing", tmp_path)


def test_two_writers(tmp_path: Path) -> None:
    first = TraceWriter(tmp_path)
    (tmp_path / EVENTS).write_bytes(b'{"half a line')  # the first one is in the middle of it
    with pytest.raises(TraceError, match="another process"):
        TraceWriter(tmp_path)
    assert (tmp_path / EVENTS).read_bytes() == b'{"half a line'
    first.close()
    with pytest.warns(UserWarning, match="torn"):
        TraceWriter(tmp_path).close()


# -- released formats load for ever -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("trace_v*.jsonl")), ids=lambda path: path.stem)
def test_old_traces_load_and_verify(path: Path) -> None:
    events = read_events(path)
    assert isinstance(events[0], RunStarted)
    assert f"trace_v{events[0].version}" == path.stem
    assert verify(events).passed
    history = Fold(events).history
    assert [r.index for r in history.rounds] == [1, 2, 3]
    assert {json.loads(line)["type"] for line in path.read_text().splitlines()} >= {
        "run_started", "asked", "planned", "edited", "judged", "failed", "called", "decided",
        "person_asked", "person_answered", "noted", "run_ended",
    }  # fmt: skip


def test_there_is_a_fixture_of_this_version() -> None:
    assert (FIXTURES / f"trace_v{VERSION}.jsonl").exists()
