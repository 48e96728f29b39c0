"""What all tests share: strict checkpoints, no network, and a small picture."""

import io
import os
import signal
import socket

# LangGraph reads this when it is imported.
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
os.environ["LANGSMITH_TRACING"] = "false"

import pytest
from PIL import Image

# A run in the background ignores interrupts, and so would its children, which are sent some.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches beyond this machine fails."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        host = str(address[0]) if isinstance(address, tuple) else "unix"
        if self.family != socket.AF_UNIX and not host.startswith("127.") and host not in ("localhost", "::1"):
            raise RuntimeError(f"a test tried to reach {host}")
        real(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect)


def encoded(
    width: int = 64, height: int = 48, colour: tuple[int, int, int] = (200, 40, 30), kind: str = "PNG"
) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind)
    return out.getvalue()


@pytest.fixture
def picture() -> bytes:
    return encoded()
