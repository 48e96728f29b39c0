"""Parts by name: the grammar of part texts, and the door (entry points) that built-ins and strangers share.

A part is an object, a registered name, ``"module:attr"``, or a text such as ``classical(font=my.ttf)`` or
``openai(url=http://localhost:8000/v1, model=qwen)``; a bare URL means ``openai(url=...)``.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from reasonedit_agent.errors import UsageError

__all__ = [
    "KINDS",
    "Argument",
    "Call",
    "Kind",
    "Scanner",
    "build",
    "build_policy",
    "build_prices",
    "load",
    "names",
    "parse_call",
    "part_name",
]

Kind = Literal["reasoners", "tools", "comparers", "policies", "keep_policies", "next_policies"]
KINDS: tuple[Kind, ...] = ("reasoners", "tools", "comparers", "policies", "keep_policies", "next_policies")

_SINGULAR = {
    "reasoners": "reasoner",
    "tools": "tool",
    "comparers": "comparer",
    "policies": "policy",
    "keep_policies": "keep policy",
    "next_policies": "next policy",
}


# -- the grammar ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """A name with arguments.

    Attributes:
        name: What is called.
        args: By position.
        kwargs: By name.
        column: Where it stands in its text, from 1.
    """

    name: str
    args: tuple[Argument, ...] = ()
    kwargs: dict[str, Argument] = field(default_factory=dict)
    column: int = 1


Argument = str | int | float | bool | None | Call

DEEPEST = 50
"""Parentheses in parentheses: a text that a person wrote has a few."""

_SHOWN = 300
"""Characters of a text that a complaint repeats."""

_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "none": None}


class Scanner:
    """Reads a text from left to right; every complaint names the column.

    Args:
        text: What is read.
        what: What it is, for messages ("policy").

    Raises:
        UsageError: Too many parentheses stand in each other.
    """

    def __init__(self, text: str, what: str) -> None:
        self.text = text
        self.what = what
        self.position = 0
        depth = 0
        for position, character in enumerate(text):
            depth += {"(": 1, ")": -1}.get(character, 0)
            if depth > DEEPEST:
                raise self.error(f"more than {DEEPEST} parentheses stand in each other", position)

    def peek(self) -> str:
        """Return the next character that is not blank, or an empty text at the end."""
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        return self.text[self.position : self.position + 1]

    def take(self, token: str) -> bool:
        """Step over ``token`` if it comes next."""
        self.peek()
        if self.text.startswith(token, self.position):
            self.position += len(token)
            return True
        return False

    def expect(self, token: str) -> None:
        """Step over ``token``, which must come next."""
        if not self.take(token):
            raise self.error(f"expected {token!r}")

    def error(self, problem: str, position: int | None = None) -> UsageError:
        """Return the error for a problem here, or at ``position``."""
        column = (self.position if position is None else position) + 1
        shown = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}..."
        return UsageError(f"The {self.what} {shown!r} has an error at column {column}: {problem}.")

    def word(self, stops: str) -> str:
        """Return the characters up to one of ``stops``, without blanks around them."""
        self.peek()
        start = self.position
        while self.position < len(self.text) and self.text[self.position] not in stops:
            self.position += 1
        found = self.text[start : self.position].strip()
        if not found:
            self.position = start
            raise self.error("expected a name or a value")
        return found

    def quoted(self) -> str:
        """Return a text in single or double quotes."""
        quote = self.peek()
        start = self.position
        end = self.text.find(quote, start + 1)
        if end < 0:
            raise self.error(f"the {quote} is never closed")
        self.position = end + 1
        return self.text[start + 1 : end]

    def call(self, stops: str) -> Call:
        """Return ``name`` or ``name(arguments)``; the name ends at ``stops``, a parenthesis or a blank."""
        self.peek()
        column = self.position + 1
        name = self.word(stops + "() \t\n,=")
        if not self.take("("):
            return Call(name, column=column)
        args: list[Argument] = []
        kwargs: dict[str, Argument] = {}
        while not self.take(")"):
            if args or kwargs:
                self.expect(",")
            self._argument(args, kwargs)
        return Call(name, tuple(args), kwargs, column)

    def _argument(self, args: list[Argument], kwargs: dict[str, Argument]) -> None:
        self.peek()
        start = self.position
        if self.peek() not in "'\"":
            key = ""
            while self.position < len(self.text) and (
                self.text[self.position].isalnum() or self.text[self.position] == "_"
            ):
                key += self.text[self.position]
                self.position += 1
            if key.isidentifier() and self.take("="):
                if key in kwargs:
                    raise self.error(f"{key} is given twice", start)
                kwargs[key] = self._value()
                return
            self.position = start
        if kwargs:
            raise self.error("a value without a name cannot follow one with a name")
        args.append(self._value())

    def _value(self) -> Argument:
        if self.peek() and self.peek() in "'\"":
            return self.quoted()
        start = self.position
        text = self.word("(),")
        if self.text[self.position : self.position + 1] == "(":
            self.position = start
            return self.call("")
        return _literal(text)


def _literal(text: str) -> str | int | float | bool | None:
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def parse_call(text: str, what: str = "part") -> Call:
    """Read a part's text.

    Raises:
        UsageError: The text has an error; the message names the column.
    """
    scanner = Scanner(text, what)
    found = scanner.call("")
    if scanner.peek():
        raise scanner.error(f"{scanner.peek()!r} is not expected here")
    return found


# -- the door ---------------------------------------------------------------------------------------------------------


@functools.cache
def _registered(kind: Kind) -> dict[str, tuple[EntryPoint, ...]]:
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=f"reasonedit_agent.{kind}"):
        same = found.get(point.name, ())
        # An editable install beside a wheel lists the same entry twice; that is no conflict.
        if all(point.value != other.value for other in same):
            found[point.name] = (*same, point)
    return found


def names(kind: Kind) -> dict[str, EntryPoint]:
    """Return the registered parts of a kind by name, in order."""
    return {name: points[0] for name, points in sorted(_registered(kind).items())}


def load(kind: Kind, name: str) -> Callable[..., Any]:
    """Return the factory that is registered under a name.

    Raises:
        UsageError: Nothing, or more than one thing, has that name.
    """
    points = _registered(kind).get(name, ())
    if not points:
        known = ", ".join(names(kind)) or "none; is the package installed?"
        raise UsageError(f"There is no {_SINGULAR[kind]} {name!r}.", hint=f"Known: {known}.")
    if len(points) > 1:
        owners = " and ".join(point.value for point in points)
        raise UsageError(f"The {_SINGULAR[kind]} {name!r} is registered twice: {owners}.", hint="Uninstall one.")
    return _import(points[0].value, f"{_SINGULAR[kind]} {name!r}")


def _import(target: str, what: str) -> Callable[..., Any]:
    module, _, attribute = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in attribute.split("."):
            found = getattr(found, name)
    except (ImportError, ValueError) as error:
        raise UsageError(
            f"The {what} cannot be loaded: {error}.", hint="`reasonedit doctor` says what to install."
        ) from error
    except AttributeError as error:
        raise UsageError(f"The {what} cannot be loaded: {error}.") from error
    if not callable(found):
        raise UsageError(f"The {what} ({target}) cannot be called.")
    return found  # type: ignore[no-any-return]


def build(kind: Kind, spec: object) -> Any:
    """Return the part that ``spec`` names; an object is returned as it is.

    Raises:
        UsageError: The text has an error, nothing has that name, or the arguments do not fit.
    """
    if isinstance(spec, Call):
        call = spec
    elif isinstance(spec, str):
        call = _read(kind, spec)
    else:
        return spec
    factory = _import(call.name, f"{_SINGULAR[kind]} {call.name!r}") if ":" in call.name else load(kind, call.name)
    try:
        inspect.signature(factory).bind(*call.args, **call.kwargs)
    except TypeError as error:
        takes = str(inspect.signature(factory)).split(" ->")[0]
        raise UsageError(f"The {_SINGULAR[kind]} {call.name!r} takes {takes}: {error}.") from error
    try:
        return factory(*call.args, **call.kwargs)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The {_SINGULAR[kind]} {call.name!r} cannot be made: {error}.") from error


def build_policy(spec: object) -> Any:
    """Return the policy that ``spec`` names: an object, a text in the policy's grammar, or empty for the default."""
    if not isinstance(spec, str):
        return spec
    policies = importlib.import_module("reasonedit_agent.policies")
    return policies.parse_policy(spec or policies.DEFAULT)


def build_prices(spec: object = None) -> Any:
    """Return the table of prices that ``spec`` names: an object, a file, a frozen table, or None for the user's."""
    return importlib.import_module("reasonedit_agent.analysis.prices").load_prices(spec)


def _read(kind: Kind, text: str) -> Call:
    if text.startswith(("http://", "https://")):
        return Call("images" if kind == "tools" else "openai", kwargs={"url": text})
    return parse_call(text, _SINGULAR[kind])


def part_name(part: object) -> str:
    """Return a name for people: the part's own, or its class's."""
    info = getattr(part, "info", None)
    return getattr(info, "name", None) or type(part).__name__
