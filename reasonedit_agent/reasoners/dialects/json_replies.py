"""The replies of the `json` dialect as models: what a decoder is held to, and what is read.

Bounds keep a model that has lost its thread from filling its context; they are generous to one that has not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    TypeAdapter,
    create_model,
)

from reasonedit_agent.operations import PlainOperation
from reasonedit_agent.reasoners.dialects.strict import strict_schema

__all__ = ["PREFERENCE", "Answered", "Boxed", "Form", "Named", "plan_reply", "verdict_reply"]

_Line = Annotated[str, Field(max_length=160)]
_Text = Annotated[str, Field(max_length=600)]


class _Reply(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Named(_Reply):
    """A place in words."""

    phrase: Annotated[str, Field(min_length=1, max_length=80)]


class Boxed(_Reply):
    """A place as left, top, right, bottom in thousandths of width and height."""

    box: Annotated[list[Annotated[int, Field(ge=0, le=1000)]], Field(min_length=4, max_length=4)]


class _Step(_Reply):
    text: Annotated[str, Field(min_length=1, max_length=300)]
    region: Named | Boxed | None


class _Cannot(_Reply):
    unsupported: _Line


class Answered(_Reply):
    """The answer to one question."""

    answer: Literal["yes", "no", "unsure"]
    note: _Line


_Score = Annotated[int, Field(ge=0, le=10)]


class _Scored(_Reply):
    edit_success: _Score
    over_editing: _Score
    naturalness: _Score
    artefacts: _Score


class _Preferred(_Reply):
    reason: _Text
    better: Literal["a", "b", "tie"]


@dataclass(frozen=True)
class Form:
    """A reply's form: how it is read, and the schema that a decoder is held to."""

    adapter: TypeAdapter[Any]
    schema: dict[str, JsonValue]

    @classmethod
    def of(cls, kind: Any) -> Form:
        """Return the form of a type."""
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        return cls(adapter, strict_schema(adapter))


PREFERENCE = Form.of(_Preferred)


@lru_cache(maxsize=64)  # making a model costs milliseconds
def plan_reply(operations: tuple[str, ...], *, needed: bool) -> Form:
    """Return the reply to think: a plan, or why there is none.

    Args:
        operations: That steps may carry; empty for a tool that reads text.
        needed: Whether every step must carry one.
    """
    steps = _steps(operations, needed=needed, least=1, most=8 if operations else 3)
    few = Annotated[list[_Line], Field(max_length=6)]
    plan = create_model(
        "Plan",
        __base__=_Reply,
        instruction=(_Text, ...),
        steps=(steps, ...),
        keep=(few, ...),
        checklist=(Annotated[list[_Line], Field(min_length=1, max_length=6)], ...),
    )
    choice = Annotated[
        Union[Annotated[plan, Tag("plan")], Annotated[_Cannot, Tag("cannot")]],  # noqa: UP007 - of a runtime class
        Discriminator(lambda value: "cannot" if isinstance(value, dict) and "unsupported" in value else "plan"),
    ]
    return Form.of(Annotated[choice, BeforeValidator(_without_null)])


@lru_cache(maxsize=64)
def verdict_reply(questions: int, operations: tuple[str, ...]) -> Form:
    """Return the reply to reflect: "refine" has steps, "accept" has none, "reject" may have some.

    Args:
        questions: Of the checklist; each gets an answer.
        operations: That steps must carry; empty for a tool that reads text.
    """
    # A decoder is held to one answer each; a free reply that has more or fewer can still be read.
    exactly = Field(max_length=20, json_schema_extra={"minItems": questions, "maxItems": questions})
    answers = Annotated[list[Answered], exactly]

    def variant(name: str, least: int, most: int) -> type[BaseModel]:
        return create_model(
            name.capitalize(),
            __base__=_Reply,
            critique=(_Text, ...),
            answers=(answers, ...),
            scores=(_Scored, ...),
            verdict=(cast(Any, Literal[name]), ...),
            next=(_steps(operations, needed=bool(operations), least=least, most=most), ...),
        )

    variants = variant("accept", 0, 0), variant("refine", 1, 4), variant("reject", 0, 4)
    union: Any = Union[variants]  # noqa: UP007
    return Form.of(Annotated[union, Discriminator("verdict")])


def _steps(operations: tuple[str, ...], *, needed: bool, least: int, most: int) -> Any:
    step: Any = _Step
    if operations:
        members = tuple(m for m in PlainOperation.__args__ if m.model_fields["op"].default in operations)
        union: Any = Union[members] if needed else Union[(*members, type(None))]  # noqa: UP007
        step = create_model("Step", __base__=_Step, operation=(union, ...))
    return Annotated[list[step], Field(min_length=least, max_length=most)]


def _without_null(value: Any) -> Any:
    """Let a plan say that nothing is unsupported, though the schema has no place for it."""
    if isinstance(value, dict) and not value.get("unsupported", "there"):
        return {key: inner for key, inner in value.items() if key != "unsupported"}
    return value
