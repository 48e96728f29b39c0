"""How a server's process is started, watched and stopped; with small programs in vLLM's place, and once with vLLM."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from reasonedit_agent.errors import Lost, ReplyError, TimedOut, UsageError
from reasonedit_agent.reasoners.backends.openai_api import openai_reasoner
from reasonedit_agent.serving.command import Command, ServeSpec
from reasonedit_agent.serving.folders import servable
from reasonedit_agent.serving.server import Server
from reasonedit_agent.serving.sockets import free_port, listeners, members, port_is_free, sockets_of
from tests.reasoners.test_openai_api import Bench
from tests.servers import running
from tests.servers.asking import PHOTO, ask, client, image, text

LISTS = """
import http.server, json, subprocess, signal, sys, time
port, names, flags = int(sys.argv[1]), sys.argv[2].split(","), sys.argv[3:]
class Models(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if "key" in flags and self.headers.get("Authorization") != "Bearer s3cret":
            return self.send_error(401)
        body = json.dumps({"data": [{"id": name} for name in names]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
print("starting", flush=True)
if "deaf" in flags:
    time.sleep(600)
if "child" in flags:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
if "stubborn" in flags:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Models).serve_forever()
"""


def server(folder: Path, *flags: str, names: str = "judge", port: int = 0, key: str = "", **more: Any) -> Server:
    spec = ServeSpec(model="/m", name="judge", port=port or free_port(), key=key)
    argv = (sys.executable, "-c", LISTS, str(spec.port), names, *flags)
    secrets = {"VLLM_API_KEY": key} if key else {}
    return Server(spec, Command(argv, {}, secrets), log=folder / "logs" / "server.log", **({"patience": 60} | more))


def group_of(found: Server) -> int:
    assert found.group is not None
    return found.group


def test_it_starts_waits_and_stops(tmp_path: Path) -> None:
    with server(tmp_path) as found:
        assert found.alive
        assert found.models() == {"judge"}
        assert "starting" in found.tail()
        group = group_of(found)
        assert listeners("127.0.0.1", found.spec.port) <= sockets_of(members(group))  # type: ignore[operator]
        with pytest.raises(UsageError, match="runs already"):
            found.start()
    assert not found.alive and members(group) == []
    assert port_is_free("127.0.0.1", found.spec.port)
    found.stop()  # once more does nothing
    with found:  # and it can be started again
        assert found.models() == {"judge"}


def test_children_go_too_even_if_nobody_listens_to_reason(tmp_path: Path) -> None:
    with server(tmp_path, "child", "stubborn", grace=0.5) as found:
        group = group_of(found)
        assert len(members(group)) == 2
    assert members(group) == []


def test_children_go_too_when_the_parent_died(tmp_path: Path) -> None:
    with server(tmp_path, "child") as found:
        group = group_of(found)
        os.kill(group, signal.SIGKILL)
        assert found.wait() == -signal.SIGKILL
        assert len(members(group)) == 1
    assert members(group) == []


def test_one_that_dies_at_the_start_says_why(tmp_path: Path) -> None:
    command = Command((sys.executable, "-c", "print('loading'); raise ValueError('no such architecture')"))
    spec = ServeSpec(model="/m", port=free_port())
    with pytest.raises(Lost, match=r"exit code 1\): ValueError: no such architecture\n") as caught:
        with Server(spec, command, log=tmp_path / "log", patience=60):
            pass
    assert "loading" in str(caught.value) and str(tmp_path / "log") in str(caught.value)


def test_another_program_on_the_port(tmp_path: Path) -> None:
    """Before the start it is the caller's to choose another; during the start it must not be taken for ours."""
    with server(tmp_path / "a") as other:
        with pytest.raises(UsageError, match=f"listens on 127.0.0.1, port {other.spec.port}"):
            server(tmp_path / "b", port=other.spec.port).start()
    late = server(tmp_path / "c", "deaf")
    late.start()
    try:
        with server(tmp_path / "d", port=late.spec.port):  # it lists the same name
            with pytest.raises(Lost, match="Another program took port"):
                late.wait_ready()
    finally:
        late.stop()


def test_the_wrong_model_is_not_ready(tmp_path: Path) -> None:
    with pytest.raises(TimedOut, match=r"did not offer judge within 1 s\. It lists other, third") as caught:
        with server(tmp_path, names="third,other", patience=1):
            pass
    assert "server.log" in caught.value.hint


def test_the_key_is_sent_and_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="MY_KEY holds no API key"):
        server(tmp_path, "key", key="MY_KEY").start()
    monkeypatch.setenv("MY_KEY", "s3cret")
    with server(tmp_path, "key", key="MY_KEY") as found:
        assert found.models() == {"judge"}
        assert "s3cret" not in repr(found.spec) + repr(found.command.env) + found.log.read_text()
    monkeypatch.setenv("MY_KEY", "another")
    with pytest.raises(UsageError, match=r"refuses the API key in \$MY_KEY") as caught:
        with server(tmp_path, "key", key="MY_KEY"):  # at once: a start may take a quarter of an hour
            pass
    assert "another" not in caught.value.message


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    spec = ServeSpec(model="/m", port=free_port())
    with pytest.raises(UsageError, match="cannot be run"):
        Server(spec, Command(("/not/there",)), log=tmp_path / "log").start()


async def test_killed_and_restarted(vllm_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second vLLM, from a diffusers folder: killed while it answers, then started again on the same port."""
    whole = running.tiny_model() / "model"
    parts = {
        "config.json": "text_encoder",
        "generation_config.json": "text_encoder",
        "model.safetensors": "text_encoder",
    }
    for path in whole.iterdir():
        target = tmp_path / "ReasonEdit" / parts.get(path.name, "processor") / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    with monkeypatch.context() as own:
        own.setenv("REASONEDIT_HOME", str(tmp_path / "home"))
        folder = servable(str(tmp_path / "ReasonEdit"))
    found = running.tiny_server(tmp_path / "log", folder, loras=())
    bench = Bench(tmp_path / "images")
    reasoner = openai_reasoner(found.url, retries=0, patience=120, seeds=False, room=1024)
    with found:
        group = group_of(found)
        with contextlib.suppress(ReplyError):
            await bench.think(reasoner)
        async with client(found.url) as api:
            before = await ask(api, running.MODEL, [image(PHOTO, "photo"), text("crop")])
            stream = await api.chat.completions.create(
                model=running.MODEL,
                messages=[{"role": "user", "content": "go on"}],
                stream=True,
                max_tokens=8000,
                extra_body={"ignore_eos": True},
            )
            with pytest.raises(openai.APIConnectionError):
                async for _ in stream:
                    found.kill()
            with pytest.raises(openai.APIConnectionError):
                await ask(api, running.MODEL, "crop")
        assert not found.alive and members(group) == []
        found.start()
        asked = asyncio.create_task(bench.think(reasoner))  # by a client that knew it before
        await asyncio.to_thread(found.wait_ready)
        with contextlib.suppress(ReplyError):  # random weights: any answer will do
            await asked
        assert bench.calls[-1].raw and "cannot be reached" in "".join(call.error for call in bench.calls)
        assert group_of(found) != group
        async with client(found.url) as api:
            with pytest.raises(openai.BadRequestError, match="Cache miss"):  # what it held is gone
                await ask(api, running.MODEL, [image(None, "photo"), text("crop")])
            after = await ask(api, running.MODEL, [image(PHOTO, "photo"), text("crop")])
        assert after.choices[0].message.content == before.choices[0].message.content


@pytest.mark.parametrize("wrong", ["architecture", "weights"])
def test_a_model_that_vllm_cannot_load(vllm_python: Path, tmp_path: Path, wrong: str) -> None:
    folder = tmp_path / "odd"
    shutil.copytree(running.tiny_model() / "model", folder)
    if wrong == "architecture":
        (folder / "config.json").write_text('{"architectures": ["Nothing"], "model_type": "nothing"}')
        reason = "has model type `nothing` but Transformers does not recognize"
    else:
        os.truncate(folder / "model.safetensors", 100_000)
        reason = "SafetensorError: Error while deserializing header"
    found = running.tiny_server(tmp_path / "log", str(folder), loras=())
    with pytest.raises(Lost, match=reason) as caught, found:
        pass
    assert reason in str(caught.value).splitlines()[0]
    assert members(group_of(found)) == []


def test_the_command_line(vllm_python: Path, tmp_path: Path) -> None:
    """`reasonedit serve reasoner`: says when it serves, asks for the key, and leaves nothing behind."""
    folder, port = running.tiny_model(), free_port()
    script = Path(sys.executable).with_name("reasonedit")
    words = [script, "serve", "reasoner", folder / "model", "--lora", f"tuned={folder / 'lora'}", "--name", "judge"]
    words += ["--port", port, "--device", "cpu", "--key", "MY_KEY", "--log", tmp_path / "log"]
    words += ["--", "--max-num-seqs", "4"]
    env = {**os.environ, "MY_KEY": "s3cret", "NO_COLOR": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    env |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "2"}
    with subprocess.Popen(
        [*map(str, words)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as cli:
        assert cli.stdout is not None and cli.stderr is not None
        assert cli.stdout.readline() == f"Serving judge, tuned at http://127.0.0.1:{port}/v1\n"
        with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="wrong", max_retries=0) as stranger:
            with pytest.raises(openai.AuthenticationError):
                stranger.models.list()
            assert {model.id for model in stranger.with_options(api_key="s3cret").models.list()} == {"judge", "tuned"}
        cli.send_signal(signal.SIGINT)
        said = cli.stderr.read()
        assert cli.wait(30) == 0
    assert "Stopped." in said and "s3cret" not in said + (tmp_path / "log").read_text()
    assert listeners("127.0.0.1", port) == set()


def test_the_command_line_prints() -> None:
    script = str(Path(sys.executable).with_name("reasonedit"))
    folder = running.SCRIPT.parent
    done = subprocess.run(
        [script, "serve", "reasoner", "owner/name", "--device", "cuda", "--print"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert " serve owner/name --served-model-name name " in done.stdout
    wrong = subprocess.run([script, "serve", "reasoner", str(folder)], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1
    assert "holds no model that can be served" in wrong.stderr
