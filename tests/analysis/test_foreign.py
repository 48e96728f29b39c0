"""Logs of other programs, in the shapes that they write."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from reasonedit_agent.analysis.fits import fitted_on
from reasonedit_agent.analysis.foreign import import_editthinker, import_foreign, import_step1x
from reasonedit_agent.analysis.index import Index
from reasonedit_agent.analysis.query import query
from reasonedit_agent.analysis.replay import record, replay, summarise
from reasonedit_agent.analysis.stats import statistics
from reasonedit_agent.analysis.tuning import tune
from reasonedit_agent.analysis.verify import verify
from reasonedit_agent.cli.app import run as application
from reasonedit_agent.errors import UsageError
from reasonedit_agent.folding import fold
from reasonedit_agent.images import open_store
from reasonedit_agent.policies import parse_policy
from reasonedit_agent.schemas import SOURCE, Pick
from reasonedit_agent.tracing import IMAGES, read_events


def photo(folder: Path, name: str, colour: int) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), (colour, 80, 20)).save(path)
    return str(path)


def editthinker(folder: Path, **changes: Any) -> Path:
    """A sample of two edits and the evaluation that is satisfied, as ``run_edit_thinker_inference.py`` leaves it."""
    source = photo(folder, "k1_SRCIMG.png", 10)
    turns = []
    for number, (prompt, generated, said) in enumerate(
        [
            ("make the cup green", True, None),
            ("make only the cup green", True, (False, "The saucer changed too.", "make only the cup green")),
            (None, False, (True, "It is green now.", "make only the cup green")),
        ],
        1,
    ):
        evaluation = said and dict(zip(("is_satisfied", "reason", "new_prompt"), said, strict=True))
        turns.append(
            {
                "turn_number": number,
                "rewritten_prompt": prompt,
                "evaluation": evaluation,
                "generated": generated,
                "output_path": photo(folder, f"turn{number}/k1.png", 50 * min(number, 2)),
                "source_path": source,
                "method": "no_rewrite" if number == 1 else "evaluate_and_rewrite_prompt",
                "action": "generated" if generated else "copied_from_previous_turn",
            }
        )
    log = {
        "key": "k1",
        "task_type": "color_alter",
        "instruction_language": "en",
        "original_instruction": "make the cup green",
        "max_turns": 3,
        "turns": turns,
        "is_satisfied": True,
        "final_turn": 3,
        "final_output_path": "gone/k1.png",
        "final_source_path": source,
        "all_turns_in_final": [],
    }
    path = folder / "k1_meta.json"
    path.write_text(json.dumps(log | changes, indent=2))
    return path


def indexed(runs: Path) -> Index:
    index = Index(runs)
    index.update()
    return index


def test_editthinker(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    folder = import_foreign(editthinker(tmp_path / "log"), runs)
    events = read_events(folder)
    result = verify(events, open_store(runs / IMAGES))
    assert result.passed and (result.recomputed, result.given) == (3, 0)
    history = fold(events)
    assert history.thought and history.thought.instruction == "make the cup green" and not history.thought.changed
    assert [round_.call.instruction for round_ in history.rounds] == ["make the cup green", "make only the cup green"]
    assert {round_.call.base.image for round_ in history.rounds} == {history.request.image}
    assert [round_.verdicts[0].kind for round_ in history.rounds] == ["rejected", "accepted"]
    (run,) = query(indexed(runs), "SELECT * FROM runs").to_pylist()
    assert (run["status"], run["kept_round"], run["stopped_by"]) == ("accepted", 2, "accepted")
    assert run["kept_overall"] is None and run["seconds"] is None and run["prompt_tokens"] is None  # not recorded
    (group,) = statistics(indexed(runs))
    assert group["cost"]["seconds"]["per_edit"] is None and group["nodes"] == {}
    assert {(t["from"], t["to"]) for t in group["transitions"]} == {
        ("start", "rejected"),
        ("rejected", "accepted"),
        ("accepted", "end"),
    }
    assert list(group["failures"]) == ["unscored"]


def test_the_same_log_gives_the_same_run(tmp_path: Path) -> None:
    path = editthinker(tmp_path / "log")
    first = import_editthinker(path, tmp_path / "runs")
    assert import_editthinker(path, tmp_path / "runs") == first
    assert len(list((tmp_path / "runs").glob("*/events.jsonl"))) == 1


def test_editthinker_with_scores_and_with_a_last_turn_that_nobody_judged(tmp_path: Path) -> None:
    path = editthinker(tmp_path / "log")
    log = json.loads(path.read_text())
    log["turns"] = log["turns"][:2]
    log["turns"][1]["evaluation"]["score"] = {"semantic": 5, "quality": 8}
    path.write_text(json.dumps({**log, "is_satisfied": False, "max_turns": 2}))
    folder = import_editthinker(path, tmp_path / "runs")
    history = fold(read_events(folder))
    assert verify(read_events(folder)).passed
    assert [round_.verdicts[0].kind for round_ in history.rounds] == ["rejected", "failure"]
    index = indexed(tmp_path / "runs")
    rows = query(index, "SELECT edit_success, naturalness, message FROM candidates ORDER BY round").to_pylist()
    assert [row["edit_success"] for row in rows] == [5, None] and rows[0]["naturalness"] == 8
    assert "never judged" in rows[1]["message"]
    (run,) = query(index, "SELECT kept_round, status FROM runs").to_pylist()
    assert run == {"kept_round": 2, "status": "best_effort"}  # the last turn is the result, there


def test_editthinker_that_liked_the_source(tmp_path: Path) -> None:
    path = editthinker(tmp_path / "log")
    log = json.loads(path.read_text())
    log["turns"] = [{**log["turns"][2], "turn_number": 1, "action": "original_image_satisfied", "rewritten_prompt": ""}]
    path.write_text(json.dumps(log))
    events = read_events(import_editthinker(path, tmp_path / "runs"))
    assert fold(events).rounds == () and verify(events).passed
    assert (events[-1].type, getattr(events[-1], "keep", None)) == ("run_ended", SOURCE)


def test_editthinker_whose_images_moved_or_are_gone(tmp_path: Path) -> None:
    path = editthinker(tmp_path / "log")
    (tmp_path / "log").rename(tmp_path / "moved")
    moved = tmp_path / "moved" / path.name
    (tmp_path / "moved" / "turn2" / "k1.png").rename(tmp_path / "moved" / "k1_turn2.png")
    history = fold(read_events(import_editthinker(moved, tmp_path / "runs")))
    assert [round_.verdicts[0].kind for round_ in history.rounds] == ["failure", "accepted"]
    (tmp_path / "moved" / "k1_SRCIMG.png").unlink()
    with pytest.raises(UsageError, match="source image"):
        import_editthinker(moved, tmp_path / "runs")


THINK = "<#Think>The cup is green, the saucer too. "


def step1x(folder: Path) -> dict[str, Any]:
    def rated(*four: float) -> dict[str, Any]:
        return {f"score{n}": {"score": list(four[2 * n - 2 : 2 * n]), "reasoning": "because"} for n in (1, 2)}

    images = [photo(folder, f"{number}.png", 40 * number) for number in (1, 2, 3)]
    return {
        "instruction": "make the cup green",
        "image": photo(folder, "source.png", 10),
        "images": images,
        "reformat_prompt": "Change the colour of the cup to green",
        "think_info": [f"{THINK}<#Reflection>make the saucer white again", f"{THINK}<#Failed>", f"{THINK}<#Success>"],
        "best_info": [rated(6, 4, 9, 9), rated(2, 2, 9, 8), rated(9, 8, 7, 8)],
        "final_images": [images[2]],
    }


def test_step1x_as_json(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps(step1x(tmp_path / "images")))
    events = read_events(import_foreign(path, tmp_path / "runs"))
    result = verify(events, open_store(tmp_path / "runs" / IMAGES))
    assert result.passed and (result.recomputed, result.given) == (4, 0)  # its loop is our preset of it
    history = fold(events)
    assert history.thought and history.thought.changed
    assert [round_.call.instruction for round_ in history.rounds] == [
        "Change the colour of the cup to green",
        "make the saucer white again",
        "Change the colour of the cup to green",
    ]
    first = history.candidate(Pick(round=1)).image
    assert [round_.call.base.image for round_ in history.rounds] == [
        history.request.image,
        first,
        history.request.image,
    ]
    rows = query(indexed(tmp_path / "runs"), "SELECT * FROM candidates ORDER BY round").to_pylist()
    assert [(r["edit_success"], r["over_editing"], r["naturalness"], r["artefacts"]) for r in rows] == [
        (6, 4, 9, 9),
        (2, 2, 9, 8),
        (9, 8, 7, 8),
    ]
    assert [r["verdict"] for r in rows] == ["refine", "rejected", "accepted"]
    assert [r["kept"] for r in rows] == [False, False, True]
    assert rows[0]["critique"] == "The cup is green, the saucer too."


def test_step1x_from_the_output_object_with_pil_images(tmp_path: Path) -> None:
    fields = step1x(tmp_path / "images")
    images = [Image.open(name) for name in fields["images"]]
    output = SimpleNamespace(**{**fields, "images": images, "final_images": [images[0]]})
    del output.instruction, output.image
    folder = import_step1x(output, fields["image"], "make the cup green", runs=tmp_path / "runs")
    events = read_events(folder)
    assert getattr(events[-1], "keep", None) == Pick(round=1)  # whatever our rule would keep
    result = verify(events)
    assert result.passed and result.given == 1


def test_step1x_without_reflection_or_scores(tmp_path: Path) -> None:
    fields = step1x(tmp_path / "images")
    plain = {"instruction": "go", "image": fields["image"], "images": fields["images"][:1]}
    history = fold(read_events(import_step1x(plain, runs=tmp_path / "plain")))
    assert [round_.verdicts[0].kind for round_ in history.rounds] == ["failure"]
    preview = {key: value for key, value in fields.items() if key not in ("best_info", "final_images")}
    import_step1x(preview, runs=tmp_path / "preview")
    rows = query(indexed(tmp_path / "preview"), "SELECT verdict, overall FROM candidates ORDER BY round").to_pylist()
    assert [r["verdict"] for r in rows] == ["refine", "rejected", "accepted"]
    assert {r["overall"] for r in rows} == {None}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<#Think>a<#Success>", "accepted"),
        ("<#Think>a<#Others>", "accepted"),
        ("<#Think>a<#Reflection>do b", "refine"),
        ("<#Think>a<#Reflection>", "rejected"),
        ("<#Think>a<#Failed>", "rejected"),
        ("<#Think>a<#Success><#Failed>", "rejected"),
        ("nothing", "rejected"),
    ],
)
def test_step1x_tags(tmp_path: Path, text: str, kind: str) -> None:
    fields = step1x(tmp_path / "images") | {"think_info": [text], "max_try_cnt": 1}
    fields["images"] = fields["images"][:1]
    history = fold(read_events(import_step1x(fields, runs=tmp_path / "runs")))
    assert history.rounds[0].verdicts[0].kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        "{}",
        '{"turns": 3, "original_instruction": "x"}',
        '{"turns": [{}], "original_instruction": "x"}',
        '{"images": 3, "instruction": "x", "image": "source.png"}',
        '{"images": ["source.png"], "instruction": "x", "image": "nowhere.png"}',
        '{"images": ["source.png"], "instruction": "x", "image": "source.png", "best_info": [{}]}',
        '{"images": ["source.png"], "instruction": "x", "image": "log.json"}',
    ],
)
def test_other_shapes_are_one_clear_line(tmp_path: Path, text: str) -> None:
    photo(tmp_path, "source.png", 10)
    path = tmp_path / "log.json"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        import_foreign(path, tmp_path / "runs")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "runs").glob("*/events.jsonl"))


UNTIMED = "it needs seconds, and they were not recorded"


def test_times_that_were_not_logged_are_unknown_and_not_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record(read_events(import_step1x(step1x(tmp_path / "images"), runs=tmp_path)))
    assert run is not None
    gains = "gains(first=8, seconds=9)"
    texts = ("rounds(2)", "budget(60) | rounds(2)", f"expected_gain(seconds=5, fit={gains})", "budget(edits=2)")
    found = [replay(run, parse_policy(text), text) for text in texts]
    assert [(out.rounds, out.seconds) for out in found] == [(2, None), (0, None), (0, None), (2, None)]
    assert [out.missing for out in found] == ["", UNTIMED, UNTIMED, ""]
    assert summarise(found)[0].seconds is None
    fits = fitted_on([run])
    assert fits["costs"]["seconds"] is fits["gains"]["seconds"] is None and fits["gains"]["first"] == [6.0]
    with pytest.raises(UsageError, match="seconds of some of these runs were not recorded"):
        tune([run], texts, cost="seconds")
    monkeypatch.setattr("sys.argv", ["reasonedit", "trace", "show", run.run, "--runs", str(tmp_path)])
    with pytest.raises(SystemExit):
        application()
    shown = capsys.readouterr().out
    assert "accepted: kept round 3.0" in shown and "0.00" not in shown and "Active" not in shown
