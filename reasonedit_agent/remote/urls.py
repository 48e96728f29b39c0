"""What a user gives for a server: its URL, and the name of the variable with its key."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from reasonedit_agent.errors import UsageError

__all__ = ["api_urls", "check_key_name"]


def api_urls(text: str) -> list[str]:
    """Return the URLs of a text with commas or blanks between them; a bare host gets ``/v1``, none ends in a slash.

    Raises:
        UsageError: One is no URL of a server, or holds a secret.
    """
    return [_api(part) for part in text.replace(",", " ").split()]


def _api(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is no URL of a server.", hint="Such as http://localhost:8000/v1.")
    if "@" in parts.netloc or parts.query:
        raise UsageError(
            "The URL of a server holds no user, password or query.", hint="Put the key into a variable: key=."
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") or "/v1", "", ""))


def check_key_name(key: str) -> None:
    """Refuse what is no name of an environment variable: it may be the key itself, and is not repeated.

    Raises:
        UsageError: It is none.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key) or re.match(r"sk[-_]", key):
        raise UsageError("key= is no name of an environment variable.", hint="Put the key into one, and give its name.")
