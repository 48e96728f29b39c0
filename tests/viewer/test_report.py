"""The report without a browser: what it says, how large it is, what bad input does."""

import io
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reasonedit_agent.errors import TraceError, UsageError
from reasonedit_agent.events import VERSION
from reasonedit_agent.images import FolderStore
from reasonedit_agent.schemas import Accepted, Candidate, Geometry
from reasonedit_agent.testing import FunctionTool
from reasonedit_agent.tracing import EVENTS, read_events
from reasonedit_agent.viewer.differences import CHANGED, between
from reasonedit_agent.viewer.many import Row, _calibration, labels_of
from reasonedit_agent.viewer.pictures import FULL, Album
from reasonedit_agent.viewer.report import find_runs, write_report
from reasonedit_agent.viewer.telling import tell
from tests.viewer import making

SCRIPT = str(Path(sys.executable).with_name("reasonedit"))
FIXTURE = Path(__file__).parents[1] / "fixtures" / f"trace_v{VERSION}.jsonl"
MB = 1_000_000


def text_of(out: Path) -> str:
    """The file's text without tags and pictures."""
    bare = re.sub(r"<(script|style).*?</\1>", "", out.read_text(), flags=re.S)
    return " ".join(re.sub(r"<[^>]*>", " ", bare).split())


def test_it_says_what_was_asked_what_came_out_why_it_stopped_and_what_it_cost(five: Path, tmp_path: Path) -> None:
    written = write_report([five], tmp_path / "out.html")
    text = text_of(tmp_path / "out.html")
    assert written.runs == 1 and written.size == (tmp_path / "out.html").stat().st_size <= 3 * MB
    for said in (
        "make the cup green",
        "Round 5, 8.1 of 10",
        "Round 5 was accepted.",
        "11,040 prompt tokens",
        "$0.0126",
    ):
        assert said in text
    for said in ("Must stay: the saucer", "No verdict (malformed):", "503: the server is loading", "json/reflect 3"):
        assert said in text
    assert text.count("Decided by the policy") == 6
    history = tell(read_events(five))
    assert [round_.index for round_ in history.rounds] == [1, 2, 3, 4, 5] and history.kept_scores


def test_five_rounds_of_noise_stay_within_three_megabytes(tmp_path: Path) -> None:
    """The worst that there is for an encoder: large pictures of noise, four candidates a round."""
    rng = np.random.default_rng(1)
    source = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (1100, 1600, 3), dtype=np.uint8)).save(source, "JPEG", quality=95)
    verdicts = [making.judged(making.Refine, 4, 8)] * 19 + [making.judged(Accepted, 9, 9)]  # type: ignore[arg-type]
    agent = making.EditAgent(making.Told(verdicts), FunctionTool(making.tint), "rounds(5)", runs=tmp_path / "runs")
    run = agent.edit(source.getvalue(), "calm it", candidates=4, seed=1).trace
    assert len(tell(read_events(run)).images) == 21
    assert write_report([run], tmp_path / "out.html").size <= 3 * MB


def test_light_keeps_thumbnails_only(five: Path, tmp_path: Path) -> None:
    full = write_report([five], tmp_path / "full.html").size
    light = write_report([five], tmp_path / "light.html", light=True).size
    assert light < full / 4
    assert 'class="compare' in (tmp_path / "full.html").read_text()
    assert 'class="compare' not in (tmp_path / "light.html").read_text()


def test_each_picture_is_in_the_file_once(five: Path, tmp_path: Path) -> None:
    write_report([five], tmp_path / "out.html")
    uris = re.findall(r'href="(data:[^"]+)"', (tmp_path / "out.html").read_text())
    assert len(uris) == len(set(uris)) == 6 + 5  # the source and five results, five heat maps; the region is a polygon


def test_a_heat_map_measures_what_numpy_measures(five: Path) -> None:
    store = FolderStore(five.parent / "images")
    first = tell(read_events(five)).rounds[0]
    made = first.results[0].candidate
    assert made
    album = Album(FULL)
    album.begin(2)
    heat = album.heat(store, first.call.base, made)
    before, after = (np.asarray(store.open(c.image).convert("RGB")).astype(int) for c in (first.call.base, made))
    difference = np.abs(before - after).max(axis=2)
    assert heat and heat.compared == 1
    assert heat.changed == pytest.approx((difference > CHANGED).mean(), abs=0.03)
    assert heat.mean == pytest.approx(difference.mean(), rel=0.05)


def test_a_crop_is_compared_with_what_it_was_cut_from(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    photo = Image.open(making.PHOTOS / "coffee.jpg").convert("RGB")
    source = Candidate.of(store.save(photo))
    crop = store.save(photo.crop((100, 50, 400, 350)).resize((600, 600), Image.Resampling.BICUBIC))
    geometry = Geometry.of(source.image).cropped(100, 50, 400, 350).then((2, 0, 0, 0, 2, 0))
    made = Candidate(image=crop, geometry=geometry)
    a, b, c, d, e, f = between(source, made)
    assert (a * 150 + b * 80 + c, d * 150 + e * 80 + f) == pytest.approx(geometry.to_candidate(150, 80))
    album = Album(FULL)
    album.begin(2)
    same = album.heat(store, source, made)
    wrong = album.heat(store, source, Candidate(image=crop, geometry=geometry.then((1, 0, 40, 0, 1, 0))))
    assert same and wrong and same.mean < 3 < wrong.mean


def test_a_missing_picture_leaves_a_clear_gap(tmp_path: Path) -> None:
    run = making.five_rounds(tmp_path / "runs").trace
    made = tell(read_events(run)).rounds[4].results[0].candidate
    assert made
    FolderStore(tmp_path / "runs" / "images").path(made.image).unlink()
    write_report([run], tmp_path / "out.html")
    assert f"Picture {made.image.sha256[:12]} is missing" in text_of(tmp_path / "out.html")
    assert f"#p-{made.image.sha256[:16]}" not in (tmp_path / "out.html").read_text()


def test_a_run_that_is_still_going_on(tmp_path: Path) -> None:
    run = making.open_run(tmp_path / "runs")
    write_report([run], tmp_path / "out.html")
    text = text_of(tmp_path / "out.html")
    assert (
        "Still going on" in text and "still going on, next comes edit" in text and "The edit is not finished." in text
    )
    assert "Round 1 so far" in text and "last line of the trace is torn" in text


def test_every_kind_of_event_is_told(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / EVENTS).write_bytes(FIXTURE.read_bytes())
    write_report([tmp_path / "old"], tmp_path / "out.html")
    text = text_of(tmp_path / "out.html")
    for said in (
        "A person said: reject",
        "this one is better; clearer",
        "16 bits per channel reduced to 8",
        "is missing",
    ):
        assert said in text
    assert "A person rejected this. What follows is what the Reasoner had said." in text


def newer(run: Path) -> None:
    first, rest = (run / EVENTS).read_text().split("\n", 1)
    (run / EVENTS).write_text(json.dumps(json.loads(first) | {"version": VERSION + 1, "extra": 1}) + "\n" + rest)


def test_a_newer_trace_is_one_clear_line(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    good, new = making.open_run(runs), making.five_rounds(runs).trace
    newer(new)
    with pytest.raises(TraceError, match="newer version"):
        write_report([new], tmp_path / "out.html")
    assert not list(tmp_path.glob("*.html*")) and not list(tmp_path.glob(".*"))
    command = [SCRIPT, "report", str(new), str(good), "-o", str(tmp_path / "out.html"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["runs"] == 1
    assert [line for line in done.stderr.splitlines() if line] == [
        f"left out: {new / EVENTS} was written by a newer version (schema {VERSION + 1}, this one reads up to {VERSION}). "
        "Upgrade reasonedit-agent."
    ]
    said = text_of(tmp_path / "out.html")
    assert "1 run was left out" in said and f"{new.name}: {EVENTS} was written by a newer version" in said
    assert str(tmp_path) not in (tmp_path / "out.html").read_text()


def test_runs_are_found_by_folder_by_id_and_once(several: Path) -> None:
    all_ = find_runs([several])
    assert len(all_) == 9
    assert find_runs([all_[2].name, str(all_[2]), str(several)], several)[0] == all_[2]
    assert len(find_runs([all_[2].name, str(several)], several)) == 9
    with pytest.raises(UsageError, match="no run 'nothing'"):
        find_runs(["nothing"], several)


def test_a_folder_without_runs_is_one_line_that_says_what_to_name(tmp_path: Path) -> None:
    empty = tmp_path / "photos"
    empty.mkdir()
    command = [SCRIPT, "report", str(empty), "-o", str(tmp_path / "out.html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert f"The folder {empty} has no runs in it. Name one with runs, or a run's id." in done.stderr


def test_one_call_without_a_price_is_one(five: Path, tmp_path: Path) -> None:
    """Those of the edits: nobody told what they cost."""
    once = making.run(tmp_path / "runs", [making.judged(Accepted, 9, 9)]).trace  # type: ignore[arg-type]
    for run, says in ((once, "1 call has no price"), (five, "5 calls have no price")):
        write_report([run], tmp_path / "out.html")
        assert f"(at least: {says})" in text_of(tmp_path / "out.html")


def test_several_runs_have_statistics_plots_and_failures(several: Path, tmp_path: Path) -> None:
    assert write_report([several], tmp_path / "out.html").runs == 9
    text, html = text_of(tmp_path / "out.html"), (tmp_path / "out.html").read_text()
    for said in (
        "Rounds per run",
        "Cost per accepted edit",
        "Calibration",
        "Failures by kind",
        "Unsupported: 1 time in 1 run",
    ):
        assert said in text
    assert html.count('class="plot"') >= 4 and " style=" not in html and "{{" not in html.replace("{{ 7 * 7 }}", "")
    assert not (several / "index").exists()


def test_calibration_counts_what_people_said(several: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one of them is torn
        runs = [tell(read_events(run)) for run in find_runs([several])]
    rows = []
    for run in runs:
        predicted, said = labels_of(run)
        fields = dict.fromkeys(Row.__dataclass_fields__)
        rows.append(Row(**{**fields, "run": run.started.run, "predicted": predicted, "said": said}))  # type: ignore[arg-type]
    plot = _calibration(rows, {})
    assert plot and plot["rows"] == [
        {"said": 0.3, "accepted by people": 0.0, "labels": 1},
        {"said": 0.9, "accepted by people": 0.667, "labels": 3},
    ]
    first = next(row for row in rows if len(row.predicted) == 4)
    more = _calibration(rows, {(first.run, 5, 0): True})
    assert more and more["rows"][-1]["labels"] == 4


def test_the_old_file_stands_until_the_new_one_is_whole(five: Path, tmp_path: Path) -> None:
    out = tmp_path / "no" / "out.html"
    done = subprocess.run([SCRIPT, "report", str(five), "-o", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 4 and done.stderr.startswith(f"reasonedit: The report {out} cannot be written")
    assert len(done.stderr.splitlines()) == 1
