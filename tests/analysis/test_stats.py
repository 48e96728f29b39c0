"""The statistics, against the same numbers counted by pandas from the raw JSON lines; the failures, rule by rule."""

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reasonedit_agent.analysis.failures import RULES
from reasonedit_agent.analysis.index import Index
from reasonedit_agent.analysis.query import query
from reasonedit_agent.analysis.stats import statistics
from reasonedit_agent.errors import UsageError
from reasonedit_agent.events import PartInfo, PersonAnswered
from reasonedit_agent.schemas import Failure, HumanAnswer, Pick, Refine, Usage, Verdict
from tests.analysis.making import STEP, accepted, by_hand, realistic, rejected, scores, write

KEYS = ["reasoner", "tool", "policy"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> tuple[Index, pd.DataFrame]:
    """The index of 150 runs, and their lines as a frame that no code of ours has touched."""
    folder = tmp_path_factory.mktemp("runs")
    lines = [{"run": run, **line} for run, told in realistic(folder, 150).items() for line in told]
    index = Index(folder)
    index.update()
    frame = pd.DataFrame(lines)
    first = frame[frame.type == "run_started"].set_index("run")
    for name in ("reasoner", "tool"):
        frame[name] = frame.run.map(first[name].map(lambda part: part["spec"]))
    frame["policy"] = frame.run.map(first.policy)
    return index, frame


def by_parts(index: Index, **options: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(group["parts"][key] for key in KEYS): group for group in statistics(index, **options)}


def test_groups_status_and_rounds(raw: tuple[Index, pd.DataFrame]) -> None:
    index, lines = raw
    groups = by_parts(index)
    assert len(groups) == lines.groupby(KEYS).ngroups == 6
    for key, own in lines.groupby(KEYS):
        group = groups[key]
        assert group["runs"] == own.run.nunique() and group["mixed"] == 1
        assert group["status"] == Counter(own[own.type == "run_ended"].status)
        edits = own[own.type == "edited"].groupby("run").size().reindex(own.run.unique(), fill_value=0)
        assert group["rounds"] == Counter(edits)


def test_seconds_per_node(raw: tuple[Index, pd.DataFrame]) -> None:
    index, lines = raw
    groups = by_parts(index)
    timed = lines[lines.type.isin(["planned", "edited", "judged", "failed"])]
    for (*key, node), own in timed.groupby([*KEYS, "node"]):
        told = groups[tuple(key)]["nodes"][node]
        assert told["n"] == len(own)
        assert (told["p50"], told["p95"]) == pytest.approx(tuple(own.seconds.quantile([0.5, 0.95])))


def test_costs_per_edit_and_per_accepted_edit(raw: tuple[Index, pd.DataFrame]) -> None:
    index, lines = raw
    groups = by_parts(index)
    for key, own in lines.groupby(KEYS):
        cost = groups[key]["cost"]
        runs, good = own.run.nunique(), set(own[(own.type == "run_ended") & (own.status == "accepted")].run)
        seconds = own.seconds.sum()
        assert cost["seconds"]["total"] == pytest.approx(seconds)
        assert cost["seconds"]["per_edit"] == pytest.approx(seconds / runs)
        assert cost["seconds"]["per_accepted"] == pytest.approx(seconds / len(good))
        for name in ("prompt_tokens", "completion_tokens", "usd"):
            told = own[own.type == "called"].set_index("run").usage.map(lambda usage, name=name: usage[name]).dropna()
            if told.empty:
                assert cost[name]["total"] is None and cost[name]["per_accepted"] is None
                continue
            known = set(told.index)
            assert cost[name]["runs_known"] == len(known)
            assert cost[name]["per_edit"] == pytest.approx(told.sum() / len(known))
            assert cost[name]["per_accepted"] == pytest.approx(told.sum() / len(known & good))


def test_transitions_and_gain(raw: tuple[Index, pd.DataFrame]) -> None:
    index, lines = raw
    groups = by_parts(index)
    judged = lines[(lines.node == "reflect") & lines.type.isin(["judged", "failed"])]
    for key, own in lines.groupby(KEYS):
        moves: Counter[tuple[str, str]] = Counter()
        best: dict[int, list[tuple[float | None, float | None]]] = {}
        for _, run in own[own.index.isin(judged.index)].groupby("run"):
            kinds = [row.verdict["kind"] if row.type == "judged" else "failure" for row in run.itertuples()]
            moves.update(zip(["start", *kinds], [*kinds, "end"], strict=True))
            kept: list[float | None] = [None]
            key_of_kept = -1.0
            for number, row in enumerate(run.itertuples(), 1):
                now = kept[-1]
                if row.type == "judged":
                    s = row.verdict["scores"]
                    keyed = min(s["edit_success"], s["over_editing"]) * min(s["naturalness"], s["artefacts"])
                    if keyed >= key_of_kept:  # the reference keeps the later of two (success cannot tie here)
                        key_of_kept, now = keyed, keyed**0.5
                best.setdefault(number, []).append((now, kept[-1]))
                kept.append(now)
        assert {(t["from"], t["to"]): t["n"] for t in groups[key]["transitions"]} == moves
        for told in groups[key]["gain"]:
            pairs = best[told["round"]]
            known = [now for now, _ in pairs if now is not None]
            assert told["score"] == pytest.approx(sum(known) / len(known))
            gains = [now - before for now, before in pairs if now is not None and before is not None]
            assert told["known"] == len(gains)
            assert told["gain"] == (pytest.approx(sum(gains) / len(gains)) if gains else None)


def test_the_clock_does_not_matter(tmp_path: Path) -> None:
    events = [by_hand(name, [rejected(4, 9), accepted(9, 9)], Pick(round=2)) for name in ("a", "b")]
    for name, own in zip("ab", events, strict=True):
        write(tmp_path / "steady" / name, own)
        jumping = [event.model_copy(update={"at": at}) for event, at in zip(own, [5e9, -1e12, 0.0] * 9, strict=False)]
        write(tmp_path / "jumping" / name, jumping)
    told = []
    for folder in ("steady", "jumping"):
        index = Index(tmp_path / folder)
        index.update()
        told.append(statistics(index))
    assert told[0] == told[1]


def test_runs_of_different_parts_are_only_mixed_when_asked(tmp_path: Path) -> None:
    for number in range(4):
        judge = PartInfo(name="judge", version="1", settings={"temperature": number % 2})
        write(tmp_path / f"r{number}", by_hand(f"r{number}", [accepted(9, 9)], Pick(round=1), reasoner=judge))
    index = Index(tmp_path)
    index.update()
    assert [(g["runs"], g["mixed"]) for g in statistics(index)] == [(2, 1), (2, 1)]
    assert [(g["runs"], g["mixed"]) for g in statistics(index, by=("reasoner",))] == [(4, 2)]
    assert [g["runs"] for g in statistics(index, by=(), where="run <> 'r0'")] == [3]
    with pytest.raises(UsageError, match="grouped by 'nobody'"):
        statistics(index, by=("nobody",))
    with pytest.raises(UsageError, match="fail"):
        statistics(index, where="nobody = 1")


def test_nothing_gives_nothing(tmp_path: Path) -> None:
    index = Index(tmp_path)
    index.update()
    assert statistics(index) == []


# -- failures, rule by rule -------------------------------------------------------------------------------------------

REFINE = Refine(scores=scores(6, 9, 9, 9), steps=(STEP,))
LOST = Failure(reason="timed_out", message="late")
NO = Failure(reason="unsupported", message="cannot")

CASES: dict[str, tuple[list[Verdict | Failure], dict[str, Any], list[tuple[str, int]]]] = {
    "asked thing not done, nothing else changed": ([rejected(2, 9)], {}, [("missed", 1)]),
    "something else was changed instead": ([rejected(2, 3)], {}, [("wrong target", 1)]),
    "done, and more": ([rejected(8, 3)], {}, [("over-edited", 1)]),
    "ugly": ([rejected(8, 9, 9, 2)], {}, [("artefact", 1)]),
    "ugly and not done": ([rejected(2, 9, 1, 9)], {}, [("missed", 1), ("artefact", 1)]),
    "nothing weak, success lowest": ([REFINE], {}, [("missed", 1)]),
    "nothing weak, rest lowest": ([rejected(9, 6, 9, 9)], {}, [("over-edited", 1)]),
    "nothing weak, all the same": ([rejected(7, 7, 7, 7)], {}, [("missed", 1)]),
    "accepted is no fault": ([accepted(2, 2, 2, 2)], {"keep": Pick(round=1)}, []),
    "timed out": ([LOST], {}, [("backend", 1)]),
    "cannot": ([NO], {}, [("unsupported", 1)]),
    "drift": (
        [rejected(4, 9, 9, 9), rejected(4, 9, 7, 9)],
        {"bases": {2: Pick(round=1)}},
        [("missed", 1), ("missed", 2), ("drifted", 2)],
    ),
    "from the source nothing drifts": (
        [rejected(4, 9, 9, 9), rejected(4, 9, 7, 9)],
        {},
        [("missed", 1), ("missed", 2)],
    ),
    "late": (
        [rejected(4, 9), rejected(3, 9), rejected(2, 9)],
        {"keep": Pick(round=1)},
        [("missed", 1), ("missed", 2), ("missed", 3), ("stopped late", 1)],
    ),
    "early": (
        [rejected(4, 9), accepted(6, 9), accepted(9, 9)],
        {"keep": Pick(round=1), "stop_after": 1},
        [("missed", 1), ("stopped early", 3)],
    ),
    "early with nothing kept": ([NO, accepted(6, 9)], {"stop_after": 1}, [("unsupported", 1), ("stopped early", 2)]),
    "shadow rounds that are hardly better": (
        [rejected(4, 9), rejected(4.1, 9)],
        {"keep": Pick(round=1), "stop_after": 1},
        [("missed", 1)],
    ),
    "shadow rounds fail for nobody": ([accepted(9, 9), LOST], {"keep": Pick(round=1), "stop_after": 1}, []),
    "no scores": (
        [rejected(2, 2)],
        {"reasoner": PartInfo(name="old", settings={"scores": "not recorded"})},
        [("unscored", 1)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_failures_by_kind(case: str, tmp_path: Path) -> None:
    verdicts, options, expected = CASES[case]
    write(tmp_path / "a", by_hand("a", verdicts, **options))
    index = Index(tmp_path)
    index.update()
    found = query(index, "SELECT * FROM failures").to_pylist()
    assert sorted((row["kind"], row["round"]) for row in found) == sorted(expected)
    assert {row["run"] for row in found} <= {"a"}
    if expected:
        (group,) = statistics(index)
        assert {kind: told["rounds"] for kind, told in group["failures"].items()} == Counter(
            kind for kind, _ in expected
        )
        assert all(told["examples"][0]["run"] == "a" for told in group["failures"].values())


def test_a_person_who_rejects_is_told_apart(tmp_path: Path) -> None:
    events = by_hand("a", [accepted(9, 9)], Pick(round=1))
    said = PersonAnswered(node="review", round=1, answer=HumanAnswer(node="review", after=1, kind="reject", text="no"))
    write(tmp_path / "a", [*events[:-2], said, *events[-2:]])
    index = Index(tmp_path)
    index.update()
    assert [(r["kind"], r["why"]) for r in query(index, "SELECT * FROM failures").to_pylist()] == [("person", "no")]


def test_every_rule_has_a_case() -> None:
    assert {rule.kind for rule in RULES} == {kind for _, _, expected in CASES.values() for kind, _ in expected} | {
        "person"
    }


def test_calls_without_a_price_make_the_sum_a_lower_bound(tmp_path: Path) -> None:
    usage = [Usage(seconds=1, usd=0.5), Usage(seconds=1)]
    write(tmp_path / "a", by_hand("a", [rejected(4, 9)] * 2, usage=usage))
    index = Index(tmp_path)
    index.update()
    (group,) = statistics(index)
    assert (group["calls"], group["unpriced_calls"], group["cost"]["usd"]["per_accepted"]) == (2, 1, None)


def test_shadow_rounds_are_in_no_gain_and_no_transition(tmp_path: Path) -> None:
    write(tmp_path / "a", by_hand("a", [rejected(4, 9), accepted(9, 9)], Pick(round=1), stop_after=1))
    index = Index(tmp_path)
    index.update()
    (group,) = statistics(index)
    assert (group["shadowed"], group["rounds"]) == (1, {1: 1})
    assert [gain["round"] for gain in group["gain"]] == [1]
    assert {(t["from"], t["to"]) for t in group["transitions"]} == {("start", "rejected"), ("rejected", "end")}
