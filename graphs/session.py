"""One run under way: its parts, its trace, and the one place where an exception of a part becomes a Failure."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import JsonValue, ValidationError

from reasonedit_agent import registry, tracing
from reasonedit_agent.errors import StoreError, UsageError
from reasonedit_agent.events import AnyEvent, Asked, Called, Node, Noted, PartInfo, RunStarted
from reasonedit_agent.folding import Fold
from reasonedit_agent.images import Ingested, ingest, open_store
from reasonedit_agent.protocols import Comparer, EditTool, ImageStore, Policy, Reasoner
from reasonedit_agent.schemas import Box, EditCall, EditRequest, Failure, Phrase, Polygon, Region
from reasonedit_agent.telemetry.live import live

__all__ = ["Listener", "NodeContext", "Parts", "Session", "build_parts", "edit_key", "open_run", "start_run", "typed"]

T = TypeVar("T")
Listener = Callable[[AnyEvent], None]


# -- parts ------------------------------------------------------------------------------------------------------------


class PriceTable(Protocol):
    """What calls cost; see `reasonedit_agent.analysis.prices.Prices`."""

    def priced(self, event: Called, part: PartInfo | None = None) -> Called:
        """Return the event with what it costs in dollars, where that is known."""
        ...

    def frozen(self) -> dict[str, JsonValue]:
        """Return the table as JSON, for the first event of a run."""
        ...


@dataclass(frozen=True)
class Parts:
    """Who takes part in a run.

    Attributes:
        reasoner: Thinks and reflects.
        tool: Edits.
        policy: Decides.
        comparer: Compares, when the policy needs it.
        specs: The texts that built them, by role; empty where an object was handed over.
        prices: What calls cost in a run that starts now; one that goes on has its own, in its first event.
    """

    reasoner: Reasoner
    tool: EditTool
    policy: Policy
    comparer: Comparer | None
    specs: dict[str, str]
    prices: PriceTable

    def info(self, role: str) -> PartInfo:
        """Return a part's info with the text that builds it again."""
        info: PartInfo = getattr(self, role).info
        return info.model_copy(update={"spec": self.specs.get(role, "")})


def build_parts(
    reasoner: object, tool: object, policy: object, comparer: object = None, prices: object = None
) -> Parts:
    """Return the parts that the arguments name.

    Raises:
        UsageError: A name is unknown, a text has an error, an object does not fit, or the policy needs a comparer.
    """
    made = {
        "reasoner": registry.build("reasoners", reasoner),
        "tool": registry.build("tools", tool),
        "comparer": None if comparer is None else registry.build("comparers", comparer),
    }
    for role, seam in (("reasoner", Reasoner), ("tool", EditTool), ("comparer", Comparer)):
        if made[role] is not None and not isinstance(made[role], seam):
            raise UsageError(f"{made[role]!r} is no {role}.", hint=f"See reasonedit_agent.protocols.{seam.__name__}.")
    rules: Policy = registry.build_policy(policy)
    if "comparison" in rules.needs and comparer is None:
        raise UsageError(f"The policy {rules.text!r} compares results.", hint="Give a comparer.")
    specs = {"reasoner": reasoner, "tool": tool, "comparer": comparer}
    texts = {role: spec for role, spec in specs.items() if isinstance(spec, str)}
    return Parts(policy=rules, specs=texts, prices=registry.build_prices(prices), **made)


# -- the session ------------------------------------------------------------------------------------------------------


class Session:
    """An open run: what the nodes act on.

    Args:
        parts: Who takes part.
        folder: Of the run.
        images: The store.
        resumed: Whether the trace exists already.
        deadline: On `time.monotonic`'s clock.
        listeners: Called with every event, from the thread that emits it.

    Raises:
        TraceError: Another process writes the run.
    """

    def __init__(
        self,
        parts: Parts,
        folder: Path,
        images: ImageStore,
        *,
        resumed: bool = False,
        deadline: float | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.parts = parts
        self.folder = folder
        self.images = images
        self.deadline = deadline
        self.cancelled = False
        self._listeners = tuple(listeners)
        self._writer = tracing.TraceWriter(folder)
        # Read what is there once nobody else can write: two resumes at once must not act on the same past.
        try:
            self.fold = Fold(tracing.read_events(folder) if resumed else ())
        except StoreError:
            self._writer.close()
            raise
        self._lock = threading.Lock()
        self._prices: PriceTable | None = None
        self._telemetry = live(self.fold.started)

    def close(self) -> None:
        """Put the trace on the disk and let go of the run."""
        try:
            with self._lock:
                self._writer.close()
        finally:
            if self._telemetry is not None:
                self._telemetry.close()

    def record(self, event: AnyEvent) -> None:
        """Write an event to the trace, fold it, and tell those who listen. Progress is only told.

        A call gets its price here, by the table in the run's first event, unless its part told what it cost.
        """
        event = event.model_copy(update={"at": round(time.time(), 4)})
        if isinstance(event, Called):
            event = self._priced(event)
        with self._lock:
            if event.type != "progress":
                self._writer.write(event)
                self.fold.add(event)
            if self._telemetry is not None:
                self._telemetry.add(event)
        for listener in self._listeners:
            listener(event)

    def _priced(self, event: Called) -> Called:
        frozen = self.fold.run.fitted.get("prices")
        if not frozen:
            return event
        if self._prices is None:
            self._prices = registry.build_prices(frozen)
        role = {"edit": "tool", "compare": "comparer"}.get(event.node, "reasoner")
        return self._prices.priced(event, getattr(self.fold.run, role))

    def write_plan(self) -> Path:
        """Write the plan beside the trace, for a person to read and change."""
        path = self.folder / "thought.json"
        thought = self.fold.history.thought
        try:
            path.write_text(thought.model_dump_json(indent=2) if thought else "", encoding="utf-8")
        except OSError as error:
            raise StoreError(f"The plan {path} cannot be written: {error.strerror}.") from error
        return path

    @property
    def late(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    async def ask(
        self,
        node: Node,
        call: Callable[[NodeContext], Awaitable[T]],
        *,
        round_: int = 0,
        candidate: int = 0,
        asked: dict[str, Any] | None = None,
    ) -> tuple[T | Failure, dict[str, Any]]:
        """Write an `Asked` event and call a part; the only place where its exception becomes a Failure.

        Returns:
            The value, or the failure, and the fields of the event that the node writes: the place and the seconds.
        """
        attempt = self.fold.attempt(node, round_, candidate)
        place = {"node": node, "round": round_, "candidate": candidate, "attempt": attempt}
        self.record(Asked(**place, **(asked or {})))
        context = NodeContext(self, place)
        start = time.perf_counter()
        try:
            left = None if self.deadline is None else self.deadline - time.monotonic()
            async with asyncio.timeout(left):
                value: T | Failure = await call(context)
        except (UsageError, StoreError):
            raise
        except Exception as error:
            value = Failure.of(error)
        return value, {**place, "seconds": time.perf_counter() - start}


async def typed(call: Awaitable[T], kind: Any) -> T:
    """Return what a part answers, if it is of the kind that it must be.

    Raises:
        TypeError: It is not; a part that breaks the contract is a part that failed.
    """
    value = await call
    if not isinstance(value, kind):
        raise TypeError(f"it answered with {type(value).__name__}, not with {getattr(kind, '__name__', kind)}")
    return value


class NodeContext:
    """The `reasonedit_agent.protocols.Context` of one call."""

    def __init__(self, session: Session, place: dict[str, Any]) -> None:
        self.images = session.images
        self.deadline = session.deadline
        self._session = session
        self._place = place

    def emit(self, event: AnyEvent) -> None:
        """Record the event at this call's place."""
        self._session.record(event.model_copy(update=self._place))

    def cancelled(self) -> bool:
        """Whether the run was given up."""
        return self._session.cancelled


def edit_key(call: EditCall, tool: EditTool) -> str:
    """Return the key of a finished edit: the call, and the tool with its version and settings.

    The seeds of a deterministic tool change nothing and do not count.
    """
    exclude = {"seeds"} if tool.card.deterministic else None
    text = f"{call.model_dump_json(exclude=exclude)}{len(call.seeds)}{tool.info.model_dump_json()}"
    return hashlib.sha256(text.encode()).hexdigest()


# -- opening a run ----------------------------------------------------------------------------------------------------


def start_run(
    parts: Parts,
    image: str | os.PathLike[str] | bytes,
    instruction: str,
    *,
    runs: Path,
    references: Sequence[str | os.PathLike[str] | bytes] = (),
    region: Region | str | None = None,
    seed: int | None = None,
    candidates: int = 1,
    approve: bool = False,
    review: bool = False,
    shadow: int = 0,
    key: str | None = None,
    title: str = "",
    run: str | None = None,
    deadline: float | None = None,
    listeners: Sequence[Listener] = (),
) -> Session:
    """Check the input, store its images, and open a new run with its first event.

    Raises:
        UsageError: Something about the input is wrong; nothing was written then.
    """
    text = check_instruction(instruction)
    sources = [ingest(image), *(ingest(reference) for reference in references)]
    images = open_store(runs / tracing.IMAGES)
    refs = [images.put(source.data) for source in sources]
    request = make_request(
        image=refs[0],
        instruction=text,
        references=tuple(refs[1:]),
        region=Phrase(text=region) if isinstance(region, str) and region else region,
        seed=_drawn(parts) if seed is None else seed,
        candidates=1 if parts.tool.card.deterministic else candidates,
    )
    name = title or ("image" if isinstance(image, bytes) else Path(image).stem)
    run = run or tracing.new_run_id()
    session = Session(parts, runs / run, images, deadline=deadline, listeners=listeners)
    session.record(
        RunStarted(
            run=run,
            title=name,
            request=request,
            reasoner=parts.info("reasoner"),
            tool=parts.info("tool"),
            comparer=parts.info("comparer") if parts.comparer else None,
            card=parts.tool.card,
            policy=parts.policy.text,
            fitted={**getattr(parts.policy, "fitted", {}), "prices": parts.prices.frozen()},
            approve=approve,
            review=review,
            shadow=shadow,
            key=key,
        )
    )
    for note in _notes(request, sources, candidates):
        session.record(Noted(text=note))
    return session


def _drawn(parts: Parts) -> int:
    """Return a new seed, or the one of a part that only knows the answers for its own (a recorded one)."""
    own = [getattr(part, "seed", None) for part in (parts.tool, parts.reasoner)]
    return next((int(seed) for seed in own if seed is not None), int.from_bytes(os.urandom(4), "big"))


def make_request(**fields: Any) -> EditRequest:
    """Return the request.

    Raises:
        UsageError: A field is wrong, or the region lies outside of the picture.
    """
    try:
        request = EditRequest(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"{first['loc'][0]} is wrong: {first['msg']}.") from error
    if (extent := _extent(request.region)) is not None:
        left, top, right, bottom = extent
        width, height = request.image.size
        if left >= width or right <= 0 or top >= height or bottom <= 0:
            raise UsageError("The region lies outside of the picture.", hint=f"It has {width}x{height} pixels.")
    return request


def _extent(region: Region | None) -> tuple[float, float, float, float] | None:
    """Return the sides of the box around a box or a polygon: left, top, right, bottom."""
    if isinstance(region, Box):
        return region.left, region.top, region.right, region.bottom
    if not isinstance(region, Polygon):
        return None
    xs, ys = zip(*region.points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _notes(request: EditRequest, sources: Sequence[Ingested], candidates: int) -> Iterator[str]:
    """Yield what is done otherwise than it was asked for."""
    if request.candidates < candidates:
        yield "The tool gives the same picture for every seed: one candidate per round is made."
    width, height = request.image.size
    left, top, right, bottom = _extent(request.region) or (0, 0, width, height)
    if left < 0 or top < 0 or right > width or bottom > height:
        yield "The region reaches beyond the picture: what is outside of it is left out."
    for source in sources:
        yield from source.notes


MAX_INSTRUCTION = 20_000


def check_instruction(instruction: str) -> str:
    """Return the instruction without blanks around it.

    Raises:
        UsageError: It is empty, or too long.
    """
    text = instruction.strip()
    if not text:
        raise UsageError("The instruction is empty.", hint='Say what to change, such as "make the cup green".')
    if len(text) > MAX_INSTRUCTION:
        raise UsageError(f"The instruction has {len(text)} characters.", hint=f"At most {MAX_INSTRUCTION} are read.")
    return text


def open_run(
    parts: Parts, folder: Path, *, deadline: float | None = None, listeners: Sequence[Listener] = ()
) -> Session:
    """Open a run whose trace exists, to go on with it."""
    images = open_store(folder.parent / tracing.IMAGES)
    return Session(parts, folder, images, resumed=True, deadline=deadline, listeners=listeners)
