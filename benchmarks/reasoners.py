"""What a question to a model costs: ``python -m benchmarks.reasoners``.

1. One call of `json` against the five of `reasonedit`, on a real vLLM server with a tiny random model (the environment
   is built once; without it this part is left out and says so). The length of every reply is fixed: 128 tokens for
   each call of the cascade, `ONE_CALL` for the one call, about the median of verdicts as `json` asks for them. Prompt
   tokens are worked out for the real Qwen2.5-VL at 1024 pixels.
2. The share of prompt tokens that rounds 2 and later of one edit find in the server's cache.
3. The client against the raw OpenAI client, on a scripted server of constant latency, 32 calls at once.
4. Requests through a proxy with every fault at 5 per cent.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import openai
from PIL import Image
from tokenizers import Tokenizer

from benchmarks.tables import table
from reasonedit_agent.errors import ReasonEditError, ReplyError
from reasonedit_agent.events import Called
from reasonedit_agent.reasoners.backends.openai_api import openai_reasoner
from reasonedit_agent.reasoners.dialects import make_dialect
from reasonedit_agent.reasoners.dialects.base import Prompt, Reply
from reasonedit_agent.schemas import (
    Candidate,
    Card,
    EditCall,
    EditRequest,
    EditStep,
    History,
    ImageRef,
    Refine,
    Round,
    Thought,
)
from reasonedit_agent.testing import SimpleContext, scores
from reasonedit_agent.weights import weight_path
from tests.servers.chat import ChatServer, completion
from tests.servers.fault_proxy import FAULTS, FaultProxy

CASCADE, ONE_CALL = 128, 208
SIDE = 1024
PLAN = {
    "instruction": "Make the cup green.",
    "steps": [{"text": "make it green", "region": None}],
    "keep": [],
    "checklist": ["Is it?"],
}
CONCLUSIONS = {
    "describe": "The cup is green.",
    "assess": json.dumps({"meets_instruction": "yes", "raw_score": 9, "reason": "fine"}),
    "conclude": "<#Think>fine<#Success>",
    "score_edit": '{"score": [9, 9], "reasoning": "fine"}',
    "score_look": '{"score": [9, 9], "reasoning": "fine"}',
}
THOUGHT = Thought(
    instruction="Make the cup green.",
    steps=(EditStep(text="make the cup green"),),
    keep=("the saucer",),
    checklist=("Is the cup green?", "Is the saucer as it was?", "Does the light on the cup look right?"),
)


def qwen_tokens(width: int, height: int) -> int:
    """Return the tokens of a picture for Qwen2.5-VL: patches of 28 x 28, both sides rounded to whole patches."""
    return max(1, round(width / 28)) * max(1, round(height / 28)) + 2  # and its start and end


@lru_cache
def _tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(weight_path("minilm-tokenizer.json")))


def words(text: str) -> int:
    """Return about how many tokens a text is, by a WordPiece of 30,000; the tiny model's own one knows few words."""
    return len(_tokenizer().encode(text, add_special_tokens=False).ids)


class Scene:
    """A request with a source and results of 1024 x 1024 pixels."""

    def __init__(self, folder: Path) -> None:
        self.ctx = SimpleContext(folder)
        self.request = EditRequest(image=self.picture(0), instruction="make the cup green, keep the saucer", seed=1)
        self.call = EditCall(base=Candidate.of(self.request.image), instruction="x", steps=THOUGHT.steps, seeds=(1,))

    def picture(self, number: int) -> ImageRef:
        """Return a gradient, another one for each number, with the bytes of a photo of this size."""
        tint = Image.new("RGB", (SIDE, SIDE), ((37 * number) % 255, 120, 60))
        noisy = Image.blend(Image.effect_noise((SIDE, SIDE), 40).convert("RGB"), tint, 0.5)
        out = io.BytesIO()
        noisy.save(out, "JPEG", quality=90)
        return self.ctx.images.put(out.getvalue())

    def prompts(self, dialect: str, number: int) -> list[Prompt]:
        """Return the prompts of one reflection, as they are when the replies are sensible."""
        talk = make_dialect(dialect).reflect(
            self.request, THOUGHT, self.call, Candidate.of(self.picture(number)), History(request=self.request)
        )
        return list(_asked(talk))


def _asked(talk: Generator[Prompt, Any, Any]) -> Iterator[Prompt]:
    try:
        prompt = next(talk)
        while True:
            yield prompt
            name = prompt.name.split("@")[0].split("/")[1]
            if name not in CONCLUSIONS:
                return
            prompt = talk.send(prompt.read(Reply(CONCLUSIONS[name])))
    except StopIteration:
        return


# -- 1 and 2: a real server -------------------------------------------------------------------------------------------


class Raw:
    """Sends prompts with fixed reply lengths; counts what goes over the wire."""

    def __init__(self, client: openai.AsyncOpenAI, model: str, scene: Scene, *, named: bool) -> None:
        self.client, self.model, self.scene, self.named = client, model, scene, named
        self.held: set[str] = set()
        self.calls = self.images = self.sent = self.tokens = self.image_tokens = 0

    async def reflect(self, dialect: str, number: int, length: int) -> None:
        for prompt in self.scene.prompts(dialect, number):
            await self.ask(prompt, length)

    async def ask(self, prompt: Prompt, length: int) -> None:
        messages = [{"role": t.role, "content": [self.part(piece) for piece in t.parts]} for t in prompt.turns]
        self.calls += 1
        self.images += len(prompt.images)
        self.sent += len(json.dumps(messages))
        answer = await self.client.chat.completions.create(
            model=self.model,
            messages=messages,  # type: ignore[arg-type]
            max_tokens=length,
            temperature=0,
            extra_body={"min_tokens": length, "ignore_eos": True},
        )
        assert answer.usage is not None and answer.usage.completion_tokens == length
        self.tokens += sum(words(piece) for t in prompt.turns for piece in t.parts if isinstance(piece, str))
        self.held |= {ref.sha256 for ref in prompt.images}

    def part(self, piece: str | ImageRef) -> dict[str, Any]:
        if isinstance(piece, str):
            return {"type": "text", "text": piece}
        known = self.named and piece.sha256 in self.held
        data = self.scene.ctx.images.get(piece)
        url = None if known else {"url": f"data:{piece.media_type};base64,{base64.b64encode(data).decode()}"}
        return {"type": "image_url", "image_url": url, **({"uuid": piece.sha256} if self.named else {})}


async def compare_dialects(url: str, model: str, scene: Scene) -> None:
    """Print the table of one call against five."""
    rows = []
    real = qwen_tokens(SIDE, SIDE)
    results: dict[str, list[float]] = {}
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=600) as client:
        for dialect, length in (("reasonedit", CASCADE), ("json", ONE_CALL)):
            await Raw(client, model, scene, named=True).reflect(dialect, 99, length)  # warm
            named, plain = (Raw(client, model, scene, named=flag) for flag in (True, False))
            await plain.reflect(dialect, 1, length)
            started = time.perf_counter()
            await named.reflect(dialect, 2, length)
            alone = time.perf_counter() - started
            started = time.perf_counter()
            crowd = [Raw(client, model, scene, named=True) for _ in range(8)]
            await asyncio.gather(*(one.reflect(dialect, 10 + n, length) for n, one in enumerate(crowd)))
            eight = time.perf_counter() - started
            prompt = named.tokens + named.images * real
            results[dialect] = [named.calls, named.images, plain.sent, named.sent, prompt, alone, eight]
    names = ["calls", "images", "bytes without uuid", "bytes with uuid", f"prompt tokens at {SIDE} px (Qwen2.5-VL)"]
    names += ["seconds, alone", "seconds, 8 at once"]
    for at, name in enumerate(names):
        five, one = results["reasonedit"][at], results["json"][at]
        rows.append(
            (
                name,
                f"{five:,.4g}" if at > 4 else f"{five:,}",
                f"{one:,.4g}" if at > 4 else f"{one:,}",
                f"{five / one:.1f}",
            )
        )
    table(
        f"Reflection: five calls of {CASCADE} tokens against one of {ONE_CALL}",
        ("", "reasonedit", "json", "ratio"),
        rows,
    )


async def cached_share(url: str, model: str, scene: Scene) -> None:
    """Print what rounds 2 and later of one edit find in the cache."""
    mind = openai_reasoner(url, model, seeds=False, room=512)
    rounds: tuple[Round, ...] = ()
    rows = []
    for number in range(1, 6):
        made = Candidate.of(scene.picture(50 + number))
        history = History(request=scene.request, thought=THOUGHT, rounds=rounds)
        scene.ctx.events.clear()
        with contextlib.suppress(ReplyError):  # random weights may say anything; what it cost is told all the same
            await mind.reflect(scene.request, THOUGHT, scene.call, made, history, scene.ctx)
        usage = next(e.usage for e in scene.ctx.events if isinstance(e, Called) and not e.error)
        assert usage.prompt_tokens and usage.cached_tokens is not None
        rows.append(
            (number, usage.prompt_tokens, usage.cached_tokens, f"{usage.cached_tokens / usage.prompt_tokens:.0%}")
        )
        judged = Refine(scores=scores(5), critique="The green is too pale on the left side.", steps=THOUGHT.steps)
        rounds += (Round(index=number, call=scene.call, candidates=(made,), verdicts=(judged,)),)
    table("Rounds of one edit (json)", ("round", "prompt tokens", "cached", "share"), rows)


# -- 3 and 4: a scripted server ---------------------------------------------------------------------------------------


async def client_overhead(scene: Scene, *, latency: float = 0.05, calls: int = 640) -> None:
    """Print the client's time against the raw OpenAI client's, 32 calls at once."""
    with ChatServer(lambda _: completion(json.dumps(PLAN)), latency=latency, owner="vllm") as server:
        mind = openai_reasoner(server.url)
        history, card = History(request=scene.request), Card(reads_text=True)
        prompt = next(make_dialect("json").think(scene.request, card, history))
        raw = Raw(openai.AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0), "scripted", scene, named=True)
        raw.held = {scene.request.image.sha256}

        async def ours() -> None:
            await mind.think(scene.request, card, history, scene.ctx)

        async def theirs() -> None:
            messages = [{"role": t.role, "content": [raw.part(piece) for piece in t.parts]} for t in prompt.turns]
            await raw.client.chat.completions.create(model="scripted", messages=messages, max_tokens=1024)  # type: ignore[arg-type]

        await ours()
        times: dict[str, list[float]] = {"ours": [], "raw": []}
        for _ in range(5):
            for name, one in (("raw", theirs), ("ours", ours)):
                queue = iter(range(calls))

                async def worker(queue: Iterator[int] = queue, one: Any = one) -> None:
                    for _ in queue:
                        await one()

                started = time.perf_counter()
                await asyncio.gather(*(worker() for _ in range(32)))
                times[name].append(time.perf_counter() - started)
        await raw.client.close()
    ours_s, raw_s = (statistics.median(times[name]) for name in ("ours", "raw"))
    rows = [("raw client", f"{raw_s:.2f} s", ""), ("openai backend", f"{ours_s:.2f} s", f"{ours_s / raw_s - 1:+.1%}")]
    table(f"{calls} calls, 32 at once, latency {latency * 1000:.0f} ms", ("", "time", "overhead"), rows)


async def faults(scene: Scene, *, calls: int) -> None:
    """Print how requests through a failing proxy end."""
    ends: Counter[str] = Counter()
    with (
        ChatServer(lambda _: completion(json.dumps(PLAN))) as server,
        FaultProxy(server.url, 0.05, pause=0.02) as proxy,
    ):
        mind = openai_reasoner(proxy.url, timeout=10, retries=6)
        history, card = History(request=scene.request), Card(reads_text=True)
        gate = asyncio.Semaphore(16)
        scene.ctx.events.clear()

        async def one() -> None:
            async with gate:
                try:
                    await mind.think(scene.request, card, history, scene.ctx)
                    ends["a value"] += 1
                except ReasonEditError as error:
                    ends[type(error).__name__] += 1

        await asyncio.gather(*(one() for _ in range(calls)))
    called = [event for event in scene.ctx.events if isinstance(event, Called)]
    good = sum(not event.error for event in called)
    rows = [(name, count, f"{count / calls:.2%}") for name, count in ends.most_common()]
    rows += [
        ("ends in all", sum(ends.values()), ""),
        ("answers counted", good, ""),
        ("attempts", len(called), f"{len(called) / calls:.2f} a request"),
    ]
    assert sum(ends.values()) == calls and good == ends["a value"]
    table(f"{calls} requests, {len(FAULTS)} faults at 5 % each", ("end", "count", ""), rows)


async def main(calls: int, with_server: bool) -> None:
    """Run all parts."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        await client_overhead(scene)
        await faults(scene, calls=calls)
    if not with_server:
        print("\nNo model server asked for: the dialects are not compared.")
        return
    from tests.servers import running

    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        with running.tiny_server(Path(folder) / "server.log") as server:
            await compare_dialects(server.url, running.MODEL, scene)
            await cached_share(server.url, running.MODEL, scene)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=2000, help="requests through the failing proxy")
    parser.add_argument("--no-server", action="store_true", help="leave out what needs a model server")
    options = parser.parse_args()
    asyncio.run(main(options.calls, not options.no_server))
