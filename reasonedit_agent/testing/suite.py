"""Checks with a name each, and the report of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from reasonedit_agent.errors import BackendError, ReasonEditError
from reasonedit_agent.recording import NotRecorded

__all__ = ["Check", "NotShown", "Report", "Suite"]


class NotShown(Exception):
    """A check cannot be made with this part; the message says why."""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: What must hold.
        passed: Whether it does; a contract that could not be put to the test counts as kept, an ability as not there.
        seen: What was seen if not, or why nothing could be seen.
        shown: Whether it was put to the test at all.
        kind: ``contract``: the loop relies on it. ``ability``: it says how good the part is.
    """

    name: str
    passed: bool
    seen: str = ""
    kind: Literal["contract", "ability"] = "contract"
    shown: bool = True


@dataclass(frozen=True)
class Report:
    """All checks of a part: its capability card.

    Attributes:
        part: Its name.
        checks: In order.
        facts: What was measured beside them, by name.
    """

    part: str
    checks: tuple[Check, ...] = field(default=())
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the contract holds."""
        return all(check.passed for check in self.checks if check.kind == "contract")

    def as_json(self) -> dict[str, Any]:
        """Return the card as plain values."""
        checks = [vars(c) for c in self.checks]
        return {"part": self.part, "passed": self.passed, "checks": checks, "facts": self.facts}

    def __str__(self) -> str:
        marks = {"contract": ("FAIL", "ok  "), "ability": ("no  ", "yes ")}
        lines = [
            f"{marks[c.kind][c.passed] if c.shown else '--  '} {c.name}{': ' + c.seen if c.seen else ''}"
            for c in self.checks
        ]
        facts = [f"     {name}: {value}" for name, value in self.facts.items()]
        return "\n".join([self.part, *lines, *facts])


class Suite:
    """Runs its own methods: ``check_...`` are the contract, ``can_...`` abilities.

    The first line of a docstring names the check; a method returns what was wrong, or an empty text. It raises
    `NotShown` where it cannot be put to the test.
    """

    tolerated: tuple[type[ReasonEditError], ...] = ()
    """Typed failures that keep the contract: the loop can go on from them."""

    async def report(self, part: str) -> Report:
        """Run all; an error of this library is a failed check, any other one is too and is called what it is."""
        checks: list[Check] = []
        gone = ""
        names = dict.fromkeys(name for owner in reversed(type(self).__mro__) for name in vars(owner))
        for name in [name for name in names if name.startswith(("check_", "can_"))]:
            method = getattr(self, name)
            kind: Literal["contract", "ability"] = "contract" if name.startswith("check_") else "ability"
            passed, seen, shown = False, "", True
            try:
                seen = gone or await method()
                passed = not seen
            except BackendError as error:
                gone = f"not run: there was no answer ({error.message})"[:200]
                seen = f"it raised {type(error).__name__}: {error}"[:200]
            except (NotShown, NotRecorded) as error:
                passed, shown = kind == "contract", False
                seen = f"not shown: {getattr(error, 'message', error)}"[:200]
            except ReasonEditError as error:
                shown = not (kind == "contract" and isinstance(error, self.tolerated))
                passed = not shown
                seen = f"{'it raised' if shown else 'not shown: a typed failure,'} {type(error).__name__}: {error}"[
                    :200
                ]
            except Exception as error:
                seen = f"it raised {type(error).__name__}, which is not an error of this library: {error}"
            checks.append(Check(str(method.__doc__).split("\n")[0].rstrip("."), passed, seen, kind, shown))
        return Report(part, tuple(checks), self.facts())

    def facts(self) -> dict[str, Any]:
        """Return what was measured beside the checks."""
        return {}
