"""Serving an editor: the command as text, the environment, and the waiting, with small programs in the engines' place."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reasonedit_agent.errors import TimedOut, UsageError
from reasonedit_agent.registry import parse_call
from reasonedit_agent.serving import environment
from reasonedit_agent.serving.command import Command
from reasonedit_agent.serving.editor import HEALTH, EditorSpec, editable, editor_command, editor_launcher
from reasonedit_agent.serving.server import Server
from reasonedit_agent.serving.sockets import free_port, listeners, members

ENGINE = """
import http.server, json, sys
words = sys.argv[1:]
def told(option):
    return words[words.index(option) + 1]
looks = 0
class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global looks
        if self.path == "/health":
            looks += 1
            warm = looks > 2 and "--never-warm" not in words
            self.send_response(200 if warm else 503)
            self.end_headers()
            return
        body = json.dumps({"data": [{"id": told("--served-model-name"), "owned_by": "vllm"}]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
print("called as", *words, flush=True)
http.server.ThreadingHTTPServer((told("--host"), int(told("--port"))), Api).serve_forever()
"""
SCRIPT = str(Path(sys.executable).with_name("reasonedit"))


def argv(**settings: Any) -> tuple[str, ...]:
    return editor_command(EditorSpec(model="/models/qwen-edit", **settings)).argv


def test_the_command_of_vllm_omni() -> None:
    assert shlex.join(argv(port=9001)) == (
        "vllm-omni serve /models/qwen-edit --omni --served-model-name qwen-edit --host 127.0.0.1 --port 9001"
    )
    found = argv(gpus=2, name="hand", extra=("--cache-backend", "cache_dit"))
    assert found[-4:] == ("--usp", "2", "--cache-backend", "cache_dit") and "hand" in found


def test_the_command_of_sglang() -> None:
    assert shlex.join(argv(engine="sglang", gpus=2)) == (
        "sglang serve --model-type diffusion --model-path /models/qwen-edit --served-model-name qwen-edit"
        " --host 127.0.0.1 --port 8001 --num-gpus 2"
    )


def test_how_an_engine_is_called() -> None:
    python = Path("/env/bin/python")
    assert editor_launcher("vllm-omni", python) == ("/env/bin/python", "-m", "vllm_omni.entrypoints.cli.main")
    assert editor_launcher("sglang", python) == ("/env/bin/sglang",)


def test_a_key_is_named_and_an_open_server_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "s3cret")
    command = editor_command(EditorSpec(model="owner/name", key="MY_KEY", host="0.0.0.0"))
    assert command.secrets == {"VLLM_API_KEY": "MY_KEY"} and "s3cret" not in command.shell()
    assert "HF_HUB_OFFLINE" not in command.env
    for engine in ("vllm-omni", "sglang"):
        with pytest.raises(UsageError, match="no API key"):
            argv(engine=engine, host="0.0.0.0")
    with pytest.raises(UsageError, match=r"ask for no API key.*proxy before it"):
        argv(engine="sglang", key="MY_KEY")


@pytest.mark.parametrize("settings", [{"engine": "triton"}, {"gpus": 0}, {"port": 70000}, {"x": 1}])
def test_nonsense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EditorSpec(**{"model": "m", **settings})


def test_what_can_be_served(tmp_path: Path) -> None:
    index = tmp_path / "model_index.json"
    index.write_text(json.dumps({"_class_name": "QwenImageEditPlusPipeline"}))
    assert (
        editable(str(tmp_path)) == str(tmp_path)
        and editable("Qwen/Qwen-Image-Edit-2511") == "Qwen/Qwen-Image-Edit-2511"
    )
    index.write_text(json.dumps({"_class_name": "Step1XEditPipelineV1P2"}))
    with pytest.raises(UsageError, match="No engine serves a Step1XEditPipelineV1P2"):
        editable(str(tmp_path))
    index.write_text("{")
    with pytest.raises(UsageError, match="holds no pipeline"):
        editable(str(tmp_path))
    with pytest.raises(UsageError, match="no model folder"):
        editable("./nothing/here")


@pytest.mark.parametrize(
    ("engine", "pins"),
    [("vllm-omni", ["vllm-omni==0.30.0", "vllm==0.30.0"]), ("sglang", ["sglang[diffusion]==0.5.23"])],
)
def test_each_engine_has_an_environment_of_its_own(
    engine: Any, pins: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REASONEDIT_HOME", str(tmp_path))
    assert environment.environment_dir(engine) == tmp_path / "environments" / engine
    file = Path(environment.__file__).with_name(environment._PINS[engine].file)
    assert [line for line in file.read_text().splitlines() if not line.startswith("#")] == pins
    assert len({environment._hash(kind) for kind in environment._PINS}) == 4
    assert environment.find(engine) is None
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")  # no uv
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setitem(environment._PINS, engine, environment._Pins(file.name, complete=False, room=1))
    with pytest.raises(UsageError, match=f"cannot be installed: .*{engine}"):
        environment.build(engine)


def stub(folder: Path, *flags: str, **more: Any) -> Server:
    spec = EditorSpec(model="/m/qwen-edit", port=free_port(), extra=flags)
    command = Command((sys.executable, "-c", ENGINE, *editor_command(spec).argv[1:]))
    return Server(spec, command, log=folder / "log", health=HEALTH, **{"patience": 60, **more})


def test_it_is_waited_for_until_it_is_warm(tmp_path: Path) -> None:
    looks: list[float] = []
    found = stub(tmp_path)
    found.start()
    try:
        found.wait_ready(looks.append)
        assert found.models() == {"qwen-edit"} and found.healthy()
        assert len(looks) > 2, "it listed its model before it was warm"
    finally:
        found.stop()
    assert found.group is not None and members(found.group) == []


def test_one_that_never_gets_warm(tmp_path: Path) -> None:
    with pytest.raises(TimedOut, match=r"did not offer qwen-edit within 2 s\. It lists qwen-edit"):
        with stub(tmp_path, "--never-warm", patience=2):
            pass


def cli(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, "serve", "editor", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1", **env},
    )


@pytest.fixture
def no_gpu(tmp_path: Path) -> str:
    """A PATH without NVIDIA's tools."""
    (tmp_path / "empty").mkdir()
    return str(tmp_path / "empty")


def test_a_machine_without_a_gpu_is_told(no_gpu: str) -> None:
    done = cli("owner/name", "--engine", "sglang", PATH=no_gpu)
    assert done.returncode == 2 and done.stderr.count("\n") <= 2
    assert "SGLang needs an NVIDIA GPU, and this machine has none." in done.stderr and "--print" in done.stderr
    shown = cli("owner/name", "--engine", "sglang", "--print", PATH=no_gpu)
    assert shown.returncode == 0 and "needs an NVIDIA GPU" in shown.stderr
    assert (
        shown.stdout.startswith("DO_NOT_TRACK=1 ")
        and " --model-path owner/name --served-model-name name " in shown.stdout
    )


def test_the_command_line_prints() -> None:
    done = cli("owner/name", "--print", "--port", 9000, "--", "--cache-backend", "cache_dit")
    assert done.returncode == 0
    line = done.stdout.strip()
    assert "environments/vllm-omni/bin/python -m vllm_omni.entrypoints.cli.main serve owner/name --omni " in line
    assert line.endswith("--port 9000 --cache-backend cache_dit")
    wrong = cli("owner/name", "--engine", "triton")
    assert wrong.returncode == 2 and "--engine triton" in wrong.stderr


@pytest.mark.parametrize("engine", ["vllm-omni", "sglang"])
def test_the_command_line_serves(engine: str, tmp_path: Path) -> None:
    """With an interpreter of one's own, whose engine is a small program."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    (tmp_path / "bin" / "sglang").write_text(f"#!{sys.executable}\n{ENGINE}")
    (tmp_path / "bin" / "sglang").chmod(0o755)
    package = tmp_path / "lib" / "vllm_omni" / "entrypoints" / "cli"
    package.mkdir(parents=True)
    (package / "main.py").write_text(ENGINE)
    port = free_port()
    words = ["owner/name", "--engine", engine, "--python", python, "--port", port, "--log", tmp_path / "log"]
    env = {**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(tmp_path / "lib")}
    with subprocess.Popen(
        [SCRIPT, "serve", "editor", *map(str, words)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == f"Serving name at http://127.0.0.1:{port}/v1\n"
        used = next(line for line in iter(process.stderr.readline, "") if "Use it with" in line)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(30) == 0
    assert "Stopped." in said and listeners("127.0.0.1", port) == set()
    call = parse_call(used.partition("--tool '")[2].partition("'")[0], "tool")
    assert call.name == "images" and call.args == (f"http://127.0.0.1:{port}/v1", "name")
    assert call.kwargs == {"dialect": engine}
