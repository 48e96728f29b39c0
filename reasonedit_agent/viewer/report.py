"""The report: one HTML file of one run or of thousands."""

from __future__ import annotations

import base64
import os
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from reasonedit_agent import __version__, tracing
from reasonedit_agent.errors import ReasonEditError, StoreError, UsageError
from reasonedit_agent.images import open_store
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.schemas import Candidate, ImageRef, Usage
from reasonedit_agent.viewer.differences import between
from reasonedit_agent.viewer.many import Labels, Row, Rows, labels_of, overview
from reasonedit_agent.viewer.page import Frame, number, seconds
from reasonedit_agent.viewer.pictures import FULL, THUMBNAILS, TINY, Album, Drawn
from reasonedit_agent.viewer.places import places, transform, where
from reasonedit_agent.viewer.telling import tell
from reasonedit_agent.viewer.told import AXES, NodeCost, RunTold, pick_name

__all__ = ["Written", "find_runs", "write_report"]

TEXT, LIGHT_TEXT = 20_000, 600
"""So many characters of one text are shown; the trace has the rest."""

MANY = 100
"""With more runs than this their sections are packed: a browser builds one only when it is opened."""

_USED = {
    "gpu_seconds": "{} s of GPU",
    "prompt_tokens": "{} prompt tokens",
    "cached_tokens": "{} of them cached",
    "completion_tokens": "{} reply tokens",
    "images": "{} pictures",
    "usd": "${}",
}

SHOWN = 200
"""So many rows of the table of runs are laid out at first."""


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        runs: In the report.
        size: Of the file in bytes.
        left_out: Why, by the folder of a run that could not be read.
    """

    runs: int
    size: int
    left_out: dict[str, str]


def find_runs(names: Sequence[str | os.PathLike[str]], runs: str | os.PathLike[str] | None = None) -> list[Path]:
    """Return the folders of runs, each once, in the order given.

    Args:
        names: Ids, starts of ids, folders of runs, or folders that hold such folders.
        runs: Where ids are looked for; None is the usual place.

    Raises:
        UsageError: There is none of a name.
    """
    found: dict[Path, None] = {}
    for name in names:
        path = Path(name)
        inside = (
            [] if (path / tracing.EVENTS).is_file() or not path.is_dir() else sorted(path.glob(f"*/{tracing.EVENTS}"))
        )
        if path.is_dir() and not inside and not (path / tracing.EVENTS).is_file():
            raise UsageError(f"The folder {path} has no runs in it.", hint="Name one with runs, or a run's id.")
        for folder in [events.parent.resolve() for events in inside] or [tracing.find_run(name, runs)]:
            found.setdefault(folder)
    if not found:
        raise UsageError("There is no run to report.", hint="`reasonedit trace list` shows them.")
    return list(found)


def write_report(
    runs: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    folder: str | os.PathLike[str] | None = None,
    light: bool = False,
    what_if: Mapping[str, Rows] | None = None,
    labels: Labels | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write one HTML file that loads nothing from outside.

    Args:
        runs: As in `find_runs`.
        out: The file; it is replaced when the new one is complete.
        folder: Where ids are looked for.
        light: Thumbnails only, and the starts of long texts.
        what_if: Rows of what other policies would have done, by the run's id; those under ``""`` are over all runs.
        labels: Whether candidates are good: shown with them, and in the plot of calibration beside what people said in
            the runs.
        progress: Told how many runs were taken, of how many.

    Raises:
        UsageError: There is no such run, or a package of the extra is missing.
        TraceError: The one run that was asked for cannot be read.
        StoreError: The file cannot be written.
    """
    folders = find_runs(runs, folder)
    report = _Report(light, what_if or {}, labels or {}, len(folders))
    target = Path(out)
    try:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as body:
            for done, place in enumerate(folders, 1):
                report.add(place, body)
                if progress:
                    progress(done, len(folders))
            body.seek(0)
            return report.write(target, body)
    except OSError as error:
        raise StoreError(f"The report {target} cannot be written: {error.strerror or error}.") from error


class _Report:
    """Takes runs one after the other; what is kept of each is its row."""

    def __init__(self, light: bool, what_if: Mapping[str, Rows], labels: Labels, runs: int) -> None:
        self.light, self.what_if, self.labels = light, what_if, labels
        self.single = runs == 1
        self.packed = runs > MANY
        self.frame = Frame()
        self.album = Album((TINY if self.packed else THUMBNAILS) if light else FULL)
        self.rows: list[Row] = []
        self.left_out: dict[str, str] = {}

    def add(self, folder: Path, body: IO[str]) -> None:
        """Write the section of a run; one of several that cannot be read is left out and named."""
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                events = tracing.read_events(folder)
        except ReasonEditError as error:
            if self.single:
                raise
            self.left_out[str(folder)] = str(error)
            return
        run = tell(events, torn=any("torn" in str(warning.message) for warning in caught))
        anchor = f"run{len(self.rows) + 1}"
        store = open_store(folder.parent / tracing.IMAGES)
        self.album.begin(len(run.images))
        section = self.frame.render("run.html", **self._values(run, anchor, store))
        if not self.single:
            packed = _packed(section) if self.packed else ""
            values = {"section": _markup(section), "packed": packed}
            section = self.frame.render("section.html", run=run, anchor=anchor, **values)
        self.rows.append(self._row(run, anchor, folder, store))
        # The pictures stand outside of what is folded or packed: the table shows them too.
        body.write(section + self.frame.render("pictures.html", pictures=self.album.take()))

    def _values(self, run: RunTold, anchor: str, store: ImageStore) -> dict[str, Any]:
        album, light = self.album, self.light
        source = Candidate.of(run.started.request.image)

        def heat(base: Candidate, made: Candidate) -> Any:
            return album.heat(store, base, made)

        return {
            "run": run,
            "anchor": anchor,
            "single": self.single,
            "light": light,
            "h": 2 if self.single else 4,
            "most": LIGHT_TEXT if light else TEXT,
            "photo": lambda ref: album.photo(store, ref),
            "heat": heat,
            "places": lambda round_: places(run, round_, album, store),
            "matrix": lambda base, made: transform(between(base or source, made)),
            "pick_name": pick_name,
            "pick_name_short": lambda r, c, several: f"Round {r}.{c + 1}" if several else f"Round {r}",
            "where": where,
            "cost": _cost,
            "costs": _costs,
            "what_if": self.what_if.get(run.started.run, ()),
            "label": lambda round_, candidate: self.labels.get((run.started.run, round_, candidate)),
            "AXES": AXES,
        }

    def _row(self, run: RunTold, anchor: str, folder: Path, store: ImageStore) -> Row:
        def photo(ref: ImageRef) -> Drawn:
            return self.album.photo(store, ref)

        pictures = {(0, 0): photo(run.started.request.image)}
        for round_ in run.rounds:
            for result in round_.results:
                if result.candidate:
                    pictures[round_.index, result.index] = photo(result.candidate.image)
        predicted, said = labels_of(run)
        started = run.started
        return Row(
            anchor=anchor,
            run=started.run,
            folder=folder,
            instruction=started.request.instruction[:200],
            status=run.status,
            rounds=sum(round_.complete and not round_.shadow for round_ in run.rounds),
            score=run.kept_scores.overall if run.kept_scores else None,
            seconds=run.elapsed,
            usd=run.spent.usd,
            stopped_by=run.ended.stopped_by if run.ended else "",
            parts=f"{started.reasoner.name}, {started.tool.name}, {started.policy}",
            keep=(run.keep.round, run.keep.candidate),
            pictures=pictures,
            predicted=predicted,
            said=said,
        )

    def write(self, target: Path, body: IO[str]) -> Written:
        """Write the file beside its place, then put it there."""
        if not self.rows:
            raise UsageError("None of these runs can be read.", hint=next(iter(self.left_out.values())))
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with part.open("w", encoding="utf-8", errors="replace") as file:
                for text in self._start():
                    file.write(text)
                while chunk := body.read(1 << 20):
                    file.write(chunk)
                file.write("" if self.single else "</section>\n")
                file.write(self.frame.foot(version=__version__, light=self.light))
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        return Written(len(self.rows), target.stat().st_size, self.left_out)

    def _start(self) -> Iterator[str]:
        if self.single:
            yield self.frame.top(f"{self.rows[0].instruction[:80]} · reasonedit")
            return
        first, last = self.rows[0].run, self.rows[-1].run
        title = f"{len(self.rows)} runs" if len(self.rows) > 1 else first
        yield self.frame.top(f"{title} · reasonedit")
        yield self.frame.render(
            "many.html",
            title=f"{first} to {last}" if len(self.rows) > 1 else first,
            rows=self.rows,
            shown=SHOWN,
            # The page says nothing of the machine that made it.
            left_out={Path(run).name: why.replace(f"{run}{os.sep}", "") for run, why in self.left_out.items()},
            what_if=self.what_if.get("", ()),
            **overview(self.rows, self.labels),
        )


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # a rendered template: escaped already


def _packed(text: str) -> str:
    """Return text deflated (without a header) as base64, as the page's script unpacks it."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(packer.compress(text.encode(errors="replace")) + packer.flush()).decode()


def _cost(usage: Usage, timed: bool = True) -> str:
    """Return what is known of a usage as a line."""
    known = {name: getattr(usage, name) for name in _USED}
    words = [_USED[name].format(number(value)) for name, value in known.items() if value is not None]
    if timed and usage.seconds is not None:
        words.insert(0, seconds(usage.seconds))
    return ", ".join(words)


def _costs(nodes: Sequence[NodeCost]) -> list[dict[str, Any]]:
    """Return the table of the nodes; columns that nobody told are left out."""
    rows = []
    for node in nodes:
        usage = node.usage.model_dump()
        rows.append(
            {
                "node": node.node,
                "answered by": node.answered_by or "–",
                "seconds": None if node.seconds is None else float(node.seconds),
                "calls": node.calls,
                "attempts": node.attempts,
                "errors": node.errors or None,
                **{name.replace("_", " "): usage[name] for name in _USED},
            }
        )
    always = ("node", "answered by", "seconds", "calls", "attempts")
    names = [name for name in rows[0] if name in always or any(row[name] is not None for row in rows)]
    return [{name: row[name] for name in names} for row in rows]
