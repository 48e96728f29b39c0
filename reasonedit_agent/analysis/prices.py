"""What calls cost: a small, dated table that the user can edit, and the rule that puts dollars on a `Called` event.

Only what a backend counted is priced: tokens that it reported, pictures that it made, seconds that a GPU was busy. The
length of a prompt, with the base64 of its pictures, is never taken for tokens. What has no price is unknown: None.
"""

from __future__ import annotations

import os
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, JsonValue, ValidationError, model_validator

from reasonedit_agent.errors import UsageError
from reasonedit_agent.events import Called, PartInfo
from reasonedit_agent.schemas import Usage, Value
from reasonedit_agent.tracing import home

__all__ = ["ModelPrice", "Prices", "Read", "load_prices", "user_file"]

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ModelPrice(Value):
    """What one model costs, in US dollars; None is unknown.

    Attributes:
        input: Per million tokens read.
        cached_input: Per million of those that came from a cache; None is as much as ``input``.
        output: Per million tokens written.
        image_input: Per million tokens of pictures that an editor reads. Backends count words and pictures together, so
            all that an editor reads is priced at the dearer of the two.
        image: Per picture made.
        call: Per call.
        as_of: The day on which it was read.
        source: Where.
    """

    input: Dollars | None = None
    cached_input: Dollars | None = None
    output: Dollars | None = None
    image_input: Dollars | None = None
    image: Dollars | None = None
    call: Dollars | None = None
    as_of: str = ""
    source: str = ""

    def usd(self, usage: Usage, *, editing: bool = False) -> float | None:
        """Return what a call costs; None where a price is known but not what it is a price of."""
        terms: list[float | None] = []
        if self.call is not None:
            terms.append(self.call)
        if self.image is not None and editing:
            terms.append(None if usage.images is None else self.image * usage.images)
        if self.input is not None or self.output is not None:
            terms += [self._read(usage, editing), _times(usage.completion_tokens, self.output)]
        if not terms:
            return None
        return None if None in terms else sum(term for term in terms if term is not None)

    def _read(self, usage: Usage, editing: bool) -> float | None:
        if self.input is None or usage.prompt_tokens is None:
            return None
        if editing and self.image_input is not None:
            return _times(usage.prompt_tokens, max(self.input, self.image_input))
        cached = min(usage.cached_tokens or 0, usage.prompt_tokens)
        less = self.input if self.cached_input is None else self.cached_input
        return ((usage.prompt_tokens - cached) * self.input + cached * less) / 1e6


def _times(tokens: int | None, price: float | None) -> float | None:
    return None if tokens is None or price is None else tokens * price / 1e6


_PER = {
    "input": "million tokens read",
    "cached_input": "million tokens from a cache",
    "output": "million tokens written",
    "image_input": "million tokens of pictures read",
    "image": "picture made",
    "call": "call",
}
_SNAPSHOT = re.compile(r"[-@:](\d{4}-\d{2}-\d{2}|\d{8}|latest)")


class Read(Value):
    """Where a price was read.

    Attributes:
        as_of: The day.
        source: The page.
    """

    as_of: str = ""
    source: str = ""


class Prices(Value):
    """A table of prices.

    Attributes:
        dated: When it was last looked through.
        models: By the backend's name.
        gpu_hours: US dollars per hour, by a device's name; a file may say ``{ usd = 3, as_of = ..., source = ... }``.
        gpu_read: Where those were read.
    """

    dated: str = ""
    models: dict[str, ModelPrice] = Field(default_factory=dict)
    gpu_hours: dict[str, Dollars] = Field(default_factory=dict)
    gpu_read: dict[str, Read] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _parted(cls, given: Any) -> Any:
        """Part the hours that say where they were read into a number and that."""
        hours = given.get("gpu_hours") if isinstance(given, dict) else None
        if not isinstance(hours, dict) or not any(isinstance(hour, dict) for hour in hours.values()):
            return given
        told = {name: dict(hour) for name, hour in hours.items() if isinstance(hour, dict)}
        usd = {name: hour.pop("usd", None) for name, hour in told.items()}
        return {**given, "gpu_hours": {**hours, **usd}, "gpu_read": told}

    def usd(self, backend: str, usage: Usage, *, editing: bool = False, settings: str = "") -> float | None:
        """Return what a call costs in US dollars; None where that is unknown.

        Args:
            backend: Who was called, as the trace names it.
            usage: What it reported.
            editing: Whether it made pictures.
            settings: Of its part, where a device's name is looked for too.
        """
        model = self.model(backend)
        if model is not None:
            return model.usd(usage, editing=editing)
        if usage.gpu_seconds is None:
            return None
        where = f"{backend} {settings}".casefold()
        found = [name for name in self.gpu_hours if name.casefold() in where]
        return usage.gpu_seconds / 3600 * self.gpu_hours[max(found, key=len)] if found else None

    def model(self, backend: str) -> ModelPrice | None:
        """Return the price of a backend: by its name, by what follows its last slash, or without a snapshot's date."""
        for name in (backend, backend.rpartition("/")[2]):
            for known, price in self.models.items():
                rest = name[len(known) :] if name.casefold().startswith(known.casefold()) else None
                if rest is not None and (not rest or _SNAPSHOT.fullmatch(rest)):
                    return price
        return None

    def priced(self, event: Called, part: PartInfo | None = None) -> Called:
        """Return the event with what it costs; one that says so itself, or whose price is unknown, as it is."""
        if event.usage.usd is not None or event.usage == Usage():
            return event
        settings = " ".join(str(value) for value in part.settings.values()) if part else ""
        usd = self.usd(event.backend, event.usage, editing=event.node == "edit", settings=settings)
        if usd is None:
            return event
        return event.model_copy(update={"usage": event.usage.model_copy(update={"usd": usd})})

    def frozen(self) -> dict[str, JsonValue]:
        """Return the table as JSON, for the first event of a run; `Prices.model_validate` reads it again."""
        aside: Any = {"models": {"__all__": {"as_of", "source"}}, "gpu_read": True}
        return self.model_dump(mode="json", exclude_defaults=True, exclude=aside)

    def rows(self) -> tuple[dict[str, str | float], ...]:
        """Return a row per price: ``name``, ``per`` (of what), ``usd``, ``as_of`` and ``source``."""
        models = (
            {"name": name, "per": per, "usd": usd, "as_of": price.as_of, "source": price.source}
            for name, price in self.models.items()
            for field, per in _PER.items()
            if (usd := getattr(price, field)) is not None
        )
        hours = (
            {"name": name, "per": "hour", "usd": usd, **self.gpu_read.get(name, Read()).model_dump()}
            for name, usd in self.gpu_hours.items()
        )
        return (*models, *hours)

    def over(self, other: Prices) -> Prices:
        """Return this table over another: its entries go before those of the same name."""
        return Prices(
            dated=self.dated or other.dated,
            models={**other.models, **self.models},
            gpu_hours={**other.gpu_hours, **self.gpu_hours},
            gpu_read={**{n: r for n, r in other.gpu_read.items() if n not in self.gpu_hours}, **self.gpu_read},
        )


def user_file() -> Path:
    """Return the user's own table: ``$REASONEDIT_HOME/prices.toml``, or that in the user's config folder."""
    import platformdirs

    folder = home() if os.environ.get("REASONEDIT_HOME") else Path(platformdirs.user_config_dir("reasonedit"))
    return folder / "prices.toml"


def load_prices(given: object = None) -> Prices:
    """Return the table of prices.

    Args:
        given: None for the user's own file over the built-in table, a file that goes over both, a frozen table (which
            stands alone), or `Prices`.

    Raises:
        UsageError: A file cannot be read, or is wrong.
    """
    if isinstance(given, Prices):
        return given
    if isinstance(given, dict):
        return _checked(given, "the frozen prices")
    built_in = files("reasonedit_agent.analysis").joinpath("prices.toml").read_text(encoding="utf-8")
    table = _checked(tomllib.loads(built_in), "the built-in prices")
    if (own := user_file()).is_file():
        table = _read(own).over(table)
    if isinstance(given, str | os.PathLike):
        table = _read(Path(given)).over(table)
    elif given is not None:
        raise UsageError(f"{given!r} are no prices.", hint="Give a TOML file.")
    return table


def _read(path: Path) -> Prices:
    try:
        return _checked(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except OSError as error:
        raise UsageError(f"The prices {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"The prices {path} are no TOML: {error}.") from error


def _checked(table: dict[str, Any], where: str) -> Prices:
    try:
        return Prices.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{where}: {place}: {first['msg']}.", hint="docs/policies.md shows a table.") from error
