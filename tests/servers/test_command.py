"""The command of a server, as text."""

import json
import shlex
from typing import Any

import pytest
from pydantic import ValidationError

from reasonedit_agent.errors import UsageError
from reasonedit_agent.serving.command import Lora, ServeSpec, serve_command


def options(**settings: Any) -> dict[str, str]:
    """The options by name; a switch has an empty value."""
    argv = serve_command(ServeSpec(model="/models/qwen", **settings)).argv
    assert argv[:3] == ("vllm", "serve", "/models/qwen")
    found: dict[str, str] = {}
    for word in argv[3:]:
        if word.startswith("--"):
            found[word] = ""
        else:
            last = list(found)[-1]
            found[last] = f"{found[last]} {word}".strip()
    return found


def test_what_the_loop_wants() -> None:
    found = options()
    assert found["--served-model-name"] == "qwen"
    assert found["--host"] == "127.0.0.1" and found["--port"] == "8000"
    assert found["--enable-prefix-caching"] == found["--enable-prompt-tokens-details"] == ""
    assert json.loads(found["--limit-mm-per-prompt"]) == {"image": 8, "video": 0}
    assert json.loads(found["--structured-outputs-config"]) == {"backend": "guidance", "disable_any_whitespace": True}
    assert found["--mm-processor-cache-gb"] == "4"
    assert found["--max-model-len"] == "auto"
    for absent in ("--tensor-parallel-size", "--enable-lora", "--enforce-eager", "--api-key"):
        assert absent not in found


def test_what_can_be_chosen() -> None:
    found = options(
        name="judge",
        port=9001,
        max_model_len=8192,
        tensor_parallel=2,
        images_per_prompt=3,
        dtype="float16",
        cache_gb=0.5,
    )
    assert found["--served-model-name"] == "judge" and found["--port"] == "9001"
    assert found["--max-model-len"] == "8192" and found["--tensor-parallel-size"] == "2"
    assert json.loads(found["--limit-mm-per-prompt"])["image"] == 3
    assert found["--dtype"] == "float16" and found["--mm-processor-cache-gb"] == "0.5"


@pytest.mark.parametrize(("ranks", "room"), [((4,), "8"), ((16, 8), "16"), ((65,), "128"), ((512,), "512")])
def test_adapters_have_room(ranks: tuple[int, ...], room: str) -> None:
    loras = tuple(Lora(name=f"a{rank}", path=f"/loras/{rank}", rank=rank) for rank in ranks)
    found = options(loras=loras)
    assert found["--max-lora-rank"] == room
    assert found["--lora-modules"] == " ".join(f"a{rank}=/loras/{rank}" for rank in ranks)


def test_every_model_has_its_name() -> None:
    spec = ServeSpec(model="/m/qwen", loras=(Lora(name="tuned", path="/a"), Lora(name="other", path="/b")))
    assert spec.served == ("qwen", "tuned", "other")
    with pytest.raises(UsageError, match="same name: qwen, qwen"):
        serve_command(ServeSpec(model="/m/qwen", loras=(Lora(name="qwen", path="/a"),)))


def test_further_arguments_come_last() -> None:
    command = serve_command(ServeSpec(model="m", extra=("--seed", "3")), ["python", "-m", "vllm"])
    assert command.argv[:4] == ("python", "-m", "vllm", "serve")
    assert command.argv[-2:] == ("--seed", "3")


def test_a_cpu_needs_other_settings() -> None:
    command = serve_command(ServeSpec(model="/m", device="cpu", kv_gb=2, threads=3))
    assert "--enforce-eager" in command.argv
    assert command.env["VLLM_CPU_KVCACHE_SPACE"] == "2" and command.env["OMP_NUM_THREADS"] == "3"
    assert not any("CPU" in name or "OMP" in name for name in serve_command(ServeSpec(model="/m")).env)


def test_a_folder_needs_no_hub_and_a_name_does() -> None:
    assert serve_command(ServeSpec(model="/m")).env["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in serve_command(ServeSpec(model="owner/name")).env


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "my-host"])
def test_an_open_server_needs_a_key(host: str) -> None:
    with pytest.raises(UsageError, match="no API key"):
        serve_command(ServeSpec(model="m", host=host))
    serve_command(ServeSpec(model="m", host=host, key="MY_KEY"))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/v1"),
        ("localhost", "http://localhost:8000/v1"),
        ("::1", "http://[::1]:8000/v1"),
        ("0.0.0.0", "http://127.0.0.1:8000/v1"),
    ],
)
def test_the_url_of_a_host(host: str, url: str) -> None:
    assert ServeSpec(model="m", host=host).url == url


def test_only_what_is_needed_is_said() -> None:
    command = serve_command(ServeSpec(model="/m", device="cpu", kv_gb=2, key="VLLM_API_KEY"))
    assert "--dtype" not in command.argv, "auto is vLLM's own"
    assigned = command.shell().partition(" vllm ")[0].split()
    names = [word.partition("=")[0] for word in assigned]
    assert names == ["DO_NOT_TRACK", "HF_HUB_OFFLINE", "TORCH_COMPILE_DISABLE", "VLLM_CPU_KVCACHE_SPACE"]
    kept = command.shell(given={"VLLM_CPU_KVCACHE_SPACE": "8", "DO_NOT_TRACK": "1"})
    assert kept.startswith("HF_HUB_OFFLINE=1 TORCH_COMPILE_DISABLE=1 vllm ")


def test_a_key_is_named_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "s3cret")
    command = serve_command(ServeSpec(model="a model", key="MY_KEY"))
    assert command.secrets == {"VLLM_API_KEY": "MY_KEY"}
    assert "s3cret" not in repr(command)
    shown = command.shell()
    assert 'VLLM_API_KEY="$MY_KEY"' in shown
    words = shlex.split(shown)
    assert tuple(words[words.index("vllm") :]) == command.argv


@pytest.mark.parametrize(
    "settings",
    [{"model": ""}, {"port": 0}, {"tensor_parallel": 0}, {"dtype": "int3"}, {"images_per_prompt": 0}, {"x": 1}],
)
def test_nonsense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServeSpec(**{"model": "m", **settings})
