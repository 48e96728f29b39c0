"""A model server as a process of ours: started, waited for until the right model answers, stopped with its children.

vLLM binds its port at once but listens only half a minute later. If another program listens there in between, vLLM
says that it started, lives on, and never hears a request, while the other program may even answer. So ready means: the
socket that listens belongs to our processes, and ``/v1/models`` there lists every name that we serve.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

from reasonedit_agent.errors import Lost, StoreError, TimedOut, UsageError
from reasonedit_agent.serving.command import Command
from reasonedit_agent.serving.logs import cause, last_lines
from reasonedit_agent.serving.sockets import listeners, members, port_is_free, sockets_of

__all__ = ["Server", "Spec"]

_POLL = 0.1
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Spec(Protocol):
    """What a server needs to know of what it serves."""

    @property
    def host(self) -> str:
        """Address to listen on."""
        ...

    @property
    def port(self) -> int:
        """Port to listen on."""
        ...

    @property
    def served(self) -> tuple[str, ...]:
        """The names that it must list once it is up."""
        ...

    @property
    def url(self) -> str:
        """The URL of its API."""
        ...


class Server:
    """One server. As a context manager it starts, waits until ready, and stops.

    Args:
        spec: What is served, and where.
        command: How.
        log: File that receives all that the server prints; written anew at each start.
        patience: Seconds that the start may take.
        grace: Seconds that the processes have to end by themselves when they are stopped.
        health: A path beside the API, such as ``/health``, that answers once the server does more than list names.

    Attributes:
        url: Of the API, ending in ``/v1``.
    """

    def __init__(
        self,
        spec: Spec,
        command: Command,
        *,
        log: Path,
        patience: float = 900.0,
        grace: float = 20.0,
        health: str = "",
    ) -> None:
        self.spec, self.command, self.log, self._health = spec, command, log, health
        self.url = spec.url
        self._patience, self._grace = patience, grace
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def group(self) -> int | None:
        """The id of the process group, which is that of the process that listens; None before the first start."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether the process that listens runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the processes, in a group of their own.

        Raises:
            UsageError: The port is taken, the program is not there, or the key's variable is not set.
            StoreError: The log cannot be written.
        """
        if self.alive:
            raise UsageError("This server runs already.", hint="Stop it first.")
        env = {**self.command.env, **os.environ}
        for target, source in self.command.secrets.items():
            if not os.environ.get(source):
                raise UsageError(f"The environment variable {source} holds no API key.", hint=f"Set {source}.")
            env[target] = os.environ[source]
        if not port_is_free(self.spec.host, self.spec.port):
            raise UsageError(
                f"Another program listens on {self.spec.host}, port {self.spec.port}.", hint="Choose another --port."
            )
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            log = self.log.open("wb")
        except OSError as error:
            raise StoreError(f"The log {self.log} cannot be written: {error.strerror or error}.") from error
        with log:
            try:
                self._process = subprocess.Popen(
                    self.command.argv,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise UsageError(f"{self.command.argv[0]} cannot be run: {error.strerror}.") from error

    def wait_ready(self, tell: Callable[[float], None] | None = None) -> None:
        """Wait until our own server lists every name that it should.

        Args:
            tell: Called with the seconds waited, at each look.

        Raises:
            Lost: The process ended, or another program took the port; the message ends with the log's last lines.
            UsageError: The server wants another API key.
            TimedOut: It took longer than the patience.
        """
        started = time.monotonic()
        listed: set[str] = set()
        while (waited := time.monotonic() - started) < self._patience:
            if tell is not None:
                tell(waited)
            if not self.alive:
                raise Lost(self._ended())
            owner = self._owner()
            if owner == "other":
                raise Lost(
                    f"Another program took port {self.spec.port} while the model server started.",
                    hint="Choose another port.",
                )
            if owner == "ours":
                listed = self.models()
                if listed.issuperset(self.spec.served) and self.healthy():
                    return
            time.sleep(_POLL)
        note = f" It lists {', '.join(sorted(listed))}." if listed else ""
        raise TimedOut(
            f"The model server did not offer {', '.join(self.spec.served)} within {self._patience:.0f} s.{note}"
            f"\n{self.tail()}",
            hint=f"The whole log is {self.log}.",
        )

    def models(self) -> set[str]:
        """Return the names that ``/v1/models`` lists; none while nobody answers.

        Raises:
            UsageError: The server wants another API key.
        """
        request = urllib.request.Request(f"{self.url}/models")
        key = next((os.environ.get(source) for source in self.command.secrets.values()), os.environ.get("VLLM_API_KEY"))
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with _DIRECT.open(request, timeout=10) as answer:
                return {str(entry["id"]) for entry in json.load(answer)["data"]}
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (401, 403):
                name = next(iter(self.command.secrets.values()), "VLLM_API_KEY")
                raise UsageError(
                    f"The model server refuses the API key in ${name}.",
                    hint="Name the key's variable with --key; leave out --api-key, and variables that set another one.",
                ) from None
            return set()
        except (OSError, ValueError, KeyError, TypeError):
            return set()

    def healthy(self) -> bool:
        """Return whether the server says that it can work; one that has no way to say so can."""
        if not self._health:
            return True
        try:
            with _DIRECT.open(self.url.removesuffix("/v1") + self._health, timeout=10) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def stop(self) -> None:
        """End all processes of the group: ask, wait, then kill. Does nothing if there are none."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
        elif members(self._process.pid):  # it died and left its children
            self.kill()
        if not self._gone(self._grace):
            self.kill()

    def kill(self) -> None:
        """End all processes of the group at once, as a machine that runs out of memory would."""
        if self._process is not None and (self._process.poll() is None or members(self._process.pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._gone(self._grace)

    def wait(self) -> int:
        """Wait until the process that listens ends by itself; return its exit code."""
        if self._process is None:
            raise UsageError("This server was not started.")
        return self._process.wait()

    def reason(self) -> str:
        """Return the line of the log that says best why the server ended, or that it gave no reason."""
        return cause(self._said()) or "no reason given"

    def tail(self) -> str:
        """Return the last lines of the log."""
        return last_lines(self._said())

    def _gone(self, seconds: float) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while self._process.poll() is None or members(self._process.pid):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        return True

    def _owner(self) -> Literal["nobody", "ours", "other"]:
        assert self._process is not None
        found = listeners(self.spec.host, self.spec.port)
        if found is None:
            return "ours"  # no /proc: the names that are listed must do
        if not found:
            return "nobody"
        return "ours" if found <= sockets_of(members(self._process.pid)) else "other"

    def _ended(self) -> str:
        code = self._process.returncode if self._process else None
        return (
            f"The model server ended while it started (exit code {code}): {self.reason()}"
            f"\nThe last lines of {self.log}:\n{self.tail()}"
        )

    def _said(self) -> str:
        with contextlib.suppress(OSError):
            return self.log.read_text(encoding="utf-8", errors="replace")
        return ""
