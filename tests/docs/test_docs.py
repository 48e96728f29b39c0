"""The docs run: Python blocks are executed, printed output is repeated, links lead somewhere, every command is there."""

import io
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import typer

from reasonedit_agent.cli.app import app
from reasonedit_agent.events import AnyEvent
from reasonedit_agent.operations import operation_names
from reasonedit_agent.registry import KINDS, names

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SCRIPT = str(Path(sys.executable).with_name("reasonedit"))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the examples in it, and runs that go there, while the weights stay where they are."""
    from reasonedit_agent import weights

    kept = weights.weights_dir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "weights").symlink_to(kept)
    monkeypatch.setenv("REASONEDIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "out").mkdir()
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_python_blocks_run(page: Path, folder: Path) -> None:
    printed = io.StringIO()
    scope: dict[str, object] = {"__name__": "docs"}
    with redirect_stdout(printed):
        for block in blocks(page, "python"):
            exec(compile(block, str(page), "exec"), scope)
    said = printed.getvalue()
    for block in blocks(page, "python"):
        for comment in re.findall(r"print\(.*\)  # (.*)", block):
            if re.fullmatch(r"[\w. ]+", comment):
                assert comment in said, f"{page.name} promises {comment!r}"


def test_the_readme_is_short_python() -> None:
    first = blocks(ROOT / "README.md", "python")[0]
    assert len([line for line in first.splitlines() if line.strip()]) <= 15


def without_numbers(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "#", re.sub(r" +", " ", text)).strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_printed_output_is_what_is_printed(page: Path, folder: Path) -> None:
    """Numbers may differ from machine to machine; words may not."""
    shown = re.findall(r"<!-- output of: reasonedit (.*?) -->\n```text\n(.*?)```", page.read_text(), re.DOTALL)
    if not shown and page.name != "README.md":
        return
    assert shown or page.name != "README.md"
    for arguments, output in shown:
        command = f"{SCRIPT} {arguments} 2>&1"
        env = {**os.environ, "COLUMNS": "240", "NO_COLOR": "1"}
        run = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False)
        for line in without_numbers(output).splitlines():
            assert line.strip() in [row.strip() for row in without_numbers(run.stdout).splitlines()], run.stdout


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_everything_that_can_be_named_is_documented() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    for kind in KINDS:
        for name in names(kind):
            assert f"`{name}" in text, f"{kind}: {name}"
    for operation in operation_names():
        assert f"`{operation}`" in text, operation
    for event in AnyEvent.__args__:  # type: ignore[attr-defined]
        assert f"`{event.model_fields['type'].default}`" in text, event
    for option in re.findall(
        r"--[a-z-]+", subprocess.run([SCRIPT, "edit", "--help"], capture_output=True, text=True, check=True).stdout
    ):
        assert option in text, option


def test_every_command_is_on_the_page_of_the_command_line() -> None:
    """A group's row names the group once and its commands after it."""
    page = (ROOT / "docs" / "cli.md").read_text()
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        rows = "\n".join(re.findall(rf"^(?:## |\| )`reasonedit {name}\b.*", page, re.MULTILINE))
        assert rows, name
        for leaf in getattr(command, "commands", {}):
            assert re.search(rf"[ `]{leaf}[ `]", rows), f"{name} {leaf}"


def test_the_changelog_names_this_version() -> None:
    from reasonedit_agent import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
