"""``reasonedit serve reasoner``: a vLLM server with the settings that the loop wants."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from reasonedit_agent.errors import Lost, UsageError

if TYPE_CHECKING:
    from reasonedit_agent.serving.command import Command, ServeSpec

__all__ = ["app"]

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
    _serve(spec, found, log or _log(port), timeout)


def _say(line: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(line, markup=False)


def _log(port: int) -> Path:
    from reasonedit_agent.tracing import home

    return home() / "logs" / f"serve-{port}.log"


def _spec(**settings: Any) -> ServeSpec:
    from pydantic import ValidationError

    from reasonedit_agent.serving.command import ServeSpec

    try:
        return ServeSpec(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{option} {first['input']}: {first['msg']}.") from None


def _serve(spec: ServeSpec, command: Command, log: Path, timeout: float) -> None:
    from reasonedit_agent.serving.server import Server

    server = Server(spec, command, log=log, patience=timeout)
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        _say(f"Starting vLLM; its log is {log}.")
        with server:
            print(f"Serving {', '.join(spec.served)} at {server.url}", flush=True)
            key = f", key={spec.key}" if spec.key else ""
            _say(f"Use it with --reasoner 'openai({server.url}, {spec.served[0]}{key})'. Ctrl-C stops it.")
            code = server.wait()
        raise Lost(
            f"The model server ended by itself (exit code {code}): {server.reason()}.", hint=f"Its log is {log}."
        )
    except KeyboardInterrupt:
        _say("Stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)
