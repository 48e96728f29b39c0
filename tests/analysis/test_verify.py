"""Verify: the recorded policy, asked again, decides the same."""

from pathlib import Path

from reasonedit_agent.analysis.verify import verify
from reasonedit_agent.events import Decided
from reasonedit_agent.images import open_store
from reasonedit_agent.schemas import Pick
from reasonedit_agent.tracing import EVENTS, IMAGES, read_events
from tests.graphs.scripts import ACCEPTED, LOST, REFINE, REJECTED, agent


def run_of(tmp_path: Path, picture: bytes) -> Path:
    return agent(tmp_path, REFINE, LOST, ACCEPTED).edit(picture, "do it", seed=1, title="t").trace


def test_verify_decides_the_same(tmp_path: Path, picture: bytes) -> None:
    folder = run_of(tmp_path, picture)
    result = verify(read_events(folder), open_store(folder.parent / IMAGES))
    assert result.passed
    assert result.recomputed == 4


def test_verify_takes_people_as_given(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, REFINE, REJECTED)
    waiting = a.resume(a.edit(picture, "do it", review=True).run, "reject")
    result = verify(read_events(a.resume(waiting.run, "accept").trace))
    assert result.passed
    assert (result.recomputed, result.given) == (1, 2)


def test_verify_sees_a_changed_verdict_a_changed_keep_and_a_lost_image(tmp_path: Path, picture: bytes) -> None:
    folder = run_of(tmp_path, picture)
    path = folder / EVENTS
    text = path.read_text()
    path.write_text(text.replace('"kind":"accepted"', '"kind":"rejected"'))
    assert [m.after for m in verify(read_events(folder)).mismatches] == [3]
    events = read_events(folder)
    decided = next(e for e in events if isinstance(e, Decided) and e.decision.after == 2)
    wrong = decided.decision.model_copy(update={"keep": Pick(round=2)})
    events[events.index(decided)] = decided.model_copy(update={"decision": wrong})
    assert {m.after for m in verify(events).mismatches} == {2, 3}
    path.write_text(text)
    events = read_events(folder)
    store = open_store(folder.parent / IMAGES)
    image = next(e for e in events if e.type == "edited").candidates[0].image
    store.path(image).unlink()  # type: ignore[union-attr]
    assert verify(events, store).missing == (image.sha256,)
