"""The command line of an engine that serves an image editor: vLLM-Omni or SGLang; pure text.

Both answer ``POST /v1/images/edits``, list the model's name, and say by ``/health`` when they are warm. Read in the
sources of vLLM-Omni 0.30.0 (``entrypoints/cli/serve.py``) and SGLang 0.5.23 (``cli/serve.py``,
``multimodal_gen/runtime/server_args``). Both need a GPU.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from reasonedit_agent.errors import UsageError
from reasonedit_agent.serving.command import Command, check_reach, url_of

__all__ = ["ENGINES", "HEALTH", "EditorSpec", "Engine", "editable", "editor_command", "editor_launcher"]

Engine: TypeAlias = Literal["vllm-omni", "sglang"]
ENGINES: dict[Engine, str] = {"vllm-omni": "vLLM-Omni", "sglang": "SGLang"}
"""What they are called."""
HEALTH = "/health"

_UNSERVED = ("Step1X", "ReasonEdit")
"""Beginnings of the classes that no engine loads."""


class EditorSpec(BaseModel):
    """What is served, and where.

    Attributes:
        model: A diffusers folder, or a name that the model hub knows.
        engine: What serves it.
        name: The name that clients ask for; the last part of `model` if empty.
        host: Address to listen on; beyond this machine only with a `key`.
        port: Port to listen on.
        gpus: GPUs that draw one picture together.
        key: Name of the environment variable that holds the API key that clients must send; no key if empty.
        extra: Further arguments of the engine, as they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)]
    engine: Engine = "vllm-omni"
    name: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8001
    gpus: Annotated[int, Field(ge=1)] = 1
    key: str = ""
    extra: tuple[str, ...] = ()

    @property
    def served(self) -> tuple[str, ...]:
        """The name that the server must list once it is up."""
        return (self.name or Path(self.model).name,)

    @property
    def url(self) -> str:
        """The URL of the API, as a client on this machine writes it."""
        return url_of(self.host, self.port)


def editable(model: str) -> str:
    """Return what to give to an engine: the absolute path of a folder, or a hub's name as it is.

    Args:
        model: A folder with ``model_index.json``, or ``owner/name``.

    Raises:
        UsageError: It is a path with nothing there, a folder that holds no pipeline, or one that no engine loads.
    """
    folder = Path(model).expanduser()
    if not folder.exists():
        if model.startswith(("/", ".", "~")) or model.count("/") > 1:
            raise UsageError(f"There is no model folder {model}.", hint="Give a folder, or a name such as owner/model.")
        return model
    folder = folder.resolve()
    try:
        told = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        kind = str(told["_class_name"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{folder} holds no pipeline that can be served: its model_index.json is not there or cannot be read.",
            hint="Give a folder that diffusers saved; a language model is served by `reasonedit serve reasoner`.",
        ) from None
    if kind.startswith(_UNSERVED):
        raise UsageError(f"No engine serves a {kind}.", hint="It runs in this process: --tool 'diffusers(FOLDER)'.")
    return str(folder)


def editor_launcher(engine: Engine, python: Path) -> tuple[str, ...]:
    """Return how an engine's command line is called with an interpreter."""
    if engine == "sglang":  # its module has no main
        return (str(python.with_name("sglang")),)
    return (str(python), "-m", "vllm_omni.entrypoints.cli.main")


def editor_command(spec: EditorSpec, launcher: Sequence[str] = ()) -> Command:
    """Return the command that serves a spec.

    Args:
        spec: What is served, and where.
        launcher: How the engine's command line is called; its own name by default.

    Raises:
        UsageError: The server would be open to other machines without a key, or the engine knows no keys.
    """
    launcher = launcher or (spec.engine,)
    where = ["--served-model-name", spec.served[0], "--host", spec.host, "--port", str(spec.port)]
    env = {"DO_NOT_TRACK": "1"}
    if Path(spec.model).is_absolute():  # a folder: nothing is asked of a hub
        env["HF_HUB_OFFLINE"] = "1"
    if spec.engine == "sglang":
        if spec.key:
            raise UsageError(
                "SGLang's editors ask for no API key.",
                hint="Leave out --key and listen on 127.0.0.1, with a proxy before it; or take --engine vllm-omni.",
            )
        check_reach(spec.host, "")
        what = ["serve", "--model-type", "diffusion", "--model-path", spec.model, *where]
        what += ["--num-gpus", str(spec.gpus)] if spec.gpus > 1 else []
        return Command((*launcher, *what, *spec.extra), env)
    check_reach(spec.host, spec.key)
    what = ["serve", spec.model, "--omni", *where, *(["--usp", str(spec.gpus)] if spec.gpus > 1 else [])]
    return Command((*launcher, *what, *spec.extra), env, {"VLLM_API_KEY": spec.key} if spec.key else {})
