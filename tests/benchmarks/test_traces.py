"""The benchmark of traces, small: its runs are runs, and it measures all of them."""

import re
from pathlib import Path

import pytest

from benchmarks import traces
from reasonedit_agent.analysis.verify import verify
from reasonedit_agent.tracing import read_events


def test_the_runs_are_runs(tmp_path: Path) -> None:
    events = traces.make_runs(tmp_path, 25)
    read = [read_events(folder) for folder in sorted(tmp_path.iterdir())]
    assert len(read) == 25 and sum(map(len, read)) == events
    assert all(verify(run).passed for run in read)
    assert len({run[0].run for run in read}) == 25  # type: ignore[union-attr]


def test_a_small_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    traces.main(20)
    printed = capsys.readouterr().out
    assert re.search(r"^20 runs, \d+ events", printed, re.MULTILINE)
    assert re.search(r"\| index, events/s \| [\d,]+ \| at least 20,000 \|", printed)
