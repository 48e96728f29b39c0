"""The langchain backend on a chat model of the test's own, and on LangChain's OpenAI model before a scripted server."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelTimeoutError,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_openai import ChatOpenAI
from PIL import Image
from pydantic import Field, SecretStr

from reasonedit_agent import EditAgent, registry
from reasonedit_agent.errors import BackendError, Lost, Malformed, ReasonEditError, Refused, TimedOut, UsageError
from reasonedit_agent.events import Noted
from reasonedit_agent.reasoners.backends.langchain_chat import langchain_reasoner
from reasonedit_agent.schemas import Candidate
from reasonedit_agent.testing import FunctionTool, check_reasoner
from tests.graphs.scripts import paint
from tests.reasoners.dialects.test_json import plan, verdict
from tests.reasoners.test_openai_api import Bench, error, in_turn, top
from tests.servers.chat import ChatServer, completion

USAGE = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120, "input_token_details": {"cache_read": 60}}
Says = Callable[[list[BaseMessage], dict[str, Any]], Any]


class Bare(BaseChatModel):
    """A chat model that declares no keyword; its last answer repeats."""

    answers: list[Any]
    asked: list[tuple[list[BaseMessage], dict[str, Any]]] = Field(default_factory=list)
    key: SecretStr = SecretStr("very-secret-1234")

    @property
    def _llm_type(self) -> str:
        return "bare"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        raise AssertionError("the asynchronous way is taken")

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **keywords: Any
    ) -> ChatResult:
        self.asked.append((messages, keywords))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        answer = await answer() if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return ChatResult(
            generations=[ChatGeneration(message=answer if isinstance(answer, AIMessage) else says(answer))]
        )


class Full(Bare):
    """One that declares what OpenAI's has, and has structured output by its profile."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    profile: Any = Field(default_factory=lambda: {"structured_output": True})


def says(text: str, finish: str = "stop", **extra: Any) -> AIMessage:
    return AIMessage(text, response_metadata={"finish_reason": finish}, usage_metadata=USAGE, **extra)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "images")


# -- what is sent -----------------------------------------------------------------------------------------------------


async def test_messages_are_langchains_own(bench: Bench) -> None:
    model = Bare(answers=[plan(), verdict()])
    reasoner = langchain_reasoner(model)
    await bench.reflect(reasoner, await bench.think(reasoner))
    (system, human, schema), keywords = model.asked[1]
    assert isinstance(system, SystemMessage) and isinstance(human, HumanMessage) and not keywords
    first, second = (block for block in human.content_blocks if block["type"] == "image")
    assert first["mime_type"] == "image/png"
    assert base64.b64decode(first["base64"]) == bench.ctx.images.get(bench.request.image), "the stored bytes"
    assert base64.b64decode(second["base64"]) == bench.ctx.images.get(bench.result.image)
    assert "JSON schema" in schema.text and "edit_success" in schema.text


async def test_a_model_with_structured_output_is_held_to_the_schema(bench: Bench) -> None:
    model = Full(answers=[plan(), verdict()])
    reasoner = langchain_reasoner(model)
    await bench.reflect(reasoner, await bench.think(reasoner))
    messages, keywords = model.asked[1]
    form = keywords["response_format"]["json_schema"]
    assert form["strict"] and form["name"] == "json_reflect" and "edit_success" in str(form["schema"])
    assert "JSON schema" not in messages[-1].text
    assert keywords["max_tokens"] == 1024 and keywords["temperature"] == 0 and keywords["top_logprobs"] == 5
    assert "top_p" not in keywords and "seed" not in keywords, "greedy"


@pytest.mark.parametrize(("model", "structured"), [(Full, False), (Bare, True)])
async def test_the_user_knows_better_than_the_profile(bench: Bench, model: type[Bare], structured: bool) -> None:
    made = model(answers=[plan()])
    await bench.think(langchain_reasoner(made, structured=structured))
    messages, keywords = made.asked[0]
    assert ("response_format" in keywords) == structured != ("JSON schema" in messages[-1].text)


async def test_pictures_are_made_smaller(bench: Bench) -> None:
    model = Bare(answers=[plan()])
    await bench.think(langchain_reasoner(model, pixels=10_000))
    (block,) = (b for b in model.asked[0][0][1].content_blocks if b["type"] == "image")
    width, height = Image.open(io.BytesIO(base64.b64decode(block["base64"]))).size
    assert 9_000 < width * height <= 10_000


# -- what comes back --------------------------------------------------------------------------------------------------


async def test_usage_and_reasoning_stand_in_the_trace(bench: Bench) -> None:
    content: list[Any] = [{"type": "reasoning", "reasoning": "the cup is white"}, {"type": "text", "text": plan()}]
    model = Bare(answers=[AIMessage(content, usage_metadata=USAGE)])
    assert (await bench.think(langchain_reasoner(model))).steps
    (call,) = bench.calls
    assert call.reasoning == "the cup is white" and call.raw == plan() and call.prompt == "json/think@1"
    usage = call.usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.images) == (100, 60, 20, 1)


async def test_a_reply_that_was_cut_off_gets_more_room(bench: Bench) -> None:
    model = Full(answers=[says('{"uns', "length"), says('{"uns', "max_tokens"), plan()])
    assert (await bench.think(langchain_reasoner(model))).steps
    assert [keywords["max_tokens"] for _, keywords in model.asked] == [1024, 2048, 4096]
    for cut, limit in [
        (Full(answers=[says("{", "length")]), "1024 tokens"),
        (Bare(answers=[says("{", "length")]), "own limit"),
    ]:
        with pytest.raises(Malformed, match=limit):
            await bench.think(langchain_reasoner(cut, room=1024))
        assert len(cut.asked) == 1


async def test_what_is_refused_by_name_is_left_out_from_then_on(bench: Bench) -> None:
    refusals = [
        ModelInvalidRequestError("Unsupported parameter: 'max_completion_tokens'"),
        ModelInvalidRequestError("'temperature' does not support 0 with this model"),
        ModelInvalidRequestError("Invalid schema: 'maxItems' is not permitted"),
        ModelInvalidRequestError("json_schema is not supported"),
    ]
    model = Full(answers=[*refusals, plan(), plan()])
    reasoner = langchain_reasoner(model)
    for _ in range(2):
        assert (await bench.think(reasoner)).steps
    sent = [set(keywords) for _, keywords in model.asked]
    assert sent[0] == {"max_tokens", "temperature", "response_format"} and sent[1] == sent[0] - {"max_tokens"}
    assert sent[2] == sent[3] == {"response_format"} and not sent[4] and not sent[5]
    assert ["maxItems" in str(keywords) for _, keywords in model.asked] == [True] * 3 + [False] * 3
    assert "JSON schema" in model.asked[-1][0][-1].text
    assert [bool(call.error) for call in bench.calls] == [True] * 4 + [False] * 2


async def test_a_context_that_is_too_small_shrinks_the_pictures(bench: Bench) -> None:
    model = Bare(answers=[ContextOverflowError("150 tokens are too many"), plan()])
    await bench.think(langchain_reasoner(model))
    assert len(model.asked) == 2 and any(isinstance(event, Noted) for event in bench.ctx.events)
    with pytest.raises(BackendError, match=r"does not fit.*150 tokens"):
        await bench.think(langchain_reasoner(Bare(answers=[ContextOverflowError("150 tokens are too many")])))


class _Http(Exception):
    def __init__(self, status: int) -> None:
        super().__init__("no tree, but a status")
        self.status_code = status


@pytest.mark.parametrize(
    ("answer", "kind", "says_", "retryable"),
    [
        (ModelAuthenticationError("key very-secret-1234 is bad"), UsageError, r"refuses the API key: key \*\*\*", None),
        (ModelNotFoundError("nope"), UsageError, "There is no model Bare", None),
        (ModelTimeoutError("slow"), TimedOut, "in time", True),
        (ModelAPIError("boom"), Lost, "ModelAPIError: boom", True),
        (ModelConnectionError("nobody"), Lost, "nobody", True),
        (ModelInvalidRequestError("bad picture, Bearer abcdefgh12345678"), Lost, r"bad picture, Bearer \*\*\*", False),
        (_Http(401), UsageError, "refuses the API key", None),
        (_Http(503), Lost, "503|status", True),
        (_Http(418), Lost, "status", False),
        (ValueError("a bug"), Lost, "ValueError: a bug", False),
        (says("", "content_filter"), Refused, "declined", None),
        (says("", additional_kwargs={"refusal": "I can't."}), Refused, "declined", None),
        (AIMessage("", response_metadata={"stop_reason": "refusal"}), Refused, "declined", None),
    ],
)
async def test_what_stays_wrong_is_told_once(
    bench: Bench, answer: Any, kind: type[ReasonEditError], says_: str, retryable: bool | None
) -> None:
    model = Bare(answers=[answer])
    with pytest.raises(kind, match=says_) as caught:
        await bench.think(langchain_reasoner(model))
    assert len(model.asked) == len(bench.calls) == 1, "LangChain's models retry by themselves"
    assert getattr(caught.value, "retryable", None) == retryable
    assert "very-secret" not in str(bench.ctx.events) + str(caught.value)


async def test_the_deadline_and_the_time_out(bench: Bench) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimedOut):
        await bench.think(langchain_reasoner(Bare(answers=[never]), timeout=0.05))
    bench.ctx.deadline = time.monotonic() + 0.05
    with pytest.raises(TimedOut):
        await bench.think(langchain_reasoner(Bare(answers=[never])))
    assert len(bench.calls) == 2


async def test_giving_up_ends_the_call(bench: Bench) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def never() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(bench.think(langchain_reasoner(Bare(answers=[never]))))
    await asyncio.wait_for(begun.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set() and len(bench.calls) == 1


# -- which model ------------------------------------------------------------------------------------------------------


def test_a_model_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    made = registry.build("reasoners", "langchain(openai:gpt-4o)")
    assert made.info.settings["class"] == "ChatOpenAI" and made.info.settings["structured"] is True
    assert "very-secret" not in made.info.model_dump_json()


@pytest.mark.parametrize(
    ("model", "says_"),
    [
        ("openai:gpt-4o", "api_key|OPENAI_API_KEY"),
        ("mistralai:mistral-large-latest", "pip install langchain-mistralai"),
        ("nobody:x", "nobody"),
        (7, "int is no chat model"),
    ],
)
def test_a_model_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch, model: Any, says_: str) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match=says_) as caught:
        langchain_reasoner(model)
    assert "\n" not in caught.value.message


# -- a real one, before a scripted server -----------------------------------------------------------------------------


def chat(server: ChatServer, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(model="scripted", base_url=server.url, api_key=SecretStr("very-secret-1234"), **options)


async def test_langchains_openai_model(bench: Bench) -> None:
    tokens = [top('{"'), top("verdict"), top('":'), top(' "'), top("accept", re=-3.0), top('"')]
    with ChatServer(in_turn(completion(plan()), completion(verdict(), logprobs=tokens))) as server:
        reasoner = langchain_reasoner(chat(server), structured=True)
        judged = await bench.reflect(reasoner, await bench.think(reasoner))
        asked = server.requests[1]
    assert judged.kind == "accepted" and judged.confidence == pytest.approx(0.9478, abs=1e-3)
    assert asked["response_format"]["json_schema"]["name"] == "json_reflect"
    shown = [part for part in asked["messages"][1]["content"] if part["type"] == "image_url"]
    assert len(shown) == 2 and shown[0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert [call.usage.cached_tokens for call in bench.calls] == [60, 60]


async def test_its_retries_are_its_own(bench: Bench) -> None:
    with ChatServer(in_turn(error(500, "boom"), completion(plan()))) as server:
        assert (await bench.think(langchain_reasoner(chat(server, max_retries=1)))).steps
        assert len(server.requests) == 2 and len(bench.calls) == 1
    with ChatServer(in_turn(error(500, "boom"))) as server:
        with pytest.raises(Lost, match="boom") as caught:
            await bench.think(langchain_reasoner(chat(server, max_retries=0)))
        assert len(server.requests) == 1 and caught.value.retryable


async def test_its_cut_replies_and_refusals(bench: Bench) -> None:
    with ChatServer(in_turn(completion('{"uns', finish="length"), completion(plan()))) as server:
        assert (await bench.think(langchain_reasoner(chat(server), structured=True))).steps
        assert [request["max_completion_tokens"] for request in server.requests] == [1024, 2048]
    for answer in (completion("", refusal="I can't."), completion("", finish="content_filter")):
        with ChatServer(in_turn(answer)) as server, pytest.raises(Refused):
            await bench.think(langchain_reasoner(chat(server), structured=True))


async def test_its_errors_are_ours_and_hold_no_key(bench: Bench) -> None:
    for answer, kind in [
        (error(401, "very-secret-1234 is bad"), UsageError),
        (error(404, "no such model"), UsageError),
        (error(400, "bad picture"), Lost),
    ]:
        with ChatServer(in_turn(answer)) as server, pytest.raises(kind) as caught:
            await bench.think(langchain_reasoner(chat(server, max_retries=0)))
        assert "very-secret" not in str(caught.value) + str(bench.ctx.events)
    gone = ChatOpenAI(model="x", base_url="http://127.0.0.1:9/v1", api_key=SecretStr("k"), max_retries=0)
    with pytest.raises(Lost) as lost:
        await bench.think(langchain_reasoner(gone))
    assert lost.value.retryable


def test_a_whole_run(bench: Bench, tmp_path: Path) -> None:
    step = '{"text": "darker", "region": null, "operation": {"op": "adjust", "what": "brightness", "amount": -0.3}}'
    planned = (
        f'{{"unsupported": null, "instruction": "", "steps": [{step}], "keep": [], "checklist": ["Is it darker?"]}}'
    )
    model = Bare(answers=[planned, verdict()])
    result = EditAgent(langchain_reasoner(model), "classical", "accepted", runs=tmp_path / "runs").edit(
        bench.ctx.images.get(bench.request.image), "make it darker"
    )
    assert result.status == "accepted" and len(model.asked) == 2, result.error


async def test_a_comparison_is_asked_in_both_orders(bench: Bench) -> None:
    model = Bare(answers=['{"reason": "the first", "better": "a"}'])
    preference = await langchain_reasoner(model).compare(
        bench.request, Candidate.of(bench.request.image), bench.result, bench.ctx
    )
    assert preference.better == "tie" and len(model.asked) == 2


async def test_it_keeps_the_contract(tmp_path: Path) -> None:
    photo = Path(__file__).parents[2] / "examples" / "photos" / "coffee.jpg"

    def answer(asked: dict[str, Any]) -> Any:
        if asked.get("max_tokens", asked.get("max_completion_tokens", 1024)) < 64:
            return completion(plan()[:20], finish="length")
        return completion(plan() if "Plan the edit" in str(asked) else verdict())

    with ChatServer(answer) as server:
        reasoner = langchain_reasoner(chat(server))
        report = await check_reasoner(reasoner, FunctionTool(paint), photo.read_bytes(), "make it green", tmp_path)
    assert report.passed and report.facts["counts tokens"], str(report)
