"""What a user can set."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from reasonedit_agent.errors import UsageError
from reasonedit_agent.tools.images_api.dialects import Dialect
from reasonedit_agent.tools.values import Between, checked

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """How a server is asked; a field of None is the server's own.

    Attributes:
        steps: Denoising steps of a final edit.
        draft: Steps of a draft; a quarter of ``steps`` by default.
        guidance: The guidance scale.
        cfg: The true classifier-free guidance scale (Qwen-Image).
        strength: How far the result may be from the base, 0 to 1.
        negative: What shall not be seen.
        quality: ``low``, ``medium``, ``high``, ... of OpenAI's models; a draft is ``low``.
        size: ``fit`` is the base's shape at ``area`` pixels, ``auto`` lets the server decide; or such as ``1024x1024``.
        area: Pixels that are drawn, and most pixels of a picture that is sent.
        references: Most reference photos; the dialect's limit by default.
        paste: Whether what is outside of a region is taken from the base. No server promises to leave it alone.
        parallel: Most requests of one edit at the same time.
        timeout: Seconds that one attempt may take.
        retries: Further attempts after a fault that may pass.
        patience: Seconds that a server which answered before and is gone is waited for, beside the retries.
        price: US dollars per picture, for the trace's costs.
        usd_in: US dollars per million tokens of input, where the server counts them.
        usd_out: US dollars per million tokens of output.
    """

    steps: Annotated[int, Between(1)] | None = None
    draft: Annotated[int, Between(1)] | None = None
    guidance: Annotated[float, Between(0)] | None = None
    cfg: Annotated[float, Between(0)] | None = None
    strength: Annotated[float, Between(0, 1)] | None = None
    negative: str = ""
    quality: str = ""
    size: str = "fit"
    area: Annotated[int, Between(4096, 2**26)] = 1024 * 1024
    references: Annotated[int, Between(0)] | None = None
    paste: bool = True
    parallel: Annotated[int, Between(1)] = 4
    timeout: Annotated[float, Between(0.001)] = 300.0
    retries: Annotated[int, Between(0)] = 4
    patience: Annotated[float, Between(0)] = 30.0
    price: Annotated[float, Between(0)] | None = None
    usd_in: Annotated[float, Between(0)] | None = None
    usd_out: Annotated[float, Between(0)] | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> Settings:
        """Return the defaults with changes.

        Raises:
            UsageError: A setting is unknown, or its value is not possible.
        """
        made = cls(**checked(cls, given))
        if made.size not in ("fit", "auto"):
            made.fixed_size()
        return made

    def fixed_size(self) -> tuple[int, int]:
        """Return width and height of a ``size`` in numbers.

        Raises:
            UsageError: It is none.
        """
        found = re.fullmatch(r"([1-9]\d{1,4})x([1-9]\d{1,4})", self.size)
        if not found:
            raise UsageError(f"size={self.size!r} is not possible.", hint="It is fit, auto, or such as 1024x768.")
        return int(found[1]), int(found[2])

    def check(self, dialect: Dialect) -> None:
        """Refuse what this kind of server does not take, and would ignore.

        Raises:
            UsageError: It is set.
        """
        for name in ("steps", "draft", "guidance", "cfg", "strength", "negative", "quality"):
            needed = "steps" if name == "draft" else name
            if getattr(self, name) not in (None, "") and needed not in dialect.fields:
                hint = f"It takes {', '.join(dialect.fields)}."
                raise UsageError(f"A server of the dialect {dialect.name} takes no {name}.", hint=hint)

    def told(self) -> dict[str, Any]:
        """Return what differs from the defaults and changes the pictures, for the trace."""
        plain = asdict(Settings())
        silent = ("parallel", "timeout", "retries", "patience", "price", "usd_in", "usd_out")
        return {k: v for k, v in asdict(self).items() if v != plain[k] and k not in silent}
