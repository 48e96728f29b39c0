"""The values that the loop's parts hand each other: frozen, tagged, without ids or paths.

``load(save(x)) == x`` holds for each of them: ``type(x).model_validate_json(x.model_dump_json()) == x``.
Pixels are never in a value; an `ImageRef` names them by their hash.
"""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from reasonedit_agent.errors import BackendError, Lost, Malformed, Refused, ReplyError, TimedOut, Unsupported
from reasonedit_agent.operations import Operation

__all__ = [
    "SOURCE",
    "Accepted",
    "Action",
    "Answer",
    "Ask",
    "Box",
    "Candidate",
    "Card",
    "Comparison",
    "Continue",
    "Decision",
    "EditCall",
    "EditRequest",
    "EditStep",
    "Failure",
    "Geometry",
    "History",
    "HumanAnswer",
    "ImageRef",
    "Mask",
    "Phrase",
    "Pick",
    "Polygon",
    "Preference",
    "Quality",
    "Refine",
    "Region",
    "Rejected",
    "Round",
    "Scores",
    "Stop",
    "Thought",
    "Usage",
    "Value",
    "Verdict",
    "derive_seed",
    "join_texts",
    "keep_key",
    "standing",
]


class Value(BaseModel):
    """Base of all values: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# -- images and places ------------------------------------------------------------------------------------------------


class ImageRef(Value):
    """An encoded image, named by the SHA-256 of its bytes.

    Attributes:
        sha256: 64 lower-case hexadecimal digits.
        width: In pixels.
        height: In pixels.
        media_type: Of the bytes.
    """

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    media_type: Literal["image/png", "image/jpeg", "image/webp"]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height


class Box(Value):
    """A rectangle in source pixels; right and bottom are exclusive."""

    kind: Literal["box"] = "box"
    left: float
    top: float
    right: float
    bottom: float

    @model_validator(mode="after")
    def _ordered(self) -> Box:
        if not (self.left < self.right and self.top < self.bottom):
            raise ValueError("a box needs left < right and top < bottom")
        return self


class Polygon(Value):
    """A closed polygon in source pixels."""

    kind: Literal["polygon"] = "polygon"
    points: Annotated[tuple[tuple[float, float], ...], Field(min_length=3)]


class Mask(Value):
    """A soft mask: an 8-bit grey PNG of the source's size, 255 inside.

    Attributes:
        image: The mask's pixels.
        label: What was found there, for people and for prompts ("cup").
    """

    kind: Literal["mask"] = "mask"
    image: ImageRef
    label: str = ""


class Phrase(Value):
    """A place in words; whoever needs pixels looks for it."""

    kind: Literal["phrase"] = "phrase"
    text: Annotated[str, Field(min_length=1)]


Region = Annotated[Box | Polygon | Mask | Phrase, Field(discriminator="kind")]
"""Where, always in source pixels, whatever the picture has become since."""

Affine = tuple[float, float, float, float, float, float]
"""``(a, b, c, d, e, f)``: x' = a x + b y + c, y' = d x + e y + f."""

IDENTITY: Affine = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class Geometry(Value):
    """Where the source's pixels stand in a candidate.

    Attributes:
        matrix: Maps source coordinates to candidate coordinates (pixel edges, not centres).
        valid: Left, top, right and bottom of what is left of the source, in source pixels.
    """

    matrix: Affine = IDENTITY
    valid: tuple[float, float, float, float]

    @classmethod
    def of(cls, image: ImageRef) -> Geometry:
        """Return the geometry of the source itself."""
        return cls(valid=(0.0, 0.0, float(image.width), float(image.height)))

    def then(self, step: Affine) -> Geometry:
        """Return this geometry followed by ``step``, which maps candidate to new candidate coordinates."""
        a, b, c, d, e, f = step
        g, h, i, j, k, m = self.matrix
        composed = (a * g + b * j, a * h + b * k, a * i + b * m + c, d * g + e * j, d * h + e * k, d * i + e * m + f)
        return self.model_copy(update={"matrix": composed})

    def cropped(self, left: float, top: float, right: float, bottom: float) -> Geometry:
        """Return the geometry after cutting the candidate to a box in candidate pixels."""
        corners = [self.to_source(x, y) for x in (left, right) for y in (top, bottom)]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        old = self.valid
        valid = (max(old[0], min(xs)), max(old[1], min(ys)), min(old[2], max(xs)), min(old[3], max(ys)))
        return self.then((1, 0, -left, 0, 1, -top)).model_copy(update={"valid": valid})

    def to_candidate(self, x: float, y: float) -> tuple[float, float]:
        """Map a source point to the candidate."""
        a, b, c, d, e, f = self.matrix
        return a * x + b * y + c, d * x + e * y + f

    def to_source(self, x: float, y: float) -> tuple[float, float]:
        """Map a candidate point to the source."""
        a, b, c, d, e, f = self.matrix
        det = a * e - b * d
        u, v = x - c, y - f
        return (e * u - b * v) / det, (a * v - d * u) / det

    @property
    def scale(self) -> float:
        """Candidate pixels per source pixel along one side (the square root of the area factor)."""
        a, b, _, d, e, _ = self.matrix
        return math.sqrt(abs(a * e - b * d))


# -- what is asked, and what is planned -------------------------------------------------------------------------------


class EditRequest(Value):
    """What a person wants.

    Attributes:
        image: The source.
        instruction: As the person wrote it, in any language.
        references: Further photos that the instruction may speak of.
        region: Where, when the person drew or named it.
        seed: Of the whole run; None is drawn once when the run starts.
        candidates: How many are made per round.
    """

    image: ImageRef
    instruction: Annotated[str, Field(min_length=1, max_length=20_000)]
    references: tuple[ImageRef, ...] = ()
    region: Region | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    candidates: Annotated[int, Field(ge=1, le=64)] = 1


class EditStep(Value):
    """One thing to do.

    Attributes:
        text: In words, for a tool that reads text and for people.
        operation: The same as a typed operation, for a tool that executes those.
        region: Where; None is the whole picture.
    """

    text: str
    operation: Operation | None = None
    region: Region | None = None


class Thought(Value):
    """The plan. It is a file that a person can edit before the edit runs.

    Attributes:
        instruction: What the user meant, made concrete, in the user's language.
        steps: In order.
        keep: What must stay as it is.
        checklist: Yes/no questions that say when it is done.
        changed: Whether the instruction differs from the user's.
    """

    instruction: str
    steps: Annotated[tuple[EditStep, ...], Field(min_length=1)]
    keep: tuple[str, ...] = ()
    checklist: tuple[str, ...] = ()
    changed: bool = False


Quality = Literal["draft", "final"]


class Candidate(Value):
    """One result of a round.

    Attributes:
        image: Its pixels.
        seed: That made it; None where the tool has no randomness.
        geometry: From the source to it.
        measures: What the tool measured, by name.
    """

    image: ImageRef
    seed: int | None = None
    geometry: Geometry
    measures: dict[str, float] = Field(default_factory=dict)

    @classmethod
    def of(cls, source: ImageRef) -> Candidate:
        """Return the source as a candidate."""
        return cls(image=source, geometry=Geometry.of(source))


class EditCall(Value):
    """What a tool is asked to do in one round.

    Attributes:
        base: What it starts from.
        instruction: The joined texts, for a tool that reads one prompt.
        steps: All steps of the round, in order.
        region: Of the request, for a tool that takes one mask.
        references: Of the request.
        seeds: One per candidate that is wanted.
        quality: ``draft`` may be cheaper.
    """

    base: Candidate
    instruction: str
    steps: tuple[EditStep, ...]
    region: Region | None = None
    references: tuple[ImageRef, ...] = ()
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    quality: Quality = "final"


class Card(Value):
    """What a tool can do.

    Attributes:
        operations: Names of the typed operations that it executes; empty for a tool that reads text.
        reads_text: Whether it takes free text.
        references: How many reference images it takes.
        mask: Whether it respects a region.
        batch: How many candidates it makes in one call; 0 is no limit.
        languages: Of the instructions that it reads (BCP 47); empty is any.
        deterministic: Whether the seed changes nothing.
        needs_gpu: Whether it is unusable without one.
        operation_schema: JSON schema of a stranger's own operations, or None.
    """

    operations: tuple[str, ...] = ()
    reads_text: bool = False
    references: int = 0
    mask: bool = False
    batch: int = 1
    languages: tuple[str, ...] = ()
    deterministic: bool = False
    needs_gpu: bool = False
    operation_schema: dict[str, JsonValue] | None = None


# -- what is judged ---------------------------------------------------------------------------------------------------


class Scores(Value):
    """The four axes of VIEScore as GEdit-Bench uses them, each 0 to 10, 10 is best.

    Attributes:
        edit_success: The instruction was followed.
        over_editing: Nothing else changed (10: nothing).
        naturalness: It looks like a photo.
        artefacts: It has none (10: none).
    """

    edit_success: Annotated[float, Field(ge=0, le=10)]
    over_editing: Annotated[float, Field(ge=0, le=10)]
    naturalness: Annotated[float, Field(ge=0, le=10)]
    artefacts: Annotated[float, Field(ge=0, le=10)]

    @property
    def semantic(self) -> float:
        """Semantic consistency, SC: the lower of the first two."""
        return min(self.edit_success, self.over_editing)

    @property
    def perceptual(self) -> float:
        """Perceptual quality, PQ: the lower of the last two."""
        return min(self.naturalness, self.artefacts)

    @property
    def overall(self) -> float:
        """``sqrt(SC * PQ)``, 0 to 10 (VIEScore)."""
        return math.sqrt(self.semantic * self.perceptual)


class Answer(Value):
    """The answer to one question of the checklist; ``yes`` is None where it could not be told."""

    question: str
    yes: bool | None
    note: str = ""


class _Judgement(Value):
    """What all verdicts tell.

    Attributes:
        scores: On the four axes.
        answers: To the checklist, in its order.
        critique: In words.
        confidence: The probability that the judge gave to accepting, where its backend has probabilities.
    """

    scores: Scores
    answers: tuple[Answer, ...] = ()
    critique: str = ""
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None


class Accepted(_Judgement):
    """It is what was asked for."""

    kind: Literal["accepted"] = "accepted"


class Refine(_Judgement):
    """It is on the way: do ``steps`` next, on this candidate."""

    kind: Literal["refine"] = "refine"
    steps: Annotated[tuple[EditStep, ...], Field(min_length=1)]


class Rejected(_Judgement):
    """It is no good: back to the source, with ``steps``, or with the Thought's when None."""

    kind: Literal["rejected"] = "rejected"
    steps: Annotated[tuple[EditStep, ...], Field(min_length=1)] | None = None


Verdict = Accepted | Refine | Rejected


class Failure(Value):
    """Why there is no Thought, Candidate or Verdict. Never a score, a rejection or a success.

    Attributes:
        reason: ``unsupported``, ``malformed``, ``refused``, ``timed_out`` or ``lost``.
        message: One line.
        hint: What would help, such as the backend that could do it.
        raw: The reply that could not be read, if there was one.
    """

    kind: Literal["failure"] = "failure"
    reason: Literal["unsupported", "malformed", "refused", "timed_out", "lost"]
    message: str
    hint: str = ""
    raw: str = ""

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Return what an exception of a part means; the only place where one becomes a value."""
        message = " ".join(str(getattr(error, "message", error)).split()) or type(error).__name__
        hint = getattr(error, "hint", "")
        if isinstance(error, ReplyError):
            kinds: dict[type[ReplyError], Literal["unsupported", "refused"]]
            kinds = {Unsupported: "unsupported", Refused: "refused"}
            return cls(reason=kinds.get(type(error), "malformed"), message=message, hint=hint, raw=error.raw)
        if isinstance(error, TimedOut | TimeoutError):
            return cls(reason="timed_out", message=message if str(error) else "The deadline passed.", hint=hint)
        if isinstance(error, BackendError):
            return cls(reason="lost", message=message, hint=hint)
        return cls(reason="lost", message=f"{type(error).__name__}: {message}", hint="This is a bug in that part.")

    def error(self) -> BackendError | ReplyError:
        """Return the exception that this failure stands for, so that a part can fail like another did."""
        if self.reason == "timed_out":
            return TimedOut(self.message, hint=self.hint)
        if self.reason == "lost":
            return Lost(self.message, hint=self.hint)
        kind = {"unsupported": Unsupported, "refused": Refused, "malformed": Malformed}[self.reason]
        return kind(self.message, hint=self.hint, raw=self.raw)


class Preference(Value):
    """Which of two candidates serves the request better, asked in both orders.

    Attributes:
        better: ``a``, ``b``, or ``tie`` when the two orders disagree.
        reason: In words.
    """

    better: Literal["a", "b", "tie"]
    reason: str = ""


class Comparison(Value):
    """A preference between the incumbent (``a``) and a candidate of this round (``b``)."""

    incumbent: Pick
    candidate: int
    result: Preference | Failure


class Usage(Value):
    """What one call cost; what is unknown is None, not 0.

    Attributes:
        seconds: Wall time.
        gpu_seconds: Busy time of accelerators.
        prompt_tokens: Tokens read.
        cached_tokens: Of those, how many came from a cache.
        completion_tokens: Tokens written.
        images: Pictures sent or made.
        usd: In US dollars.
    """

    seconds: float | None = None
    gpu_seconds: float | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    images: int | None = None
    usd: float | None = None

    def plus(self, other: Usage) -> Usage:
        """Return the sum, field by field; unknown and unknown stay unknown."""
        totals = {}
        for name in type(self).model_fields:
            mine, theirs = getattr(self, name), getattr(other, name)
            known = [value for value in (mine, theirs) if value is not None]
            totals[name] = sum(known) if known else None
        return Usage(**totals)


# -- what is decided --------------------------------------------------------------------------------------------------


class Pick(Value):
    """A candidate by its place: round 1 and later; round 0 is the source."""

    round: Annotated[int, Field(ge=0)]
    candidate: Annotated[int, Field(ge=0)] = 0


SOURCE = Pick(round=0)
"""The source image, as a pick."""


class Continue(Value):
    """Go on with one more round."""

    kind: Literal["continue"] = "continue"
    base: Pick
    steps: Annotated[tuple[EditStep, ...], Field(min_length=1)]
    instruction: str
    seeds: tuple[int, ...]
    quality: Quality = "final"


class Stop(Value):
    """End the run. ``reason`` is the policy's name for it, ``detail`` a sentence for people."""

    kind: Literal["stop"] = "stop"
    reason: str
    detail: str = ""


class Ask(Value):
    """Hand the question to a person."""

    kind: Literal["ask"] = "ask"
    question: str


Action = Annotated[Continue | Stop | Ask, Field(discriminator="kind")]


class Decision(Value):
    """What was decided after ``after`` rounds, by whom, and which candidate was best then.

    Attributes:
        after: Number of complete rounds (0: before the first).
        author: ``policy``, ``graph`` (a failure, a deadline, an interruption) or ``person``.
        action: What comes next.
        keep: The candidate that would be returned now.
    """

    after: Annotated[int, Field(ge=0)]
    author: Literal["policy", "graph", "person"]
    action: Action
    keep: Pick


class HumanAnswer(Value):
    """What a person said.

    Attributes:
        node: ``approve`` (before the edit), ``review`` (after a round) or ``decide`` (a policy asked).
        after: Number of complete rounds when it was asked.
        kind: ``accept``, ``reject``, ``stop`` or ``advice``.
        text: The advice.
        thought: The plan as the person changed it (approve only).
    """

    node: Literal["approve", "review", "decide"]
    after: Annotated[int, Field(ge=0)]
    kind: Literal["accept", "reject", "stop", "advice"]
    text: str = ""
    thought: Thought | None = None


class Round(Value):
    """One round, complete when `decide` reads it.

    Attributes:
        index: 1 for the first.
        call: What the tool was asked.
        candidates: What came, one per seed.
        verdicts: One per candidate; a failed candidate's Failure stands here too.
        comparisons: With the incumbent, when a policy needs them.
        shadow: Recorded past a stop, to judge later stops; never kept.
        seconds: Active time of the round.
        usage: What its calls cost, as far as they told.
    """

    index: Annotated[int, Field(ge=1)]
    call: EditCall
    candidates: tuple[Candidate | Failure, ...]
    verdicts: tuple[Annotated[Accepted | Refine | Rejected | Failure, Field(discriminator="kind")], ...]
    comparisons: tuple[Comparison, ...] = ()
    shadow: bool = False
    seconds: float = 0.0
    usage: Usage = Usage()


class History(Value):
    """All that a policy sees: a pure function of a prefix of the trace.

    Attributes:
        request: With its seed drawn.
        thought: The plan in force; None when thinking failed.
        rounds: Complete ones, in order.
        decisions: ``decisions[k]`` is the one after k rounds.
        spent: Sum over the calls so far, of what is known.
        unpriced: How many calls so far cost something that nobody knows in dollars; above 0, ``spent.usd`` is too low.
        elapsed: Active seconds so far; waiting for a person, or not running, does not count.
        human: What people answered, in order.
    """

    request: EditRequest
    thought: Thought | None = None
    rounds: tuple[Round, ...] = ()
    decisions: tuple[Decision, ...] = ()
    spent: Usage = Usage()
    unpriced: int = 0
    elapsed: float = 0.0
    human: tuple[HumanAnswer, ...] = ()

    def candidate(self, pick: Pick) -> Candidate:
        """Return the candidate at ``pick``.

        Raises:
            KeyError: There is none there, or it failed.
        """
        if pick.round == 0:
            return Candidate.of(self.request.image)
        try:
            found = self.rounds[pick.round - 1].candidates[pick.candidate]
        except IndexError:
            raise KeyError(pick) from None
        if isinstance(found, Failure):
            raise KeyError(pick)
        return found

    def answer(self, node: str, after: int) -> HumanAnswer | None:
        """Return the last answer that a person gave to ``node`` after that many rounds."""
        for given in reversed(self.human):
            if given.node == node and given.after == after:
                return given
        return None


# -- three functions that everybody must share ------------------------------------------------------------------------


def keep_key(verdict: Accepted | Refine | Rejected) -> tuple[float, bool]:
    """Return the reference's order of results: ``min(score1) * min(score2)``, then success.

    Source: ReasonEdit (Step1X-Edit v1p2), the selection over all rounds.
    """
    return verdict.scores.semantic * verdict.scores.perceptual, isinstance(verdict, Accepted)


_RANK = {"accepted": 3, "refine": 2, "rejected": 1, "failure": 0}


def standing(round_: Round) -> tuple[int, Accepted | Refine | Rejected | Failure]:
    """Return the verdict that stands for a round of several candidates, and whose it is.

    Accepted goes before Refine, Rejected and Failure; then the keep key decides; then the lower index.
    """

    def order(index: int) -> tuple[int, tuple[float, bool], int]:
        verdict = round_.verdicts[index]
        key = (0.0, False) if isinstance(verdict, Failure) else keep_key(verdict)
        return _RANK[verdict.kind], key, -index

    best = max(range(len(round_.verdicts)), key=order)
    return best, round_.verdicts[best]


def derive_seed(request: EditRequest, round_: int, candidate: int) -> int:
    """Return the seed of one candidate: 63 bits that repeat nowhere in practice.

    They depend on the source too. The result of one run may be the source of the next under the same seed, and a
    diffusion model that gets the very noise from which its picture was drawn spoils it (diffusers, issue 14824).
    """
    digest = hashlib.sha256(f"{request.seed or 0}/{request.image.sha256}/{round_}/{candidate}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def join_texts(steps: tuple[EditStep, ...]) -> str:
    """Return the steps' texts as one instruction."""
    return "; ".join(step.text for step in steps if step.text)


Comparison.model_rebuild()
