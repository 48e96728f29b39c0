"""The studio as a process of its own, and what a person does in its page. Nothing here sleeps: conditions are waited for."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from reasonedit_agent import tracing
from reasonedit_agent.folding import Fold
from tests.viewer.parts import GATE

ROOT = Path(__file__).parents[2]
PHOTOS = ROOT / "examples" / "photos"
RUN = [sys.executable, "-c", "from reasonedit_agent.cli import main; main()", "ui", "--port"]
LONG = 90_000
"""Milliseconds that an edit may take on a slow machine."""

Opened = Callable[..., Any]


class Studio:
    """A server of its own process, which can be killed and started again at the same address."""

    def __init__(self, runs: Path, **env: str) -> None:
        self.runs, self.port, self.address = runs, 0, ""
        self.gate = runs.parent / f"{runs.name}.gate"
        self.env = {"OMP_NUM_THREADS": "2", "PYTHONUNBUFFERED": "1", GATE: str(self.gate), **env}

    def start(self) -> None:
        command = [*RUN, str(self.port), "--runs", str(self.runs)]
        env = os.environ | self.env
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, cwd=ROOT
        )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                self.address, self.port = found[0], int(found[1])
                return
        pytest.fail("".join(lines))

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def trace(self, page: Any) -> Fold:
        return Fold(tracing.read_events(self.runs / run_of(page)))

    def open_gate(self) -> None:
        """Let the painter go on (see `tests.viewer.parts`)."""
        self.gate.touch()

    def close_gate(self) -> None:
        self.gate.unlink(missing_ok=True)


@contextmanager
def visiting(studio: Studio, chromium: Browser) -> Iterator[Opened]:
    """Open pages as browsers of their own; no request may leave this machine, and no script of a text may run."""
    contexts: list[Any] = []
    asked: list[str] = []
    problems: list[str] = []

    def open_page(run: str = "", **options: Any) -> Any:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        context.on("request", lambda request: asked.append(request.url))
        context.on("dialog", lambda dialog: (problems.append(f"a script ran: {dialog.message}"), dialog.dismiss()))
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{studio.address}?run={run}" if run else studio.address)
        page.get_by_label("What to change").wait_for()
        if run:
            page.locator("#view article").wait_for()
        else:
            page.get_by_text("Ready.").wait_for()
        return page

    studio.close_gate()
    yield open_page
    studio.open_gate()
    for context in contexts:
        context.close()
    outside = [url for url in asked if not url.startswith((studio.address, "data:", "blob:"))]
    assert asked and outside == [] and problems == []


def run_of(page: Any) -> str:
    page.wait_for_url("**/?run=*")
    return str(page.url.partition("run=")[2])


def another_run(page: Any, run: str) -> str:
    """Wait until the page is at another run, and return it."""
    page.wait_for_function("run => location.search.includes('run=') && !location.search.endsWith(run)", arg=run)
    return run_of(page)


def drop(page: Any, photo: Path = PHOTOS / "coffee.jpg") -> None:
    """Drop a photo, and wait until it is the one to edit: its name is in the address of the picture."""
    before = page.evaluate("document.querySelector('#stage img')?.src ?? ''")
    page.locator("#photo input[type=file]").set_input_files(str(photo))
    page.locator("#stage img[src*='/draft/']").wait_for()
    if getattr(page, "dropped", photo) != photo:
        page.wait_for_function("before => document.querySelector('#stage img').src !== before", arg=before)
    page.dropped = photo


def go_to(page: Any, tab: str) -> None:
    """Open a tab, and wait for what it first shows: Gradio drops what is typed into a tab that is being made."""
    page.get_by_role("tab", name=tab).click()
    page.locator({"Runs": "#table", "What if": "#outcome"}[tab]).locator(".studio > *").first.wait_for()


def edit(page: Any, instruction: str, photo: Path = PHOTOS / "coffee.jpg") -> None:
    drop(page, photo)
    page.get_by_label("What to change").fill(instruction)
    page.locator("#go").press("Enter")  # a mouse may miss what moves as the photo appears
    page.locator("#view .asked", has_text=" ".join(instruction.split())[:40]).first.wait_for(timeout=LONG)


def choose(page: Any, **parts: str) -> None:
    """Write other parts into the fields of who does it."""
    field = page.get_by_label("Reasoner", exact=True)
    if not field.is_visible():
        page.get_by_role("button", name="Who does it").click()
    for name, text in parts.items():
        field = page.get_by_label(name, exact=True)
        field.fill(text)
        field.press("Enter")


def scripted(page: Any) -> None:
    """Choose the parts of `tests.viewer.parts`, which are as quick or slow as a test wants."""
    choose(page, Reasoner="tests.viewer.parts:Critic", Tool="tests.viewer.parts:Painter")


def take(page: Any) -> Any:
    return page.get_by_role("link", name="Take this picture")


def settled(page: Any) -> str:
    page.locator("#view .outcome").wait_for(timeout=LONG)
    page.wait_for_function("!document.querySelector('#status').innerText.trim().endsWith('…')")
    return str(page.locator("#status").inner_text())


def serious(page: Any) -> list[str]:
    """Return what axe finds that a person would stumble over."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:150]}" for v in found if v["impact"] in ("serious", "critical")]
