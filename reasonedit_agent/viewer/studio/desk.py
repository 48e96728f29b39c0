"""What lies behind the page: whose runs there are, which of them is being worked on, and how one watches it.

A run belongs to the browser that started it (a secret in a cookie), and outlives its page: a job goes on when nobody
watches, and a page that comes back finds it by its id. What the trace has is never kept twice; beside it there is only
a file that says whose run it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from reasonedit_agent import tracing
from reasonedit_agent.errors import ReasonEditError, StoreError, UsageError
from reasonedit_agent.events import AnyEvent, Progress, RunStarted
from reasonedit_agent.images import ingest, open_store
from reasonedit_agent.schemas import ImageRef, Region, Thought
from reasonedit_agent.viewer.telling import RunTold, tell

__all__ = ["Agent", "Desk", "Job", "Part", "Parts", "Workshop"]

Parts = tuple[str, str, str]
"""Texts of a reasoner, a tool and a policy."""

OWNERS = "studio.jsonl"
"""Beside the runs: one line per run that a browser started."""


class Agent(Protocol):
    """What the page needs of `reasonedit_agent.EditAgent`."""

    async def aedit(self, image: Any, instruction: str, **options: Any) -> Any:
        """Edit an image."""
        ...

    async def aresume(self, run: Any, answer: str | None = None, **options: Any) -> Any:
        """Go on with a run."""
        ...

    async def afork(self, run: Any, round: int, **options: Any) -> Any:
        """Go another way from a round of a run."""
        ...


@dataclass(frozen=True)
class Part:
    """A reasoner or a tool that can be chosen.

    Attributes:
        role: ``reasoner`` or ``tool``.
        name: As registered.
        lacks: What this machine has not; empty where it can be used as it is.
        command: That adds what it lacks.
    """

    role: str
    name: str
    lacks: str = ""
    command: str = ""


@dataclass(frozen=True)
class Workshop:
    """What the command line hands to the page, which may not know the graph.

    Attributes:
        runs: Folder of the runs.
        parts: All that have a name.
        make: Builds an agent from the texts of a reasoner, a tool and a policy.
        of_run: Builds the agent of a recorded run.
        region: Reads a region as the command line does, but never a file.
    """

    runs: Path
    parts: Sequence[Part]
    make: Callable[[str, str, str], Agent]
    of_run: Callable[[Path], Agent]
    region: Callable[[str], Region]


@dataclass
class Job:
    """A run that this process works on.

    Attributes:
        events: So far; progress is told in ``progress`` alone.
        progress: The last one of the part at work.
        error: Why there is no run, in one line.
        overhead: Seconds that listening took.
    """

    events: list[AnyEvent] = field(default_factory=list)
    progress: Progress | None = None
    error: str = ""
    done: bool = False
    overhead: float = 0.0
    future: Future[Any] | None = None
    _version: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def tell(self, event: AnyEvent) -> None:
        """Take an event; called from the thread that emits it."""
        start = time.perf_counter()
        with self._changed:
            if isinstance(event, Progress):
                self.progress = event
            else:
                self.progress = None
                self.events.append(event)
            self._version += 1
            self._changed.notify_all()
        self.overhead += time.perf_counter() - start

    def end(self, error: str = "") -> None:
        """Say that nothing more comes."""
        with self._changed:
            self.done, self.error = True, error
            self._version += 1
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> int:
        """Wait until there is more than ``seen``, and return the version that there is."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > seen or self.done, timeout=seconds)
            return self._version

    @property
    def run(self) -> str:
        """The run's id; empty before its first event."""
        first = self.events[0] if self.events else None
        return first.run if isinstance(first, RunStarted) else ""


class Desk:
    """All that the browsers of one server work on.

    Args:
        workshop: What the command line hands over.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.runs = workshop.runs
        self._jobs: dict[str, Job] = {}
        self._drafts: dict[str, dict[str, ImageRef]] = {}
        self._agents: dict[Parts, Agent] = {}
        self._owners: dict[str, dict[str, str]] = {}
        self._read_owners = 0
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="studio", daemon=True).start()

    # whose a run is

    def may_see(self, session: str, run: str) -> bool:
        """Whether a browser may see a run: its own, and those that no browser started."""
        return self._owner(run) in (None, _name(session))

    def own(self, session: str, run: str, parent: str = "") -> None:
        """Write down whose run it is, and whose result it started from."""
        line = json.dumps({"run": run, "owner": _name(session), "parent": parent}) + "\n"
        try:
            with (self.runs / OWNERS).open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise StoreError(f"{self.runs} cannot be written: {error.strerror}.") from error

    def parent(self, run: str) -> str:
        """Return the run whose picture a run started from; empty where it was a photo."""
        return self._known(run).get("parent", "")

    def _owner(self, run: str) -> str | None:
        return self._known(run).get("owner")

    def _known(self, run: str) -> dict[str, str]:
        path = self.runs / OWNERS
        with self._lock:
            if path.is_file() and path.stat().st_size != self._read_owners:
                self._read_owners = path.stat().st_size
                for line in path.read_text("utf-8").splitlines():
                    told = json.loads(line)
                    self._owners.setdefault(told["run"], told)
            return self._owners.get(run, {})

    def folder(self, session: str, run: str) -> Path:
        """Return a run's folder.

        Raises:
            UsageError: There is none, or it is another browser's; the two cannot be told apart.
        """
        folder = self.runs / run
        known = run == Path(run).name and (folder / tracing.EVENTS).is_file()
        if not run or not known or not self.may_see(session, run):
            raise UsageError(f"There is no run {run[:60]!r} here.", hint="Choose one under Runs.")
        return folder

    def listed(self, session: str) -> list[str]:
        """Return the ids of all runs that a browser may see, the newest first."""
        entries = self.runs.iterdir() if self.runs.is_dir() else ()
        found = (entry.name for entry in entries if (entry / tracing.EVENTS).is_file())
        return sorted((run for run in found if self.may_see(session, run)), reverse=True)

    # pictures

    def draft(self, session: str, path: Path) -> tuple[ImageRef, tuple[str, ...]]:
        """Take a photo in; return its name, and what was changed on the way."""
        taken = ingest(path)
        ref = open_store(self.runs / tracing.IMAGES).put(taken.data)
        self._drafts.setdefault(session, {})[ref.sha256] = ref
        return ref, taken.notes

    def picture(self, session: str, run: str, sha256: str) -> ImageRef:
        """Return a picture of a run, or of a photo that was taken in (``draft``).

        Raises:
            UsageError: The run has no such picture, or is another browser's.
        """
        if run == "draft":
            found = self._drafts.get(session, {}).get(sha256)
        else:
            told = self.told(session, run)
            job = self._jobs.get(run)
            preview = job.progress.preview if job and job.progress else None
            found = next((ref for ref in (*told.images, preview) if ref and ref.sha256 == sha256), None)
        if found is None:
            raise UsageError("There is no such picture.")
        return found

    # runs

    def told(self, session: str, run: str) -> RunTold:
        """Return a run as a page tells it; what a job has heard, or else what the trace has."""
        folder = self.folder(session, run)
        job = self._jobs.get(run)
        return tell(list(job.events) if job and not job.done else tracing.read_events(folder))

    def job(self, run: str) -> Job | None:
        """Return the job on a run, if this process works on it."""
        job = self._jobs.get(run)
        return job if job and not job.done else None

    def start(
        self, session: str, image: bytes, instruction: str, parts: Parts, parent: str = "", **options: Any
    ) -> Job:
        """Start a run; wait for its first event, or for the reason why there is none.

        Args:
            session: The browser's secret.
            image: The photo.
            instruction: What to change.
            parts: Who does it.
            parent: The run that made the photo, if one did.
            **options: Of `EditAgent.aedit`.

        Raises:
            UsageError: There is no run.
        """
        agent = self._agent(parts)
        return self._begin(session, lambda job: agent.aedit(image, instruction, on_event=job.tell, **options), parent)

    def fork(self, session: str, run: str, round_: int, parts: Parts) -> Job:
        """Take over the first rounds of a run into a new one, and go on with other parts.

        Raises:
            UsageError: There is no such run or round.
        """
        folder, agent = self.folder(session, run), self._agent(parts)
        return self._begin(session, lambda job: agent.afork(folder, round_, on_event=job.tell), self.parent(run))

    def _begin(self, session: str, start: Callable[[Job], Any], parent: str) -> Job:
        job = Job()
        self._work(job, lambda: start(job))
        seen = 0
        while not job.run and not job.done:
            seen = job.wait(seen, 60)
        if not job.run:
            raise UsageError(job.error or "The run did not start.")
        self.own(session, job.run, parent)
        self._jobs[job.run] = job
        return job

    def go_on(self, session: str, run: str, answer: str | None, thought: Thought | None = None) -> Job:
        """Answer a run that waits, or go on with one that was interrupted."""
        folder = self.folder(session, run)
        if self.job(run):
            raise UsageError("The run is at work.", hint="Wait, or stop it.")
        agent = self.workshop.of_run(folder)
        job = Job(events=tracing.read_events(folder))
        before = len(job.events)
        options: dict[str, Any] = {"thought": thought} if thought is not None else {}
        self._work(job, lambda: agent.aresume(folder, answer, on_event=job.tell, **options))
        seen = 0
        while len(job.events) == before and not job.done:
            seen = job.wait(seen, 60)
        if job.error:
            raise UsageError(job.error)
        self._jobs[run] = job
        return job

    def stop(self, session: str, run: str) -> bool:
        """Interrupt a run; it can be gone on with. Return whether there was work to stop."""
        self.folder(session, run)
        job = self.job(run)
        if job is None or job.future is None:
            return False
        job.future.cancel()
        seen = 0
        while not job.done:
            seen = job.wait(seen, 30)
        return True

    def _agent(self, parts: Parts) -> Agent:
        with self._lock:
            if parts not in self._agents:
                self._agents[parts] = self.workshop.make(*parts)
            return self._agents[parts]

    def _work(self, job: Job, start: Callable[[], Any]) -> None:
        async def work() -> None:
            try:
                await start()
            except ReasonEditError as error:
                job.end(str(error))
            except asyncio.CancelledError:
                job.end()
                raise
            except Exception as error:  # a page must not wait for ever for a part that broke
                job.end(f"{type(error).__name__}: {error}")
            else:
                job.end()

        job.future = asyncio.run_coroutine_threadsafe(work(), self._loop)

    def close(self) -> None:
        """Interrupt what is under way, so that every trace has its end."""
        for job in list(self._jobs.values()):
            if not job.done and job.future:
                job.future.cancel()
                job.wait(job._version, 10)
        self._loop.call_soon_threadsafe(self._loop.stop)


def _name(session: str) -> str:
    """Return what stands in the file for a browser: not its secret."""
    return hashlib.sha256(session.encode()).hexdigest()[:24]
