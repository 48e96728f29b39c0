"""The tables of the index: each column with its type and meaning, in this one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TABLES", "Column", "Table", "arrow_schema", "document"]

Type = Literal["text", "int", "real", "flag"]


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: In SQL and in frames.
        type: ``text`` (string), ``int`` (64 bits), ``real`` (double) or ``flag`` (boolean); null where it is not known.
        about: What it says.
    """

    name: str
    type: Type
    about: str


@dataclass(frozen=True)
class Table:
    """A table: what one row is, and its columns."""

    about: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]


_TYPES: dict[str, Type] = {"t": "text", "i": "int", "r": "real", "f": "flag"}


def _table(about: str, *columns: str) -> Table:
    """Return a table from lines ``name:type about``."""
    parsed = []
    for line in columns:
        head, text = line.split(" ", 1)
        name, kind = head.split(":")
        parsed.append(Column(name, _TYPES[kind], text))
    return Table(about, tuple(parsed))


_RUN = "run:t the run's id: the name of its folder"
_ROUND = "round:i of the run, from 1; 0 is before the first"
_SHADOW = "shadow:f whether it was recorded past the stop: it counts in no cost"
_USAGE = (
    "gpu_seconds:r busy time of accelerators, where it is told",
    "prompt_tokens:i tokens read, where they are told",
    "cached_tokens:i of those from a cache",
    "completion_tokens:i tokens written",
    "images:i pictures sent or made",
    "usd:r US dollars, where the price is known",
)

TABLES: dict[str, Table] = {
    "runs": _table(
        "a run",
        _RUN,
        "title:t the name for people",
        "at:r when it started, seconds since 1970, by that machine's clock",
        "instruction:t as the person wrote it",
        "width:i of the source, pixels",
        "height:i of the source, pixels",
        "source:t SHA-256 of the source image",
        "seed:i of the run",
        "reasoner:t text that builds it, or its name and version",
        "tool:t the same of the tool",
        "comparer:t the same of the comparer, if there is one",
        "policy:t as text",
        "parts:t eight hexadecimal digits of all that tells the parts apart: names, versions, settings, policy, fit",
        "status:t accepted, best_effort, unsupported, failed, waiting or invalid; null while it is open",
        "stopped_by:t the reason of the last stop",
        "error:t why it failed",
        "rounds:i complete rounds, without shadow rounds",
        "shadow_rounds:i rounds past the stop",
        "first_verdict:t what stands for round 1",
        "last_verdict:t what stands for the last round before the stop",
        "kept_round:i of the result; 0 is the source",
        "kept_candidate:i of the result",
        "kept_overall:r overall score of the result, 0 to 10",
        "kept_key:r keep key of the result, 0 to 100",
        "seconds:r active seconds to the stop: waiting for a person is free",
        *_USAGE,
        "calls:i calls that cost something, up to the stop",
        "unpriced_calls:i of those, how many gave a reply and have no price in usd",
        "events:i lines of its trace",
        "parent:t the run that it was forked from; null when it is no fork",
        "parent_round:i how many rounds it took over from there",
        "taken_events:i lines that it took over: they count with the parent",
        "own_seconds:r seconds without what was taken over; as seconds when it is no fork, and so below",
        *(f"own_{column.split(' ')[0]} the same of {column.split(':')[0]}" for column in _USAGE),
        "own_calls:i the same of calls",
        "own_unpriced_calls:i the same of unpriced_calls",
    ),
    "rounds": _table(
        "a complete round",
        _RUN,
        _ROUND,
        _SHADOW,
        "base_round:i where it started: 0 is the source",
        "base_candidate:i of that round",
        "instruction:t what the tool was asked",
        "operations:t names of the typed operations, with commas",
        "quality:t draft or final",
        "candidates:i how many were wanted",
        "verdict:t that stands for the round: accepted, refine, rejected or failure",
        "candidate:i whose verdict that is",
        "overall:r its overall score, sqrt(SC * PQ), 0 to 10",
        "keep_key:r its keep key, SC * PQ, 0 to 100",
        "best_overall:r overall score of what would be kept after it, 0 to 10",
        "action:t what was decided after it: continue, stop or ask",
        "reason:t of a stop",
        "seconds:r active seconds of the round",
    ),
    "candidates": _table(
        "a result, or a failure in its place",
        _RUN,
        _ROUND,
        "candidate:i index in the round, from 0",
        _SHADOW,
        "standing:f whether its verdict stands for the round",
        "kept:f whether it is the run's result",
        "image:t SHA-256",
        "width:i pixels",
        "height:i pixels",
        "seed:i that made it",
        "verdict:t accepted, refine, rejected or failure",
        "overruled:f whether a person rejected it: the verdict is theirs, the scores are the Reasoner's",
        "failure:t why there is no picture or no verdict: unsupported, malformed, refused, timed_out or lost",
        "failed_node:t edit or reflect",
        "message:t of the failure",
        "edit_success:r 0 to 10; null where scores were not recorded",
        "over_editing:r 0 to 10, 10 is nothing else changed",
        "naturalness:r 0 to 10",
        "artefacts:r 0 to 10, 10 is none",
        "semantic:r SC, the lower of the first two",
        "perceptual:r PQ, the lower of the last two",
        "overall:r sqrt(SC * PQ), 0 to 10",
        "keep_key:r SC * PQ, 0 to 100",
        "confidence:r probability that the judge gave to accepting",
        "critique:t in words",
        "next_text:t the steps that the verdict asks for",
        "preference:t against the incumbent: a (the incumbent), b (this one), tie or failure",
        "measures:t what the tool measured, as JSON",
    ),
    "answers": _table(
        "an answer to a question of the checklist",
        _RUN,
        _ROUND,
        "candidate:i of the round",
        "number:i of the question, from 0",
        "question:t in words",
        "yes:f null where it could not be told",
        "note:t in words",
    ),
    "calls": _table(
        "a call of a backend, or one attempt at it",
        _RUN,
        "seq:i line of the trace, from 0",
        "at:r seconds since 1970",
        "node:t of the graph",
        _ROUND,
        "candidate:i of the round",
        "attempt:i from 1",
        _SHADOW,
        "backend:t who was called",
        "prompt:t name and version of the words",
        "prompt_sha256:t of the words",
        "raw:t the reply as it came",
        "reasoning:t what the model thought before",
        "error:t why this attempt gave none",
        "note:t anything else",
        "seconds:r wall time",
        *_USAGE,
    ),
    "decisions": _table(
        "a decision",
        _RUN,
        "seq:i line of the trace, from 0",
        "after:i complete rounds before it",
        "author:t policy, graph or person",
        "action:t continue, stop or ask",
        "reason:t of a stop",
        "detail:t of a stop; the question of an ask; the instruction of a continue",
        "base_round:i of a continue; 0 is the source",
        "base_candidate:i of a continue",
        "keep_round:i what was best then; 0 is the source",
        "keep_candidate:i of that round",
        "stands:f whether it is the one that counts",
    ),
    "people": _table(
        "what a person said",
        _RUN,
        "seq:i line of the trace, from 0",
        "at:r seconds since 1970",
        "node:t approve, review or decide",
        "after:i complete rounds before it",
        "kind:t accept, reject, stop or advice",
        "text:t the advice",
    ),
    "events": _table(
        "a line of the trace",
        _RUN,
        "seq:i line, from 0",
        "at:r seconds since 1970",
        "type:t of the event",
        "node:t of the graph",
        _ROUND,
        "candidate:i of the round",
        "attempt:i from 1",
        "seconds:r how long the part took, by a clock that does not jump",
        "reused:f whether an edit was looked up and not made",
        "failure:t reason of a failure",
        "text:t of a note, a question or a failure",
    ),
    "sources": _table(
        "a trace file that was found",
        _RUN,
        "size:i bytes when it was read",
        "modified:i nanoseconds since 1970",
        "segment:i of the index; null where it was skipped",
        "events:i lines that were read",
        "problem:t why it was skipped, or what was left out",
    ),
}
"""All tables by name. `failures` is a view over them (`reasonedit_agent.analysis.failures`)."""


def arrow_schema(table: str) -> pa.Schema:
    """Return the Arrow schema of a table."""
    import pyarrow as pa

    types = {"text": pa.string(), "int": pa.int64(), "real": pa.float64(), "flag": pa.bool_()}
    return pa.schema([(column.name, types[column.type]) for column in TABLES[table].columns])


def document() -> str:
    """Return all tables with their columns as Markdown."""
    parts = []
    for name, table in TABLES.items():
        parts.append(f"## {name}\n\nA row is {table.about}.\n\n| column | type | says |\n| --- | --- | --- |\n")
        parts += [f"| `{c.name}` | {c.type} | {c.about} |\n" for c in table.columns]
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"
