"""A real vLLM server on the CPU, for tests: its environment, a tiny model, and the settings."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasonedit_agent.serving import environment
from reasonedit_agent.serving.command import Lora, ServeSpec, serve_command
from reasonedit_agent.serving.server import Server
from reasonedit_agent.serving.sockets import free_port
from reasonedit_agent.tracing import home

MODEL = "tiny-vlm"
ADAPTER = "tiny-vlm-tuned"
CONTEXT = 16384
SCRIPT = Path(__file__).with_name("tiny_vlm.py")


@dataclass(frozen=True)
class Running:
    """A server that answers.

    Attributes:
        url: Of its API, ending in ``/v1``.
        model: The name of the model.
        adapter: The name of the same model with a LoRA adapter.
        context: Tokens of prompt and reply together.
        images: Most images in one request.
        server: The process.
    """

    url: str
    model: str
    adapter: str
    context: int
    images: int
    server: Server


def say(line: str) -> None:
    """Tell a person who waits; past pytest's capture."""
    print(line, file=sys.__stderr__, flush=True)


def python() -> Path:
    """Return the interpreter of the model server's environment; the first call on a machine builds it."""
    return environment.build("cpu", say).python


def tiny_model() -> Path:
    """Return the folder with ``model`` and ``lora``; made once per version of the script."""
    interpreter = python()
    key = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()
    folder = home() / "tests" / f"tiny-vlm-{key[:12]}"
    if not folder.is_dir():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run([interpreter, SCRIPT, making], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        try:
            making.rename(folder)
        except OSError:
            shutil.rmtree(making)  # another run was first
    return folder


def tiny_server(log: Path, model: str = "", **settings: Any) -> Server:
    """Return a server of the tiny model that was not started; settings are those of `ServeSpec`."""
    folder = tiny_model()
    defaults: dict[str, Any] = {
        "name": MODEL,
        "loras": (Lora(name=ADAPTER, path=str(folder / "lora"), rank=8),),
        "port": free_port(),
        "max_model_len": CONTEXT,
        "dtype": "bfloat16",
        "device": "cpu",
        "cache_gb": 0.25,
        "kv_gb": 1,
        "threads": 2,
        "extra": ("--max-num-seqs", "16", "--block-size", "32"),
    }
    spec = ServeSpec(model=model or str(folder / "model"), **(defaults | settings))
    return Server(spec, serve_command(spec, environment.launcher(python())), log=log, patience=300)


def running(server: Server) -> Running:
    spec = server.spec
    assert isinstance(spec, ServeSpec)
    return Running(spec.url, MODEL, ADAPTER, spec.max_model_len or 0, spec.images_per_prompt, server)
