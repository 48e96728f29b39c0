"""Labels: what people say of a round's result. They lie beside the runs, in ``labels.jsonl``, and are only added to.

A line is a `Label`. Who changes their mind adds another: the last one of a person under a guideline stands.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from reasonedit_agent import tracing
from reasonedit_agent.errors import ReasonEditError, StoreError, UsageError
from reasonedit_agent.folding import Fold
from reasonedit_agent.schemas import Candidate, Value

__all__ = [
    "COLUMNS",
    "LABELS",
    "Added",
    "Label",
    "add_label",
    "add_labels",
    "import_labels",
    "read_labels",
    "standing_labels",
]

LABELS = "labels.jsonl"
"""The file, in the folder of the runs."""

COLUMNS = ("run", "round", "candidate", "label", "comment", "annotator", "guideline")
"""Of a CSV file; run, round and label must be there."""

MAX_CSV = 64 * 2**20
"""Largest CSV file that is read, bytes."""


class Label(Value):
    """What one person says of one candidate.

    Attributes:
        run: Id of the run.
        round: Of the run, from 1.
        candidate: Of the round, from 0.
        label: Whether the picture is accepted; ``comment`` says neither.
        comment: In words.
        annotator: Who says it.
        guideline: Name or version of the guideline that they followed.
        at: Seconds since 1970.
    """

    run: Annotated[str, Field(min_length=1)]
    round: Annotated[int, Field(ge=1)]
    candidate: Annotated[int, Field(ge=0)] = 0
    label: Literal["accept", "reject", "comment"]
    comment: str = ""
    annotator: str = ""
    guideline: str = ""
    at: float = 0.0

    @property
    def said(self) -> tuple[Any, ...]:
        """All but the time: who says the same again adds nothing."""
        return self.run, self.round, self.candidate, self.label, self.comment, self.annotator, self.guideline


@dataclass(frozen=True)
class Added:
    """What adding labels did.

    Attributes:
        added: Labels that were written.
        known: How many said what stands there already.
        problems: One line for each that was left out.
    """

    added: tuple[Label, ...] = ()
    known: int = 0
    problems: tuple[str, ...] = ()


@dataclass
class _Runs:
    """Which runs, rounds and pictures there are; each trace is read once."""

    folder: Path
    _pictures: dict[str, frozenset[tuple[int, int]] | str] = field(default_factory=dict)
    _names: tuple[str, ...] | None = None

    def full(self, label: Label) -> Label:
        """Return the label with the whole id of its run.

        Raises:
            UsageError: There is no such run, round or picture.
        """
        name = self._named(label.run)
        if name not in self._pictures:
            self._pictures[name] = self._read(name)
        known = self._pictures[name]
        if isinstance(known, str):
            raise UsageError(known)
        place = label.round, label.candidate
        if place not in known:
            there = ", ".join(f"{r}.{c}" for r, c in sorted(known)[:12]) or "none"
            raise UsageError(f"the run {name} has no picture {place[0]}.{place[1]}.", hint=f"It has: {there}.")
        return label.model_copy(update={"run": name})

    def _named(self, name: str) -> str:
        if self._names is None:
            self._names = tuple(file.parent.name for file in self.folder.glob(f"*/{tracing.EVENTS}"))
        found = [known for known in self._names if known.startswith(name)]
        if name in found or len(found) == 1:
            return name if name in found else found[0]
        problem = f"{name!r} names {len(found)} runs." if found else f"there is no run {name!r} in {self.folder}."
        raise UsageError(problem)

    def _read(self, name: str) -> frozenset[tuple[int, int]] | str:
        try:
            rounds = Fold(tracing.read_events(self.folder / name)).history.rounds
        except ReasonEditError as error:
            return str(error)
        places = ((done.index, index, found) for done in rounds for index, found in enumerate(done.candidates))
        return frozenset((index, number) for index, number, found in places if isinstance(found, Candidate))


def add_label(runs: str | os.PathLike[str] | None = None, **fields: Any) -> Label:
    """Add one label.

    Args:
        runs: Folder of the runs; None is the user's.
        **fields: Of `Label`; ``run`` may be the start of an id.

    Returns:
        The label as it stands in the file.

    Raises:
        UsageError: A field is wrong, or there is no such run, round or picture.
        StoreError: It cannot be written.
    """
    label = _made(fields)
    added = add_labels([label], runs)
    if added.problems:
        raise UsageError(f"The label was not added: {added.problems[0]}")
    return added.added[0] if added.added else label


def add_labels(
    labels: Iterable[Label], runs: str | os.PathLike[str] | None = None, where: Callable[[int], str] = lambda _: ""
) -> Added:
    """Add labels; those of runs that are not there are left out and named, those that stand already are not repeated.

    Args:
        labels: In order.
        runs: Folder of the runs; None is the user's.
        where: Where a label of this number comes from, for the line that names it.

    Raises:
        StoreError: They cannot be written.
    """
    folder = tracing.runs_folder(runs)
    there = _Runs(folder)
    good: list[Label] = []
    problems: list[str] = []
    for number, label in enumerate(labels):
        try:
            good.append(there.full(label).model_copy(update={"at": label.at or round(time.time(), 3)}))
        except UsageError as error:
            problems.append(f"{where(number)}{error}")
    new: list[Label] = []
    if good:
        new = _append(folder / LABELS, good)
    return Added(tuple(new), len(good) - len(new), tuple(problems))


def _append(path: Path, labels: list[Label]) -> list[Label]:
    """Write the labels that say something new, in one piece, while nobody else writes; return them."""
    try:
        with path.open("a+b") as file:
            tracing.lock(file, wait=True)
            file.seek(0)
            data = file.read()
            latest = {_topic(label): label.said for label in _parsed(data, path, [])}
            new = []
            for label in labels:
                if latest.get(_topic(label)) != label.said:
                    latest[_topic(label)] = label.said
                    new.append(label)
            # A line that a crash tore gets an end, so that the next one is whole.
            torn = b"\n" if data and not data.endswith(b"\n") else b""
            if new:
                file.write(torn + b"".join(label.model_dump_json().encode() + b"\n" for label in new))
                file.flush()
                os.fsync(file.fileno())
            return new
    except OSError as error:
        raise StoreError(f"The labels {path} cannot be written: {error.strerror}.") from error


def _who(label: Label) -> tuple[Any, ...]:
    return label.run, label.round, label.candidate, label.annotator, label.guideline


def _topic(label: Label) -> tuple[Any, ...]:
    """Return what a new label takes the place of: the person's last decision; a comment only of the same one."""
    return (*_who(label), label.comment) if label.label == "comment" else _who(label)


def read_labels(runs: str | os.PathLike[str] | None = None, problems: list[str] | None = None) -> list[Label]:
    """Return all labels in the order in which they were added.

    Args:
        runs: Folder of the runs; None is the user's.
        problems: Gets one line for each line of the file that is none; those are left out.

    Raises:
        StoreError: The file cannot be read.
    """
    path = tracing.runs_folder(runs) / LABELS
    try:
        data = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise StoreError(f"The labels {path} cannot be read: {error.strerror}.") from error
    return list(_parsed(data, path, [] if problems is None else problems))


def _parsed(data: bytes, path: Path, problems: list[str]) -> Iterator[Label]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                yield Label.model_validate_json(line)
            except ValidationError as error:
                problems.append(f"{path}, line {number}, is no label: {_first(error)}.")


def standing_labels(labels: Iterable[Label]) -> list[Label]:
    """Return what stands: the last accept or reject of each person on each candidate under each guideline."""
    return list({_who(label): label for label in labels if label.label != "comment"}.values())


# -- from a CSV file --------------------------------------------------------------------------------------------------


def import_labels(path: Path, runs: str | os.PathLike[str] | None = None) -> Added:
    """Add the labels of a CSV file with a line of column names (`COLUMNS`); commas, semicolons or tabs part them.

    Rows that cannot be used are named and left out; the others are taken. Importing a file again adds nothing twice.

    Raises:
        UsageError: The file cannot be read, or its columns are wrong.
        StoreError: The labels cannot be written.
    """
    rows = _rows(path)
    labels: list[Label] = []
    lines: list[int] = []
    problems: list[str] = []
    for line, row in rows:
        try:
            labels.append(_made(row))
            lines.append(line)
        except UsageError as error:
            problems.append(f"line {line}: {error}")
    added = add_labels(labels, runs, lambda number: f"line {lines[number]}: ")
    return Added(added.added, added.known, (*problems, *added.problems))


def _rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        if path.stat().st_size > MAX_CSV:
            raise UsageError(f"{path} is larger than {MAX_CSV >> 20} MiB.", hint="Import it in parts.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8: byte {error.start}.", hint="Save it as CSV UTF-8.") from error
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        _check_columns(path, names)
        found = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((reader.line_num, _row(names, cells)))
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}, is no CSV: {error}.") from error
    return found


def _check_columns(path: Path, names: list[str]) -> None:
    hint = f"The columns are: {', '.join(COLUMNS)}; run, round and label must be there."
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in ("run", "round", "label") if name not in names]
    twice = [name for name in names if names.count(name) > 1]
    for what, wrong in (("an unknown", unknown), ("no", missing), ("twice the", twice)):
        if wrong:
            raise UsageError(f"{path} has {what} column {wrong[0]!r}.", hint=hint)


def _row(names: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) > len(names):
        return {"cells": f"{len(cells)} for {len(names)} columns"}
    row = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
    row["label"] = row.get("label", "").lower()
    return {name: cell for name, cell in row.items() if cell}


def _made(fields: dict[str, Any]) -> Label:
    if "cells" in fields:
        raise UsageError(f"it has {fields['cells']}", hint="A comma in a comment needs quotes around it.")
    try:
        return Label.model_validate_strings(fields) if _texts(fields) else Label(**fields)
    except ValidationError as error:
        raise UsageError(f"{_first(error)}.", hint="A label is accept, reject or comment.") from error


def _texts(fields: dict[str, Any]) -> bool:
    return all(isinstance(value, str) for value in fields.values())


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    given = first.get("input")
    shown = f" ({json.dumps(given)[:60]})" if isinstance(given, str | int | float) and first["loc"] else ""
    return f"{'.'.join(str(part) for part in first['loc']) or 'it'}: {first['msg']}{shown}"
