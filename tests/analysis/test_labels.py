"""Labels: added and never lost, from a CSV or one by one."""

import json
import multiprocessing
from pathlib import Path

import pytest

from reasonedit_agent.analysis.labels import LABELS, add_label, import_labels, read_labels, standing_labels
from reasonedit_agent.errors import UsageError
from reasonedit_agent.schemas import Failure
from tests.analysis.making import accepted, by_hand, rejected, write


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    lost = Failure(reason="lost", message="gone")
    for name in ("20260101-a", "20260101-b", "20260202-c"):
        write(tmp_path / name, by_hand(name, [rejected(4, 9), lost, accepted(9, 9)]))
    return tmp_path


def csv(folder: Path, text: str) -> Path:
    file = folder / "labels.csv"
    file.write_text(text, encoding="utf-8")
    return file


GOOD = """run,round,candidate,label,comment,annotator,guideline
20260101-a,1,0,accept,,ann,v1
20260101-a,3,,Reject,"too much, by far",ann,v1
20260202,1,0,comment,"<b>hm</b>",bob,v1
"""


def test_a_csv_comes_in_once(runs: Path) -> None:
    file = csv(runs, GOOD)
    first, again = import_labels(file, runs), import_labels(file, runs)
    assert (len(first.added), first.problems) == (3, ()) and (len(again.added), again.known) == (0, 3)
    lines = [json.loads(line) for line in (runs / LABELS).read_text().splitlines()]
    assert [(line["run"], line["round"], line["label"], line["comment"]) for line in lines] == [
        ("20260101-a", 1, "accept", ""),
        ("20260101-a", 3, "reject", "too much, by far"),
        ("20260202-c", 1, "comment", "<b>hm</b>"),
    ]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators_and_a_byte_order_mark(runs: Path, mark: str) -> None:
    text = "\ufeffRun,Round,Label\r\n20260101-b,1,accept\r\n\r\n".replace(",", mark)
    assert import_labels(csv(runs, text), runs).added[0].run == "20260101-b"


def test_rows_that_cannot_be_used_are_named_and_the_others_taken(runs: Path) -> None:
    rows = ["nobody,1,accept", "20260101,1,accept", "20260101-a,9,accept", "20260101-a,2,accept", "20260101-a,x,accept"]
    rows += [
        "20260101-a,1,maybe",
        "../20260101-a,1,accept",
        "20260101-a,1,accept,more",
        ",1,accept",
        "20260101-a,1,accept",
    ]
    done = import_labels(csv(runs, "run,round,label\n" + "\n".join(rows) + "\n"), runs)
    assert len(done.added) == 2 and len(done.problems) == 8
    told = "\n".join(done.problems)
    assert "line 2: there is no run 'nobody'" in told and "line 3: '20260101' names 2 runs" in told
    assert "line 4: the run 20260101-a has no picture 9.0. It has: 1.0, 2.0, 3.0." in told
    assert "line 9: it has 4 for 3 columns" in told and "line 10: run: Field required" in told
    assert all("\n" not in problem for problem in done.problems)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run,round\na,1\n", "has no column 'label'"),
        ("run,round,label,mood\n", "has an unknown column 'mood'"),
        ("run,round,label,label\n", "has twice the column 'label'"),
        ("", "has no column 'run'"),
        ('run,round,label\n"a,1,accept\n', "line 2, is no CSV"),
    ],
)
def test_bad_files(runs: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        import_labels(csv(runs, text), runs)
    assert not (runs / LABELS).exists()


def test_the_last_word_of_each_person_stands(runs: Path) -> None:
    for label, who in (("accept", "ann"), ("reject", "bob"), ("reject", "ann"), ("comment", "ann")):
        add_label(
            runs, run="20260101-a", round=1, label=label, annotator=who, comment="so" if label == "comment" else ""
        )
    labels = read_labels(runs)
    assert [(label.annotator, label.label) for label in labels] == [
        ("ann", "accept"), ("bob", "reject"), ("ann", "reject"), ("ann", "comment"),
    ]  # fmt: skip
    assert {(label.annotator, label.label) for label in standing_labels(labels)} == {
        ("ann", "reject"),
        ("bob", "reject"),
    }
    add_label(runs, run="20260101-a", round=1, label="accept", annotator="ann", guideline="v2")
    assert len(standing_labels(read_labels(runs))) == 3


def test_a_torn_line_costs_one_label(runs: Path) -> None:
    add_label(runs, run="20260101-a", round=1, label="accept")
    with (runs / LABELS).open("a") as file:
        file.write('{"run": "2026')
    add_label(runs, run="20260101-b", round=1, label="reject")
    problems: list[str] = []
    assert [label.run for label in read_labels(runs, problems)] == ["20260101-a", "20260101-b"]
    assert len(problems) == 1 and "line 2, is no label" in problems[0]


def test_one_label_of_a_run_that_is_not_there(runs: Path) -> None:
    with pytest.raises(UsageError, match="The label was not added: there is no run 'x'"):
        add_label(runs, run="x", round=1, label="accept")
    with pytest.raises(UsageError, match="round: Input should be greater"):
        add_label(runs, run="20260101-a", round=0, label="accept")


def _many(runs: Path, who: int) -> None:
    for _ in range(20):
        add_label(runs, run="20260101-a", round=1, label="accept", annotator=f"{who}")
        add_label(runs, run="20260101-a", round=1, label="reject", annotator=f"{who}")


def test_several_write_at_once(runs: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_many, args=(runs, number)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    problems: list[str] = []
    assert len(read_labels(runs, problems)) == 80 and not problems
