"""The words of prompts: data files with a version and a hash.

A file of words is TOML: ``version``, and one table per question with the texts that it needs. A user's own file
(``prompts=FILE``) has the same tables; what it leaves out is taken from ours.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from reasonedit_agent.errors import UsageError

__all__ = ["Words"]


@dataclass(frozen=True)
class Words:
    """The texts of one dialect.

    Attributes:
        dialect: Its name.
        version: Of the texts.
        tables: Question to name to text.
    """

    dialect: str
    version: str
    tables: dict[str, dict[str, str]]

    @classmethod
    def load(cls, dialect: str, path: str = "") -> Words:
        """Read our words, or a user's with ours for what is missing.

        Raises:
            UsageError: The file cannot be read, is no TOML, or has a table or a text that the dialect does not know.
        """
        own = tomllib.loads(files(__package__).joinpath("prompts", f"{dialect}.toml").read_text(encoding="utf-8"))
        version, tables = str(own.pop("version")), own
        if not path:
            return cls(dialect, version, tables)
        try:
            theirs = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"The prompts {path} cannot be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"The prompts {path} are no TOML: {error}.") from error
        version = str(theirs.pop("version", Path(path).stem))
        for table, texts in theirs.items():
            if table not in tables or not isinstance(texts, dict):
                raise UsageError(f"{path}: there is no question {table!r}.", hint=f"Known: {', '.join(tables)}.")
            if unknown := set(texts) - set(tables[table]):
                known = ", ".join(tables[table])
                raise UsageError(f"{path}: [{table}] has no {', '.join(sorted(unknown))}.", hint=f"Known: {known}.")
            tables[table] = tables[table] | {name: str(text) for name, text in texts.items()}
        return cls(dialect, version, tables)

    def name(self, question: str) -> str:
        """Return the name of a question's words, as the trace has it."""
        return f"{self.dialect}/{question}@{self.version}"

    def sha256(self, question: str) -> str:
        """Return the hash of a question's texts, and of those that all questions share."""
        own = {"all": self.tables.get("all", {}), question: self.tables[question]}
        return hashlib.sha256(json.dumps(own, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def say(self, question: str, text: str, **values: object) -> str:
        """Return a text with its ``$names`` filled in; what is filled in is never expanded again.

        Raises:
            UsageError: The text has a name that nobody fills in.
        """
        try:
            return Template(self.tables[question][text]).substitute({k: str(v) for k, v in values.items()}).strip()
        except (KeyError, ValueError) as error:
            raise UsageError(
                f"The prompt {self.name(question)} ({text}) cannot be filled in: {error}.",
                hint=f"It may use: {', '.join('$' + name for name in values)}.",
            ) from error
