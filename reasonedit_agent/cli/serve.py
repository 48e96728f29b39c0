"""``reasonedit serve``: model servers with the settings that the loop wants, a Reasoner on vLLM or an editor."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from reasonedit_agent.errors import Lost, UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reasonedit_agent.serving.command import Command
    from reasonedit_agent.serving.server import Server, Spec

__all__ = ["app"]

T = TypeVar("T", bound="BaseModel")

app = typer.Typer(no_args_is_help=True, help="Serve a model for the loop.")


@app.callback()
def group() -> None:
    """Serve a model for the loop."""


@app.command("reasoner")
def reasoner(
    model: Annotated[
        str,
        typer.Argument(help="A model folder, a diffusers folder of ReasonEdit, or owner/name.", show_default=False),
    ],
    extra: Annotated[
        list[str] | None, typer.Argument(help="After --: further arguments of vllm serve.", show_default=False)
    ] = None,
    name: Annotated[str, typer.Option(help="The name that clients ask for; the folder's by default.")] = "",
    lora: Annotated[
        list[str] | None, typer.Option(help="NAME=FOLDER: an adapter, served as a model NAME.", show_default=False)
    ] = None,
    tensor_parallel: Annotated[int, typer.Option(min=1, help="GPUs that share the model.")] = 1,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    max_model_len: Annotated[
        int | None, typer.Option(min=1, help="Tokens of prompt and reply; what fits by default.", show_default=False)
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="Most images in one request.")] = 8,
    dtype: Annotated[str, typer.Option(help="auto, bfloat16, float16 or float32.")] = "auto",
    key: Annotated[str, typer.Option(help="The environment variable that holds the API key to ask for.")] = "",
    device: Annotated[str, typer.Option(help="cpu or cuda; what this machine has by default.")] = "",
    python: Annotated[
        str, typer.Option(help="An interpreter that has vLLM; by default an environment is built once.")
    ] = "",
    log: Annotated[Path | None, typer.Option(help="File for what the server prints.", show_default=False)] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that the start may take.")] = 900.0,
    show: Annotated[bool, typer.Option("--print", help="Print the command and stop.")] = False,
) -> None:
    """Serve a Reasoner with vLLM, and say when the right model answers. Ctrl-C stops it."""
    from reasonedit_agent.serving import command, environment, folders

    on = device or environment.this_device()
    spec = _spec(
        command.ServeSpec,
        model=folders.servable(model),
        name=name or Path(model).resolve().name,
        loras=tuple(folders.lora(text) for text in lora or ()),
        tensor_parallel=tensor_parallel,
        host=host,
        port=port,
        max_model_len=max_model_len,
        images_per_prompt=images,
        dtype=dtype,
        device=on,
        key=key,
        extra=tuple(extra or ()),
    )
    interpreter = Path(python) if python else environment.environment_dir(spec.device) / "bin" / "python"
    found = command.serve_command(spec, environment.launcher(interpreter))
    if show:
        print(found.shell(given=os.environ))
        return
    if not python:
        environment.build(spec.device, _say)
    server = _server(spec, found, log or _log(port), timeout)
    _serve(server, "vLLM", f"--reasoner 'openai({spec.url}, {spec.served[0]}{_named(key)})'")


@app.command("editor")
def editor(
    model: Annotated[str, typer.Argument(help="A diffusers folder, or owner/name.", show_default=False)],
    extra: Annotated[
        list[str] | None, typer.Argument(help="After --: further arguments of the engine.", show_default=False)
    ] = None,
    engine: Annotated[str, typer.Option(help="vllm-omni or sglang.")] = "vllm-omni",
    name: Annotated[str, typer.Option(help="The name that clients ask for; the folder's by default.")] = "",
    gpus: Annotated[int, typer.Option(min=1, help="GPUs that draw one picture together.")] = 1,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8001,
    key: Annotated[str, typer.Option(help="The environment variable that holds the API key to ask for.")] = "",
    python: Annotated[
        str, typer.Option(help="An interpreter that has the engine; by default an environment is built once.")
    ] = "",
    log: Annotated[Path | None, typer.Option(help="File for what the server prints.", show_default=False)] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that the start may take.")] = 1800.0,
    show: Annotated[bool, typer.Option("--print", help="Print the command and stop.")] = False,
) -> None:
    """Serve an editor with vLLM-Omni or SGLang, and say when the right model answers. It needs a GPU."""
    from reasonedit_agent.serving import editor as editors
    from reasonedit_agent.serving import environment

    spec = _spec(
        editors.EditorSpec,
        model=editors.editable(model),
        engine=engine,
        name=name or Path(model).resolve().name,
        host=host,
        port=port,
        gpus=gpus,
        key=key,
        extra=tuple(extra or ()),
    )
    interpreter = Path(python) if python else environment.environment_dir(spec.engine) / "bin" / "python"
    found = editors.editor_command(spec, editors.editor_launcher(spec.engine, interpreter))
    title = editors.ENGINES[spec.engine]
    lacking = f"{title} needs an NVIDIA GPU, and this machine has none."
    alone = environment.this_device() == "cpu" and not python
    if show:
        print(found.shell(given=os.environ))
        if alone:
            _say(f"{lacking} The command is for one that has.")
        return
    if alone:
        raise UsageError(
            lacking,
            hint="Run it on one that has (--print shows the command), and use it by its URL: --tool 'images(URL)'.",
        )
    if not python:
        environment.build(spec.engine, _say)
    server = _server(spec, found, log or _log(port), timeout, health=editors.HEALTH)
    named = f"{spec.served[0]}, dialect={spec.engine}{_named(key)}"
    _serve(server, title, f"--tool 'images({spec.url}, {named})'")


def _named(key: str) -> str:
    return f", key={key}" if key else ""


def _say(line: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(line, markup=False)


def _log(port: int) -> Path:
    from reasonedit_agent.tracing import home

    return home() / "logs" / f"serve-{port}.log"


def _spec(kind: type[T], **settings: Any) -> T:
    from pydantic import ValidationError

    try:
        return kind(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{option} {first['input']}: {first['msg']}.") from None


def _server(spec: Spec, command: Command, log: Path, timeout: float, health: str = "") -> Server:
    from reasonedit_agent.serving.server import Server

    return Server(spec, command, log=log, patience=timeout, health=health)


def _serve(server: Server, title: str, use: str) -> None:
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        _say(f"Starting {title}; its log is {server.log}.")
        with server:
            print(f"Serving {', '.join(server.spec.served)} at {server.url}", flush=True)
            _say(f"Use it with {use}. Ctrl-C stops it.")
            code = server.wait()
        raise Lost(
            f"The model server ended by itself (exit code {code}): {server.reason()}.", hint=f"Its log is {server.log}."
        )
    except KeyboardInterrupt:
        _say("Stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)
