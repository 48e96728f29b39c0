"""The command line and environment of ``vllm serve`` with the settings that the loop wants; pure text.

What they are for: the loop sends the source image first in every prompt of a run (prefix caching), names images by hash
and leaves the bytes out when the server holds them (multimodal cache), books cached tokens (prompt-token details), and
reads JSON under a schema. Structured outputs run on guidance without free whitespace: with vLLM's default, replies may
hold long runs of blanks up to the token limit, and xgrammar lets control characters into strings of limited length.
"""

from __future__ import annotations

import ipaddress
import json
import shlex
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from reasonedit_agent.errors import UsageError

__all__ = ["Command", "Lora", "ServeSpec", "check_reach", "serve_command", "url_of"]

_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The LoRA ranks that vLLM makes room for."""
_KEY = "VLLM_API_KEY"


class Lora(BaseModel):
    """A LoRA adapter, served as a model of its own name.

    Attributes:
        name: The name that clients ask for.
        path: Folder with ``adapter_config.json`` and ``adapter_model.safetensors``.
        rank: Its rank.
    """

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(min_length=1, pattern=r"^[^=\s]+$")]
    path: str
    rank: Annotated[int, Field(ge=1, le=_RANKS[-1])] = 16


class ServeSpec(BaseModel):
    """What is served, and where.

    Attributes:
        model: A folder that vLLM can load, or a name that the model hub knows.
        name: The name that clients ask for; the last part of `model` if empty.
        loras: Adapters, each a model of its own name.
        tensor_parallel: GPUs that share the model.
        host: Address to listen on; beyond this machine only with a `key`.
        port: Port to listen on.
        max_model_len: Tokens of prompt and reply together; None is the most that the model and the memory allow.
        images_per_prompt: Most images in one request. The loop sends two, more where a history is shown.
        dtype: Of the weights, in vLLM's words.
        device: ``cuda``, or ``cpu`` for vLLM's CPU build.
        key: Name of the environment variable that holds the API key that clients must send; no key if empty.
        cache_gb: Gibibytes of memory for decoded images.
        kv_gb: Gibibytes for keys and values, on a CPU only; a GPU gives what is left of its memory.
        threads: Threads that compute, on a CPU only.
        extra: Further arguments of ``vllm serve``, as they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)]
    name: str = ""
    loras: tuple[Lora, ...] = ()
    tensor_parallel: Annotated[int, Field(ge=1)] = 1
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    max_model_len: Annotated[int, Field(ge=1)] | None = None
    images_per_prompt: Annotated[int, Field(ge=1)] = 8
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    device: Literal["cpu", "cuda"] = "cuda"
    key: str = ""
    cache_gb: Annotated[float, Field(gt=0)] = 4.0
    kv_gb: Annotated[int, Field(ge=1)] = 4
    threads: Annotated[int, Field(ge=1)] | None = None
    extra: tuple[str, ...] = ()

    @property
    def served(self) -> tuple[str, ...]:
        """The names that the server must list once it is up, the model's own first."""
        return (self.name or Path(self.model).name, *(lora.name for lora in self.loras))

    @property
    def url(self) -> str:
        """The URL of the API, as a client on this machine writes it."""
        return url_of(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Command:
    """A command that can be run or shown.

    Attributes:
        argv: The program and its arguments.
        env: Variables that are set for it where the caller has not set them; no secrets.
        secrets: Variables that take their value from another variable of the caller: target -> source.
    """

    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def shell(self, given: Container[str] = ()) -> str:
        """Return it as a line for a POSIX shell; of a secret only the variable's name.

        Args:
            given: Variables that the shell has already: they are kept, so nothing is said of them.
        """
        pairs = [f"{key}={shlex.quote(value)}" for key, value in self.env.items() if key not in given]
        pairs += [f'{key}="${source}"' for key, source in self.secrets.items() if key != source]
        return " ".join([*pairs, shlex.join(self.argv)])


def serve_command(spec: ServeSpec, launcher: Sequence[str] = ("vllm",)) -> Command:
    """Return the command that serves a spec.

    Args:
        spec: What is served, and where.
        launcher: How vLLM's command line is called, such as an interpreter and ``-m vllm.entrypoints.cli.main``.

    Raises:
        UsageError: The server would be open to other machines without a key, or two models have one name.
    """
    check_reach(spec.host, spec.key)
    if len(set(spec.served)) != len(spec.served):
        raise UsageError(f"Two models have the same name: {', '.join(spec.served)}.", hint="Give each its own name.")
    options = [*_what(spec), *_loop(spec), *_adapters(spec)]
    if spec.device == "cpu":
        options.append("--enforce-eager")
    secrets = {_KEY: spec.key} if spec.key else {}
    return Command((*launcher, "serve", spec.model, *options, *spec.extra), _variables(spec), secrets)


def url_of(host: str, port: int) -> str:
    """Return the URL of an API, as a client on this machine writes it."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{local}]' if ':' in local else local}:{port}/v1"


def check_reach(host: str, key: str) -> None:
    """Refuse a server that other machines can reach and that wants no key.

    Raises:
        UsageError: It is one.
    """
    if not key and not _is_loopback(host):
        raise UsageError(
            f"A server on {host} can be reached from other machines and has no API key.",
            hint="Put a key into an environment variable and name it (--key NAME), or listen on 127.0.0.1.",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _what(spec: ServeSpec) -> list[str]:
    options = ["--served-model-name", spec.served[0], "--host", spec.host, "--port", str(spec.port)]
    options += ["--max-model-len", str(spec.max_model_len or "auto")]
    if spec.dtype != "auto":
        options += ["--dtype", spec.dtype]
    if spec.tensor_parallel > 1:
        options += ["--tensor-parallel-size", str(spec.tensor_parallel)]
    return options


def _loop(spec: ServeSpec) -> list[str]:
    return [
        "--enable-prefix-caching",
        "--enable-prompt-tokens-details",
        "--mm-processor-cache-gb",
        f"{spec.cache_gb:g}",
        "--limit-mm-per-prompt",
        json.dumps({"image": spec.images_per_prompt, "video": 0}),
        "--structured-outputs-config",
        json.dumps({"backend": "guidance", "disable_any_whitespace": True}),
    ]


def _adapters(spec: ServeSpec) -> list[str]:
    if not spec.loras:
        return []
    rank = next(room for room in _RANKS if room >= max(lora.rank for lora in spec.loras))
    modules = [f"{lora.name}={lora.path}" for lora in spec.loras]
    return ["--enable-lora", "--max-lora-rank", str(rank), "--lora-modules", *modules]


def _variables(spec: ServeSpec) -> dict[str, str]:
    found = {"DO_NOT_TRACK": "1"}
    if Path(spec.model).is_absolute():  # a folder: nothing is asked of a hub
        found["HF_HUB_OFFLINE"] = "1"
    if spec.device == "cpu":
        # Without this, the first request for log-probabilities compiles for more than ten seconds.
        found |= {"TORCH_COMPILE_DISABLE": "1", "VLLM_CPU_KVCACHE_SPACE": str(spec.kv_gb)}
        if spec.threads:
            found |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(spec.threads)}
    return found
