"""A real Arize Phoenix, in an environment and a process of its own."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reasonedit_agent.serving.sockets import free_port
from reasonedit_agent.tracing import home, lock

PINS = Path(__file__).with_suffix(".txt")
PATIENCE = 120.0


def python() -> Path:
    """Return the interpreter of Phoenix's environment; the first call on a machine builds it (75 s, 850 MB).

    Raises:
        OSError: It cannot be installed here.
    """
    folder = home() / "environments" / "phoenix"
    wanted = hashlib.sha256(PINS.read_bytes() + repr(sys.version_info[:2]).encode()).hexdigest()
    stamp, interpreter = folder / "pins", folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / ".phoenix.lock").open("w") as file:
        lock(file, wait=True)
        if not stamp.is_file() or stamp.read_text() != wanted:
            print(f"Building Phoenix's environment in {folder}. This happens once.", file=sys.__stderr__, flush=True)
            pip = [str(interpreter), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
            for command in (
                [sys.executable, "-m", "venv", "--clear", str(folder)],
                [*pip, "--no-deps", "--requirement", str(PINS)],
            ):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise OSError(f"Phoenix cannot be installed: {(done.stderr or done.stdout).strip()[-500:]}")
            stamp.write_text(wanted)
    return interpreter


class Phoenix:
    """A server that answers.

    Attributes:
        url: Of the server; spans go to ``/v1/traces`` under it.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
            return json.load(answer)["data"]

    def spans(self, run: str, count: int) -> list[dict[str, Any]]:
        """Return the spans of a run as Phoenix has them, once there are so many: it stores them a little later."""
        until, found = time.monotonic() + 30, []
        while time.monotonic() < until:
            traces: dict[str, list[dict[str, Any]]] = {}
            for span in self._get("/v1/projects/default/spans?limit=1000"):
                traces.setdefault(span["context"]["trace_id"], []).append(span)
            found = [
                spans
                for spans in traces.values()
                if any(span["attributes"].get("gen_ai.conversation.id") == run for span in spans)
            ]
            if found and len(found[0]) >= count:
                break
            threading.Event().wait(0.1)
        assert len(found) == 1, f"{len(found)} traces of the run"
        return found[0]


@contextmanager
def serving(folder: Path) -> Iterator[Phoenix]:
    """Start a server with its data in a folder, and end it."""
    port, grpc = free_port(), free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PHOENIX_", "PYTHON"))}
    env |= {"PHOENIX_WORKING_DIR": str(folder), "PHOENIX_TELEMETRY_ENABLED": "false", "PHOENIX_HOST": "127.0.0.1"}
    env |= {"PHOENIX_PORT": str(port), "PHOENIX_GRPC_PORT": str(grpc), "PYTHONUNBUFFERED": "1"}
    command = [str(python()), "-m", "phoenix.server.main", "serve"]
    lines: list[str] = []
    up = threading.Event()
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if "Uvicorn running" in line:
                    up.set()
            up.set()

        reader = threading.Thread(target=read)
        reader.start()
        try:
            assert up.wait(PATIENCE) and process.poll() is None, "".join(lines[-30:])
            yield Phoenix(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            reader.join()
