"""From the OpenAI client's exceptions to ours, once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import openai

from reasonedit_agent.errors import BackendError, Lost, ReasonEditError, TimedOut, UsageError

__all__ = ["Fault", "fault_of", "may_pass", "retry_after", "scrubbed"]


@dataclass(frozen=True)
class Fault:
    """What an attempt failed of.

    Attributes:
        error: What is raised when nothing helps.
        retry_after: Seconds that the server asked to wait, if it did.
        body: The server's own message, to see what would help.
        status: HTTP status, or 0 where no answer came.
        gone: Whether it is worth waiting for: the server answered before, and is not there now.
    """

    error: ReasonEditError
    retry_after: float | None = None
    body: str = ""
    status: int = 0
    gone: bool = False

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return isinstance(self.error, BackendError) and self.error.retryable

    @property
    def server_down(self) -> bool:
        """Whether it says something about the server and not about the request."""
        return self.retryable and self.status != 429

    def of(self, answered: bool) -> Fault:
        """Return it as one of a server that did, or did not, answer before."""
        away = isinstance(self.error, Lost) and self.retryable and self.status in (0, 502, 503, 504)
        return replace(self, gone=answered and away)


def fault_of(
    error: Exception, *, url: str, key_name: str, secret: str, wanted: str = "a chat completion", kind: str = "reasoner"
) -> Fault:
    """Return what an exception of one attempt means.

    Args:
        error: From the client, or a time-out.
        url: Of the server.
        key_name: Of the environment variable that holds the key.
        secret: The key, which no message may hold.
        wanted: What was asked for.
        kind: Which server `reasonedit serve` starts for it.
    """
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return Fault(TimedOut(f"{url} did not answer in time.", retryable=True))
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, url=url, key_name=key_name, secret=secret)
    if isinstance(error, openai.APIConnectionError):
        start = f"`reasonedit serve {kind} MODEL` starts a server."
        cause = scrubbed(str(error.__cause__ or error) or type(error).__name__, secret)
        return Fault(Lost(f"{url} cannot be reached: {cause}.", hint=start, retryable=True))
    what = scrubbed(" ".join(str(error).split())[:200], secret)
    # 200: somebody is there, and a wrong answer is not waited for as one who is gone.
    status = 200 if isinstance(error, ValueError) else 0
    return Fault(Lost(f"{url} did not answer with {wanted}: {what}.", retryable=True), status=status)


def _of_status(error: openai.APIStatusError, *, url: str, key_name: str, secret: str) -> Fault:
    status, body = error.status_code, scrubbed(_message(error), secret)
    if status in (401, 403):
        return Fault(UsageError(f"{url} refuses the API key.", hint=f"Set ${key_name}."), body=body, status=status)
    if "cache miss" in body.lower():  # whatever the status: the same request will miss again
        return Fault(Lost(f"{url} does not hold a picture any more: {body[:200]}"), body=body, status=status)
    if may_pass(status):
        said = f"{url} answered {status}: {body[:200]}"
        return Fault(Lost(said, retryable=True), retry_after(error.response.headers), body, status)
    hint = "The URL of an API mostly ends in /v1." if status == 404 and not url.endswith("/v1") else ""
    return Fault(Lost(f"{url} refuses the request ({status}): {body[:300]}", hint=hint), body=body, status=status)


def _message(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        said = inner.get("message") if isinstance(inner, dict) else inner
        return " ".join(str(said or body.get("detail") or body).split())
    if "html" in error.response.headers.get("content-type", ""):
        return "an HTML page"
    return " ".join(error.response.text.split())


def may_pass(status: int) -> bool:
    """Return whether the same request may succeed later, by the HTTP status."""
    return status in (408, 409, 425, 429) or status >= 500


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait, if it does."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None  # absent, or a date


def scrubbed(text: str, *secrets: str) -> str:
    """Return the text without the secrets, and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, "***") if len(secret) > 3 else text
    return re.sub(r"(Bearer\s+|sk-)[\w.-]{6,}", r"\1***", text)
