"""A real vLLM server, with the settings of `reasonedit_agent.serving`, answers as the openai backend counts on."""

import asyncio
import io
import json
import re
import urllib.request
import uuid
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from tests.servers.asking import PHOTO, ask, client, image, text
from tests.servers.running import Running


@pytest.fixture
async def api(vllm: Running) -> AsyncIterator[openai.AsyncOpenAI]:
    async with client(vllm.url) as found:
        yield found


def new_photo(colour: tuple[int, int, int]) -> bytes:
    """A photo that no other test has sent."""
    photo = Image.open(io.BytesIO(PHOTO)).convert("RGB")
    out = io.BytesIO()
    Image.blend(photo, Image.new("RGB", photo.size, colour), 0.5).save(out, "JPEG")
    return out.getvalue()


async def test_text(vllm: Running, api: openai.AsyncOpenAI) -> None:
    first = await ask(api, vllm.model, "make the sky more dramatic")
    again = await ask(api, vllm.model, "make the sky more dramatic")
    assert first.usage is not None and first.usage.completion_tokens == 12
    assert first.choices[0].finish_reason == "length"
    assert first.choices[0].message.content == again.choices[0].message.content


async def test_an_image_changes_the_answer_and_costs_tokens(vllm: Running, api: openai.AsyncOpenAI) -> None:
    ours = [text("crop"), image(PHOTO)]
    with_photo = await ask(api, vllm.model, ours)
    with_other = await ask(api, vllm.model, [text("crop"), image(new_photo((0, 0, 255)))])
    without = await ask(api, vllm.model, [text("crop")])
    assert with_photo.usage is not None and without.usage is not None
    # The processor keeps at most 64 tokens of an image, between two marks.
    assert 40 < with_photo.usage.prompt_tokens - without.usage.prompt_tokens <= 66
    details: Any = with_photo.usage.prompt_tokens_details
    assert details.multimodal_tokens["image"] == with_photo.usage.prompt_tokens - without.usage.prompt_tokens - 2
    answers = {answer.choices[0].message.content for answer in (with_photo, with_other, without)}
    assert len(answers) == 3


class Step(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tool: str = Field(pattern=r"^(crop|contrast|sky)$")
    strength: int = Field(ge=0, le=100)


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=60)
    sure: bool
    steps: list[Step] = Field(min_length=1, max_length=3)


def schema_of(model: type[BaseModel]) -> Any:
    return {"type": "json_schema", "json_schema": {"name": "plan", "schema": model.model_json_schema(), "strict": True}}


async def test_random_weights_keep_to_a_schema(vllm: Running, api: openai.AsyncOpenAI) -> None:
    """A model that has learnt nothing draws any token that it may: so it is the server that keeps the schema."""
    content = [image(PHOTO), text("plan")]
    form = schema_of(Plan)
    answers = await asyncio.gather(
        *(
            ask(api, vllm.model, content, response_format=form, seed=seed, temperature=1, max_tokens=400)
            for seed in range(16)
        )
    )
    replies = [answer.choices[0].message.content or "" for answer in answers]
    assert [answer.choices[0].finish_reason for answer in answers] == ["stop"] * 16
    for reply in replies:
        Plan.model_validate_json(reply)
        blanks = re.sub(r'"(?:[^"\\]|\\.)*"', '""', reply)
        assert not re.search(r"\s", blanks), reply  # no run of blanks between the fields
    assert len(set(replies)) > 8


async def test_a_cut_reply_says_so(vllm: Running, api: openai.AsyncOpenAI) -> None:
    answer = await ask(api, vllm.model, "plan", response_format=schema_of(Plan), max_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    with pytest.raises(ValueError):
        json.loads(answer.choices[0].message.content or "")


async def test_log_probabilities(vllm: Running, api: openai.AsyncOpenAI) -> None:
    choice = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": {"enum": ["accepted", "rejected"]}}}
    answer = await ask(api, vllm.model, "is it done?", logprobs=True, top_logprobs=5, response_format=choice)
    found = answer.choices[0].logprobs
    assert found is not None and found.content is not None
    said = b"".join(bytes(token.bytes or ()) for token in found.content).decode()
    assert json.loads(said.removesuffix("<|im_end|>")) in ("accepted", "rejected")
    for token in found.content:
        assert len(token.top_logprobs) >= 5
        assert token.logprob <= 0 and token.top_logprobs[0].logprob <= 0


async def test_an_image_by_name(vllm: Running, api: openai.AsyncOpenAI) -> None:
    """A miss is refused with a known message; once the bytes came, the name is enough."""
    photo, name = new_photo((0, 255, 0)), uuid.uuid4().hex
    with pytest.raises(openai.BadRequestError, match="Cache miss for image at index 0 but data is not provided"):
        await ask(api, vllm.model, [image(None, name), text("crop")])
    told = await ask(api, vllm.model, [image(photo, name), text("crop")])
    hit = await ask(api, vllm.model, [image(None, name), text("crop")])
    plain = await ask(api, vllm.model, [image(photo), text("crop")])
    assert hit.choices[0].message.content == told.choices[0].message.content == plain.choices[0].message.content
    assert hit.usage is not None and plain.usage is not None
    assert hit.usage.prompt_tokens == plain.usage.prompt_tokens
    both = await ask(api, vllm.model, [image(None, name), image(PHOTO, uuid.uuid4().hex), text("compare")])
    assert both.choices[0].message.content


async def test_what_two_prompts_begin_with_is_cached(vllm: Running, api: openai.AsyncOpenAI) -> None:
    source = image(new_photo((255, 0, 0)), uuid.uuid4().hex)
    first = await ask(api, vllm.model, [source, text("The rules. " * 40), image(new_photo((9, 9, 9)))])
    second = await ask(api, vllm.model, [source, text("The rules. " * 40), image(new_photo((99, 9, 9)))])
    cached = []
    for answer in (first, second):
        assert answer.usage is not None and answer.usage.prompt_tokens_details is not None
        cached.append((answer.usage.prompt_tokens_details.cached_tokens or 0) / answer.usage.prompt_tokens)
    assert cached[0] < 0.3 < 0.6 < cached[1]


async def test_a_prompt_that_is_too_long(vllm: Running, api: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=f"maximum context length is {vllm.context} tokens"):
        await ask(api, vllm.model, "sky and sea " * vllm.context)
    with pytest.raises(openai.BadRequestError, match="max_tokens"):
        await ask(api, vllm.model, "sky", max_tokens=10 * vllm.context)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"hello", "cannot identify image"), (PHOTO[:3000], "truncated|Failed to load image")],
    ids=["no image", "cut off"],
)
async def test_a_bad_image(vllm: Running, api: openai.AsyncOpenAI, data: bytes, message: str) -> None:
    with pytest.raises(openai.BadRequestError, match=message):
        await ask(api, vllm.model, [image(data), text("crop")])
    assert (await ask(api, vllm.model, [image(PHOTO), text("crop")])).choices


async def test_more_images_than_it_takes(vllm: Running, api: openai.AsyncOpenAI) -> None:
    many = [image(PHOTO)] * vllm.images
    assert (await ask(api, vllm.model, [*many, text("compare")])).choices
    with pytest.raises(openai.BadRequestError, match=f"At most {vllm.images} image"):
        await ask(api, vllm.model, [*many, image(PHOTO), text("compare")])


async def test_a_wrong_name_is_told_the_right_ones(vllm: Running, api: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=f"`nobody` does not exist.*{vllm.model}"):
        await ask(api, "nobody", "crop")
    assert {model.id async for model in api.models.list()} == {vllm.model, vllm.adapter}


async def test_an_adapter_is_a_model_of_its_own(vllm: Running, api: openai.AsyncOpenAI) -> None:
    base = await ask(api, vllm.model, "crop")
    tuned = await ask(api, vllm.adapter, "crop")
    assert base.choices[0].message.content != tuned.choices[0].message.content


def busy(url: str) -> int:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics") as answer:
        said = answer.read().decode()
    return sum(int(float(number)) for number in re.findall(r"^vllm:num_requests_running\{.*\} (\S+)$", said, re.M))


async def test_sixteen_at_once(vllm: Running, api: openai.AsyncOpenAI) -> None:
    """All are answered, and the server works on several of them together."""
    photos = [new_photo((shade, 0, 0)) for shade in range(0, 160, 10)]
    asked = [
        asyncio.create_task(
            ask(api, vllm.model, [image(photo), text("crop")], max_tokens=600, extra_body={"ignore_eos": True})
        )
        for photo in photos
    ]
    most = 0
    while not all(task.done() for task in asked):
        most = max(most, await asyncio.to_thread(busy, vllm.url))
    answers = await asyncio.gather(*asked)
    assert [answer.usage.completion_tokens for answer in answers if answer.usage] == [600] * 16
    assert most > 4
