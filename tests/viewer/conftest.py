"""One Chromium for all tests of this folder.

Where there is none, the tests that need it are skipped with that reason; with ``REASONEDIT_REQUIRE_SERVERS=1``, which
``.ci/run`` sets, they fail instead.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, Request, sync_playwright

from tests.viewer import making
from tests.viewer.visiting import Opened as OpenedStudio
from tests.viewer.visiting import Studio, visiting

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no Chromium starts: `apt-get install chromium` or `playwright install chromium` brings one"


def launch(playwright: Playwright) -> Browser:
    """Start a headless Chromium: the system's, or Playwright's own."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    # A container's root has no sandbox to give it.
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=found, args=flags)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser of all tests here: Playwright keeps a loop running, of which a thread has but one."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except Error as error:
            why = f"{MISSING} ({str(error).splitlines()[0]})"
            if os.environ.get("REASONEDIT_REQUIRE_SERVERS") == "1":
                pytest.fail(f"REASONEDIT_REQUIRE_SERVERS is set, but {why}", pytrace=False)
            pytest.skip(why)
        yield browser
        browser.close()


class Opened:
    """A page, and what it asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.outside: list[str] = []
        self.problems: list[str] = []
        page.on("requestfinished", self._asked)
        page.on("requestfailed", self._asked)
        page.on("console", lambda m: self.problems.append(m.text))
        page.on("pageerror", lambda e: self.problems.append(str(e)))
        page.on("dialog", lambda d: (self.problems.append(d.message), d.dismiss()))

    def _asked(self, request: Request) -> None:
        # What the page's own policy stopped never left; the browser complains of it on the console.
        if not request.url.startswith(("file:", "data:")) and request.failure != "csp":
            self.outside.append(request.url)

    def open(self, file: Path) -> Page:
        self.page.goto(file.as_uri(), wait_until="load")
        return self.page


@pytest.fixture
def opened(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """A page of the width and scheme that the test asks for; nothing may be fetched and nothing may be complained of."""
    width, scheme = getattr(request, "param", (1280, "light"))
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    made = Opened(context.new_page())
    yield made
    context.close()
    assert made.outside == [] and made.problems == []


@pytest.fixture(scope="session")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of five rounds with a region."""
    return making.five_rounds(tmp_path_factory.mktemp("five") / "runs", region=making.REGION).trace


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six runs: of five rounds, refused, hostile, of several candidates, reviewed, and still going on."""
    folder = tmp_path_factory.mktemp("several") / "runs"
    making.several(folder)
    return folder


@pytest.fixture(scope="package")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A server without any runs; each test is a browser of its own, which sees only its own."""
    made = Studio(tmp_path_factory.mktemp("studio") / "runs")
    made.start()
    yield made
    made.kill(signal.SIGINT)


@pytest.fixture
def visit(studio: Studio, chromium: Browser) -> Iterator[OpenedStudio]:
    """Open its page as a browser of its own."""
    with visiting(studio, chromium) as open_page:
        yield open_page
