"""What lies behind the page: which runs there are, which of them is being worked on, and how one watches it.

A run belongs to the browser that started it (a secret in a cookie), and outlives its page: a job goes on when nobody
watches, and a page that comes back finds it by its id. What the trace has is never kept twice.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from reasonedit_agent import tracing
from reasonedit_agent.errors import ReasonEditError, UsageError
from reasonedit_agent.events import AnyEvent, RunStarted
from reasonedit_agent.images import ingest, open_store
from reasonedit_agent.schemas import ImageRef, Thought
from reasonedit_agent.viewer.studio.job import Job
from reasonedit_agent.viewer.studio.owners import Owners
from reasonedit_agent.viewer.studio.workshop import Agent, Parts, Workshop
from reasonedit_agent.viewer.telling import RunTold, tell

__all__ = ["Desk"]


class Desk:
    """All that the browsers of one server work on.

    Args:
        workshop: What the command line hands over.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.runs = workshop.runs
        self.owners = Owners(workshop.runs)
        self._jobs: dict[str, Job] = {}
        self._drafts: dict[str, dict[str, tuple[ImageRef, str]]] = {}
        self._agents: dict[Parts, Agent] = {}
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="studio", daemon=True)
        self._thread.start()

    # what there is

    def folder(self, session: str, run: str) -> Path:
        """Return a run's folder.

        Raises:
            UsageError: There is none, or it is another browser's; the two cannot be told apart.
        """
        folder = self.runs / run
        known = run == Path(run).name and (folder / tracing.EVENTS).is_file()
        with self._opening:
            seen = bool(run) and known and self.owners.may_see(session, run)
        if not seen:
            raise UsageError(f"There is no run {run[:60]!r} here.", hint="Choose one under Runs.")
        return folder

    def listed(self, session: str) -> list[str]:
        """Return the ids of all runs that a browser may see, the newest first."""
        entries = self.runs.iterdir() if self.runs.is_dir() else ()
        found = (entry.name for entry in entries if (entry / tracing.EVENTS).is_file())
        with self._opening:
            return sorted((run for run in found if self.owners.may_see(session, run)), reverse=True)

    # pictures

    def draft(self, session: str, path: Path) -> tuple[ImageRef, tuple[str, ...]]:
        """Take a photo in; return its name, and what was changed on the way."""
        taken = ingest(path)
        ref = open_store(self.runs / tracing.IMAGES).put(taken.data)
        self._drafts.setdefault(session, {})[ref.sha256] = ref, path.stem
        return ref, taken.notes

    def picture(self, session: str, run: str, sha256: str) -> ImageRef:
        """Return a picture of a run, or of a photo that was taken in (``draft``).

        Raises:
            UsageError: The run has no such picture, or is another browser's.
        """
        if run == "draft":
            found = self._drafts.get(session, {}).get(sha256, (None, ""))[0]
        else:
            told = self.told(session, run)
            job = self._jobs.get(run)
            preview = job.progress.preview if job and job.progress else None
            found = next((ref for ref in (*told.images, preview) if ref and ref.sha256 == sha256), None)
        if found is None:
            gone = "The studio was started again since that photo was dropped." if run == "draft" else ""
            raise UsageError("There is no such picture.", hint=gone and f"{gone} Drop it again.")
        return found

    def title(self, session: str, run: str, sha256: str) -> str:
        """Return what a picture is called: the photo's name, which what is made of it keeps."""
        if run == "draft":
            return self._drafts[session][sha256][1]
        return self.told(session, run).started.title

    def missing(self, pictures: Iterable[ImageRef]) -> frozenset[str]:
        """Return the hashes of those that the store of the runs no longer has."""
        store = open_store(self.runs / tracing.IMAGES)
        places = {ref.sha256: store.path(ref) for ref in pictures}
        return frozenset(sha256 for sha256, place in places.items() if place is not None and not place.is_file())

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
        agent, job = self._agent(parts), Job()

        def heard(event: AnyEvent) -> None:
            if isinstance(event, RunStarted):  # before anybody can see the run
                self.owners.add(session, event.run, parent)
            job.tell(event)

        self._work(job, lambda: agent.aedit(image, instruction, on_event=heard, **options))
        seen = 0
        while not job.run and not job.done:
            seen = job.wait(seen, 60)
        if not job.run:
            raise UsageError(job.error or "The run did not start.")
        self._jobs[job.run] = job
        return job

    def fork(self, session: str, run: str, round_: int, parts: Parts) -> Job:
        """Take over the first rounds of a run into a new one, and go on with other parts.

        Raises:
            UsageError: There is no such run or round.
        """
        folder, agent = self.folder(session, run), self._agent(parts)
        with self._opening:  # nobody may see it before it is written down whose it is
            made = self.workshop.fork(agent, folder, round_)
            self.owners.add(session, made, self.owners.parent(run))
        return self._resume(agent, made, None)

    def go_on(self, session: str, run: str, answer: str | None, thought: Thought | None = None) -> Job:
        """Answer a run that waits, or go on with one that was interrupted."""
        folder = self.folder(session, run)
        if self.job(run):
            raise UsageError("The run is at work.", hint="Wait, or stop it.")
        return self._resume(self.workshop.of_run(folder), run, answer, thought)

    def _resume(self, agent: Agent, run: str, answer: str | None, thought: Thought | None = None) -> Job:
        folder = self.runs / run
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
        return job is not None and job.interrupt(60)

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
            job.interrupt(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        if not self._loop.is_running():
            self._loop.close()
