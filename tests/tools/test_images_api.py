"""The tool of image-edit servers, against a real server that holds a tiny pipeline, in the manner of each kind."""

from __future__ import annotations

import asyncio
import io
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops

from reasonedit_agent.errors import (
    BackendError,
    Lost,
    Malformed,
    ReasonEditError,
    Refused,
    TimedOut,
    Unsupported,
    UsageError,
)
from reasonedit_agent.events import AnyEvent, Called
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.schemas import Accepted, Box, Candidate, EditStep, Failure, Refine
from reasonedit_agent.testing import ScriptedReasoner, check_tool, scores
from reasonedit_agent.tools.images_api import images_tool
from reasonedit_agent.tools.images_api.dialects import DIALECTS
from reasonedit_agent.tools.images_api.frames import Frame
from reasonedit_agent.tools.images_api.settings import Settings
from tests.servers.chat import ChatServer
from tests.servers.fault_proxy import FAULTS, FaultProxy
from tests.servers.images import KINDS, Asked, ImageServer, TinyPipeline, encoded
from tests.tools.diffusers.desk import PHOTO, TEXT, Desk
from tests.tools.diffusers.tiny_dit import save_tiny

AREA = 96 * 64
SEEDED = ("vllm-omni", "sglang", "lightx2v")
SECRET = "s3cret-of-the-server"
LEFT = Box(left=0, top=0, right=250, bottom=400)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> TinyPipeline:
    return TinyPipeline(save_tiny("Flux2KleinPipeline", tmp_path_factory.mktemp("klein")))


def plainly(asked: Asked, seed: int, count: int) -> list[Image.Image]:
    """Draw without a model: the base, tinted by the seed and by what is asked."""
    base = asked.pictures()[0].convert("RGB").resize(asked.size or asked.pictures()[0].size)
    said = len(asked.fields["prompt"]) + 5 * len(asked.pictures())
    tints = [(seed * 37 + i * 11 + said) % 251 for i in range(count)]
    return [Image.blend(base, Image.new("RGB", base.size, (tint, 255 - tint, 99)), 0.3) for tint in tints]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "images")


def tool(url: str, **settings: Any) -> Any:
    return images_tool(url, **{"area": AREA, **settings})


def calls(desk: Desk) -> list[Called]:
    return [event for event in desk.events if isinstance(event, Called)]


def says(status: int, body: Any) -> Callable[[Asked], tuple[int, Any]]:
    return lambda _: (status, body)


def refuses(status: int, said: str) -> Callable[[Asked], tuple[int, Any]]:
    return says(status, {"error": {"message": said}})


# -- each kind, with a real pipeline


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_is_told_and_edits(kind: str, pipeline: TinyPipeline, desk: Desk) -> None:
    with ImageServer(kind, pipeline.draw) as server:
        first, second = await desk.edit(tool(server.url), 5, 6)
        assert any(f"dialect {kind}." in note for note in desk.notes)
        for made in (first, second):
            assert made.image.size == desk.source.size and made.geometry == Candidate.of(desk.source).geometry
        assert first.image != second.image
        sent = server.requests[0]
        assert sent.pictures()[0].size == sent.size == (96, 64), "the photo's shape"
        direct = pipeline.draw(sent, 5)[0]
    assert [made.seed for made in (first, second)] == ([5, 6] if kind in SEEDED else [None, None])
    if kind in SEEDED:
        assert len(server.requests) == 2
        direct = direct.resize(desk.source.size, Image.Resampling.LANCZOS)
        gap = np.abs(np.asarray(direct, np.int16) - desk.pixels(first)).mean()
        assert gap < 2, "the seed's own picture, but for the JPEG that the photo is"
    else:
        assert [asked.fields["n"] for asked in server.requests] == ["2"]
    assert len(calls(desk)) == len(server.requests) and not any(call.error for call in calls(desk))
    assert all(call.usage.seconds and call.usage.images for call in calls(desk))


@pytest.mark.parametrize("kind", SEEDED)
async def test_conformance(kind: str, pipeline: TinyPipeline, tmp_path: Path) -> None:
    with ImageServer(kind, pipeline.draw if kind == "vllm-omni" else plainly) as server:
        report = await check_tool(tool(server.url), PHOTO.read_bytes(), (EditStep(text=TEXT),), tmp_path)
    assert report.passed, str(report)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SEEDED])
async def test_conformance_without_seeds(kind: str, tmp_path: Path) -> None:
    """What only seeds could show is said not to have been shown, whether the server repeats itself or not."""
    drawn = [0]

    def differently(asked: Asked, seed: int, count: int) -> list[Image.Image]:
        drawn[0] += 1
        return plainly(asked, drawn[0], count)

    for draw in (plainly, differently):
        with ImageServer(kind, draw) as server:
            report = await check_tool(
                tool(server.url), PHOTO.read_bytes(), (EditStep(text=TEXT),), tmp_path / str(draw)
            )
        assert report.passed, str(report)
        skipped = {check.name: check.seen for check in report.checks if not check.shown}
        assert set(skipped.values()) == {"not shown: skipped, this server takes no seed"}
        assert {name.split()[0] for name in skipped} == {"The", "Another", "Candidate", "Calls", "It"}
        assert "--   The same seed gives the same picture: not shown" in str(report)


def test_an_agent_edits_with_it(pipeline: TinyPipeline, tmp_path: Path) -> None:
    script = [Refine(scores=scores(4), steps=(EditStep(text="greener"),)), Accepted(scores=scores(9))]
    reasoner = ScriptedReasoner(script)
    with ImageServer("vllm-omni", pipeline.draw) as server:
        agent = EditAgent(reasoner, tool(server.url), "accepted | rounds(3)", runs=tmp_path)
        result = agent.edit(PHOTO, TEXT, seed=3)
        agent.close()
        first, second = server.requests
    reasoner.assert_complete()
    assert result.status == "accepted" and result.kept.round == 2
    assert [first.fields["prompt"], second.fields["prompt"]] == [TEXT, "greener"]
    assert first.fields["seed"] != second.fields["seed"]
    assert ImageChops.difference(first.pictures()[0], second.pictures()[0]).getbbox(), (
        "the second starts from the first"
    )


def test_a_run_whose_edits_are_declined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with ImageServer("openai", plainly, key=True, say=refuses(400, f"moderation_blocked for {SECRET}")) as server:
        agent = EditAgent(ScriptedReasoner(), tool(server.url), "accepted | rounds(2)", runs=tmp_path)
        result = agent.edit(PHOTO, TEXT, seed=3)
        agent.close()
    assert result.status == "failed" and result.kept.round == 0
    assert result.history is not None
    reasons = [made.reason for one in result.history.rounds for made in one.candidates if isinstance(made, Failure)]
    assert reasons and set(reasons) == {"refused"}
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"moderation_blocked" in written and SECRET.encode() not in written


# -- what is sent


@pytest.mark.parametrize(
    ("kind", "settings", "sent"),
    [
        ("vllm-omni", {"steps": 3, "guidance": 2.5, "cfg": 4, "negative": "blur", "strength": 0.5},
         {"num_inference_steps": "3", "guidance_scale": "2.5", "true_cfg_scale": "4", "negative_prompt": "blur", "strength": "0.5"}),
        ("sglang", {"steps": 3, "guidance": 2.5}, {"num_inference_steps": "3", "guidance_scale": "2.5"}),
        ("lightx2v", {"strength": 0.5}, {"i2i_denoise_strength": "0.5"}),
        ("openai", {"quality": "high"}, {"quality": "high"}),
    ],
)  # fmt: skip
async def test_settings_have_the_names_of_the_kind(
    kind: str, settings: dict[str, Any], sent: dict[str, str], desk: Desk
) -> None:
    with ImageServer(kind, plainly) as server:
        await desk.edit(tool(server.url, dialect=kind, **settings), 1)
        assert sent.items() <= server.requests[0].fields.items()
    with pytest.raises(UsageError, match=r"takes no (quality|steps)"):
        tool(server.url, dialect=kind, **({"steps": 4} if kind in ("openai", "lightx2v") else {"quality": "low"}))


async def test_a_setting_that_the_found_kind_does_not_take(desk: Desk) -> None:
    with ImageServer("openai", plainly) as server:
        with pytest.raises(UsageError, match="dialect openai takes no steps"):
            await desk.edit(tool(server.url, steps=4), 1)


@pytest.mark.parametrize(
    ("kind", "settings", "sent"),
    [
        ("sglang", {"steps": 20}, {"num_inference_steps": "5"}),
        ("sglang", {"steps": 20, "draft": 3}, {"num_inference_steps": "3"}),
        ("openai", {"quality": "high"}, {"quality": "low"}),
    ],
)
async def test_a_draft_is_cheaper(kind: str, settings: dict[str, Any], sent: dict[str, str], desk: Desk) -> None:
    with ImageServer(kind, plainly) as server:
        await desk.edit(tool(server.url, **settings), 1, quality="draft")
    assert sent.items() <= server.requests[0].fields.items()


@pytest.mark.parametrize(("kind", "name"), [("vllm-omni", "mask_image"), ("lightx2v", "mask"), ("openai", "mask")])
async def test_a_region_is_sent_and_kept_to(kind: str, name: str, desk: Desk) -> None:
    with ImageServer(kind, plainly) as server:
        (made,) = await desk.edit(tool(server.url), 1, region=LEFT)
        mask = server.requests[0].mask(name)
    assert mask is not None and mask.size == server.requests[0].pictures()[0].size
    here, there = (mask.width // 8, mask.height // 2), (mask.width * 7 // 8, mask.height // 2)
    if kind == "openai":
        alpha = mask.getchannel("A")
        assert (alpha.getpixel(here), alpha.getpixel(there)) == (0, 255), "clear is where it may draw"
    else:
        assert (mask.getpixel(here), mask.getpixel(there)) == (255, 0)
    change = np.abs(np.asarray(desk.photo, np.int16) - desk.pixels(made)).mean(axis=2)
    assert change[50:350, 20:200].mean() > 10 and change[:, 300:].mean() < 1.5
    assert made.measures["pasted_back"] == 1 and made.measures["drift_outside"] > 1


async def test_sglang_reads_no_mask_and_gets_none(desk: Desk) -> None:
    with ImageServer("sglang", plainly) as server:
        (made,) = await desk.edit(tool(server.url), 1, region=LEFT)
        assert [name for name, _ in server.requests[0].files] == ["image"]
        (free,) = await desk.edit(tool(server.url, paste=False), 1, region=LEFT)
    assert "pasted_back" in made.measures and "pasted_back" not in free.measures


async def test_references_stand_behind_the_base(desk: Desk) -> None:
    other = desk.images.save(Image.new("RGB", (640, 320), "blue"))
    with ImageServer("lightx2v", plainly) as server:
        await desk.edit(tool(server.url), 1, references=(other, other), region=LEFT)
        sent = server.requests[0].pictures()
        assert server.requests[0].mask("mask") is None, "it takes one with a single picture only"
        assert [name for name, _ in server.requests[0].files] == ["image[]"] * 3
        with pytest.raises(Unsupported, match="4 reference photos were given, and this editor takes 3"):
            await desk.edit(tool(server.url), 1, references=(other,) * 4)
    assert sent[1].width * sent[1].height <= AREA * 1.1 and abs(sent[1].width - 2 * sent[1].height) < 2
    assert sent[1].convert("RGB").getpixel((5, 5)) == (0, 0, 255)


async def test_openai_knows_no_seeds_and_draws_together(desk: Desk) -> None:
    with ImageServer("openai", plainly, model="gpt-image-2") as server:
        made = await desk.edit(tool(server.url, usd_in=5, usd_out=40), *range(12))
    assert [int(asked.fields["n"]) for asked in server.requests] == [10, 2] or {
        int(asked.fields["n"]) for asked in server.requests
    } == {10, 2}
    assert len({one.image.sha256 for one in made}) > 2 and {one.seed for one in made} == {None}
    usage = sorted(call.usage.completion_tokens or 0 for call in calls(desk))
    assert usage == [2000, 10000]
    assert sum(call.usage.usd or 0 for call in calls(desk)) == pytest.approx((800 * 5 + 12000 * 40) / 1e6)


async def test_what_litellm_says_that_it_cost(desk: Desk) -> None:
    with ImageServer("openai", plainly, headers="x-litellm-response-cost: 0.0421\r\n") as server:
        await desk.edit(tool(server.url), 1)
        await desk.edit(tool(server.url, price=0.05), 1)
    assert [call.usage.usd for call in calls(desk)] == [0.0421, 0.05]


async def test_a_large_seed_is_sent_small_and_kept(desk: Desk) -> None:
    seed = 2**62 + 5
    with ImageServer("vllm-omni", plainly) as server:
        (made,) = await desk.edit(tool(server.url), seed)
    assert server.requests[0].fields["seed"] == "5" and made.seed == seed


async def test_a_price_per_picture(desk: Desk) -> None:
    with ImageServer("sglang", plainly) as server:
        await desk.edit(tool(server.url, price=0.04), 1, 2)
    assert [call.usage.usd for call in calls(desk)] == [0.04, 0.04]


@pytest.mark.parametrize(
    ("base", "model", "size", "box"),
    [
        ((600, 400), "gpt-image-2", (1248, 832), (0, 0, 1248, 832)),
        ((600, 400), "gpt-image-1.5", (1536, 1024), (0, 0, 1536, 1024)),
        ((1600, 900), "gpt-image-1.5", (1536, 1024), (0, 80, 1536, 944)),
        ((400, 500), "gpt-image-1-mini", (1024, 1536), (0, 128, 1024, 1408)),
    ],
)
def test_fixed_sizes_get_a_border(
    base: tuple[int, int], model: str, size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    frame = Frame.of(base, Settings(), DIALECTS["openai"], model)
    assert (frame.size, frame.box) == (size, box)
    picture = Image.open(PHOTO).resize(base)
    back = frame.cut(frame.put(picture)).resize(base, Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(picture, np.int16) - np.asarray(back)).mean() < 6, "what is put in comes out in its place"


def test_a_long_picture_gets_a_border_too() -> None:
    frame = Frame.of((1600, 320), Settings(), DIALECTS["openai"], "gpt-image-2")
    assert frame.size[0] <= 3 * frame.size[1] and frame.size[0] % 16 == frame.size[1] % 16 == 0
    left, top, right, bottom = frame.box
    assert (right - left) / (bottom - top) == pytest.approx(5, rel=0.02)
    assert Frame.of((1600, 320), Settings(), DIALECTS["sglang"], "x").box[:2] == (0, 0)


@pytest.mark.parametrize(("size", "sent"), [("auto", None), ("96x96", "96x96")])
async def test_a_size_of_the_users(size: str, sent: str | None, desk: Desk) -> None:
    with ImageServer("vllm-omni", plainly) as server:
        (made,) = await desk.edit(tool(server.url, size=size), 1)
    assert server.requests[0].fields.get("size") == sent
    assert made.image.size == desk.source.size and not desk.notes[1:]


# -- what comes back is wrong


async def test_another_size_is_brought_back_and_told(desk: Desk) -> None:
    def smaller(asked: Asked, seed: int, count: int) -> list[Image.Image]:
        return [picture.resize((40, 40)) for picture in plainly(asked, seed, count)]

    with ImageServer("sglang", smaller) as server:
        (made,) = await desk.edit(tool(server.url), 1)
    assert made.image.size == desk.source.size
    assert made.measures == {
        "served_pixels": pytest.approx(1600 / 6144, abs=1e-3),
        "served_stretch": pytest.approx(1.5),
    }
    assert any(
        "asked for 96x64 and drew 40x40: brought to 720x480, which stretches it by 1.50." in note for note in desk.notes
    )


def bomb() -> str:
    """A PNG of 400 megapixels in half a megabyte."""
    return encoded(Image.new("1", (20_000, 20_000)))


@pytest.mark.parametrize(
    ("kind", "body", "error", "match"),
    [
        ("plain", {"data": [{"url": "http://127.0.0.1:9/x.png"}]}, UsageError, "addresses are never fetched.*response_format=b64_json"),
        ("openai", {"data": [{"url": "http://127.0.0.1:9/x.png"}]}, UsageError, "never fetched.*dialect=plain"),
        ("lightx2v", {"data": [{"url": "http://127.0.0.1:9/x.png"}]}, UsageError, "never fetched.*LightX2V answers with bytes"),
        ("sglang", "<html><body>login</body></html>", Lost, r"pictures: an HTML page came, as from a proxy before it\."),
        ("sglang", b'{"created": 1, "data": [{"b64', Lost, "no whole JSON"),
        ("sglang", {"created": 1}, Lost, "no list of pictures"),
        ("sglang", ["x"], Lost, "no list of pictures"),
        ("openai", {"data": []}, Malformed, "asked for one picture and gave none"),
        ("sglang", {"data": [{}]}, Malformed, "holds no picture"),
        ("sglang", {"data": ["x"]}, Malformed, "holds no picture"),
        ("sglang", {"data": [{"b64_json": "%%%"}]}, Malformed, "not in base64"),
        ("sglang", {"data": [{"b64_json": "aGVsbG8="}]}, Malformed, "cannot be used: it is not an image"),
        ("sglang", bomb, Malformed, "cannot be used: it would decode to far too many pixels"),
        ("sglang", lambda: encoded(Image.new("RGB", (80, 48))), Malformed, "drew a black picture"),
    ],
)  # fmt: skip
async def test_replies_that_are_none(
    kind: str, body: Any, error: type[ReasonEditError], match: str, desk: Desk
) -> None:
    answer = {"data": [{"b64_json": body()}]} if callable(body) else body
    with ImageServer(kind, plainly, say=says(200, answer)) as server:
        with pytest.raises(error, match=match) as caught:
            await desk.edit(tool(server.url, retries=1), 1)
        attempts = len(server.requests)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    assert "dtype=" not in str(caught.value), "no setting of this tool"
    assert attempts == (2 if error is Lost else 1), "another try helps only where a network may have failed"
    if "black" not in match:
        assert [bool(call.error) for call in calls(desk)] == [True] * attempts


async def test_fewer_pictures_than_asked(desk: Desk) -> None:
    with ImageServer("openai", lambda asked, seed, count: plainly(asked, seed, count - 1)) as server:
        with pytest.raises(Malformed, match="asked for 3 pictures and gave 2") as caught:
            await desk.edit(tool(server.url), 1, 2, 3)
    assert len(caught.value.raw) < 2000, "the trace does not get the pictures as text"


async def test_a_picture_in_a_data_url_is_bytes(desk: Desk) -> None:
    answer = {"data": [{"url": f"data:image/png;base64,{encoded(Image.new('RGB', (80, 48), 'red'))}"}]}
    with ImageServer("plain", plainly, say=says(200, answer)) as server:
        (made,) = await desk.edit(tool(server.url), 1)
    assert desk.pixels(made)[200, 300, 0] > 200


# -- what is refused


async def test_the_wrong_model_lists_those_that_there_are(desk: Desk) -> None:
    with ImageServer("vllm-omni", plainly) as server:
        with pytest.raises(UsageError, match=r"has no model 'other'\. It has: tiny-editor\."):
            await desk.edit(tool(server.url, model="other"), 1)
        assert not server.requests
    said = "Model mismatch: request specifies 'a' but server is running 'b'."
    with ImageServer("lightx2v", plainly, say=refuses(400, said)) as server:
        with pytest.raises(UsageError, match=r"does not have this model: Model mismatch.*Name the model"):
            await desk.edit(tool(server.url, model="a"), 1)


async def test_of_several_models_one_is_named(desk: Desk) -> None:
    with ImageServer("openai", plainly, model="whisper", others=("gpt-image-2", "gpt-5")) as server:
        with pytest.raises(UsageError, match=r"has 3 models\. Name one \(model=\): gpt-image-2, whisper, gpt-5"):
            await desk.edit(tool(server.url), 1)
        await desk.edit(tool(server.url, model="gpt-image-2"), 1)
        assert server.requests[0].fields["model"] == "gpt-image-2"


async def test_a_web_site_is_no_server(desk: Desk) -> None:
    with ChatServer(lambda _: {}) as server:
        server.page = "<html><body>Welcome</body></html>"
        with pytest.raises(Lost, match=r"did not answer with pictures: its list of models is none"):
            await desk.edit(tool(server.url, retries=0), 1)


@pytest.mark.parametrize(
    ("status", "said", "error", "match"),
    [
        (400, "Your request was rejected by the safety system.", Refused, "declined: Your request"),
        (400, "moderation_blocked", Refused, "declined"),
        (403, "Content policy violation", Refused, "declined"),
        (400, "Received multiple input images. Only a single image is supported by this model.", Unsupported, "fewer pictures"),
        (404, "Not Found", UsageError, "has no images/edits"),
        (405, "Method Not Allowed", UsageError, "has no images/edits"),
        (413, "Payload Too Large", UsageError, "area="),
        (400, "the moon is full", Lost, r"refuses the request \(400\): the moon is full"),
    ],
)  # fmt: skip
async def test_refusals(status: int, said: str, error: type[ReasonEditError], match: str, desk: Desk) -> None:
    with ImageServer("sglang", plainly, say=refuses(status, said)) as server:
        with pytest.raises(error, match=match):
            await desk.edit(tool(server.url), 1)
        assert len(server.requests) == 1, "asking again would not help"


@pytest.mark.parametrize("wish", ["response_format", "output_format", "size"])
async def test_a_wish_that_is_refused_is_left_out(wish: str, desk: Desk) -> None:
    def say(asked: Asked) -> tuple[int, Any] | None:
        return (400, {"detail": f"{wish} is not supported"}) if wish in asked.fields else None

    with ImageServer("vllm-omni", plainly, say=say) as server:
        editor = tool(server.url)
        await desk.edit(editor, 1)
        await desk.edit(editor, 2)
        assert [wish in asked.fields for asked in server.requests] == [True, False, False], "it is asked once"
        assert any(f"takes no {wish}" in note for note in desk.notes)
        if wish == "size":
            with pytest.raises(Lost, match="size is not supported"):
                await desk.edit(tool(server.url, size="96x96"), 1)


async def test_a_mask_that_is_refused_is_left_out(desk: Desk) -> None:
    def say(asked: Asked) -> tuple[int, Any] | None:
        return refuses(400, "This model does not take a mask.")(asked) if asked.mask("mask") else None

    with ImageServer("openai", plainly, say=say) as server:
        (made,) = await desk.edit(tool(server.url), 1, region=LEFT)
    assert made.measures["pasted_back"] == 1


async def test_nothing_to_say(desk: Desk) -> None:
    with pytest.raises(Unsupported, match="no text"):
        await desk.edit(tool("http://127.0.0.1:9"), 1, text=" ")


async def test_the_key_is_sent_and_never_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    with ImageServer("sglang", plainly, key=True) as server:
        editor = tool(server.url, key="MY_KEY")
        await desk.edit(editor, 1)
        assert f"Bearer {SECRET}".encode() in server.requests[0].head
        monkeypatch.setenv("MY_KEY", wrong := "another-s3cret-key")
        with pytest.raises(UsageError, match=r"refuses the API key\. Set \$MY_KEY") as caught:
            await desk.edit(tool(server.url, key="MY_KEY"), 1)
        server.say = refuses(500, f"boom for {wrong} and Bearer {wrong}")
        server._key = False
        with pytest.raises(Lost, match=r"boom for \*\*\*") as again:
            await desk.edit(tool(server.url, key="MY_KEY", retries=0), 1)
    said = "".join(event.model_dump_json() for event in desk.events) + editor.info.model_dump_json()
    for error in (caught.value, again.value):
        said += "".join(traceback.format_exception(error)) + repr(error)
    assert SECRET not in said and wrong not in said


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"url": "ftp://x"}, "no URL of a server"),
        ({"url": "http://me:pw@x/v1"}, "no user, password"),
        ({"key": "sk-abcdef"}, "no name of an environment variable"),
        ({"dialect": "comfy"}, "no dialect 'comfy'. Dialects are auto, vllm-omni"),
        ({"stepz": 3}, "no setting 'stepz'. Settings are steps"),
        ({"steps": 0}, "steps=0 is not possible. It is a whole number, at least 1."),
        ({"steps": 2.5}, "steps=2.5 is not possible"),
        ({"guidance": True}, "guidance=True is not possible"),
        ({"paste": 1}, "paste=1 is not possible. It is true or false."),
        ({"size": "large"}, "size='large' is not possible"),
        ({"price": -1}, "price=-1 is not possible"),
    ],
)
def test_nonsense_is_refused_at_once(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match.replace("(", r"\(")):
        images_tool(**{"url": "http://localhost:8000", **arguments})


# -- networks and servers that fail


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("delay", "drip")])
async def test_every_fault(fault: str, desk: Desk) -> None:
    harmless = fault in ("duplicate", "content_type")
    with ImageServer("sglang", plainly) as server, FaultProxy(server.url, fault) as proxy:
        editor = tool(proxy.url, retries=1, patience=0)
        if harmless:
            assert len(await desk.edit(editor, 1)) == 1
            return
        with pytest.raises(Lost) as caught:
            await desk.edit(editor, 1)
        assert caught.value.retryable and len(calls(desk)) == 2
        assert all(call.error and call.usage.seconds is not None for call in calls(desk))


@pytest.mark.parametrize("fault", ["delay", "drip"])
async def test_a_server_that_is_too_slow(fault: str, desk: Desk) -> None:
    with ImageServer("sglang", plainly) as server, FaultProxy(server.url, fault, pause=30) as proxy:
        with pytest.raises(TimedOut, match="in time"):
            await desk.edit(tool(proxy.url, timeout=0.5, retries=0), 1)
        desk.deadline = time.monotonic() + 0.5
        with pytest.raises(TimedOut):
            await desk.edit(tool(proxy.url), 1)
    assert time.monotonic() < desk.deadline + 5


async def test_a_bad_network_is_got_through(desk: Desk) -> None:
    with ImageServer("sglang", plainly) as server, FaultProxy(server.url, 0.07, seed=3, pause=0.001) as proxy:
        editor = tool(proxy.url, retries=8, parallel=2)
        made = [await desk.edit(editor, seed, seed + 1) for seed in range(0, 24, 2)]
    assert len(proxy.met) > 5 and all(len(pair) == 2 for pair in made)
    failed = [call for call in calls(desk) if call.error]
    assert failed and len(calls(desk)) - len(failed) == 24
    assert len({one.image.sha256 for pair in made for one in pair}) == 24, "no picture came twice"


@pytest.fixture
def pair(desk: Desk) -> Iterator[tuple[ImageServer, ImageServer]]:
    with ExitStack() as stack:
        yield (
            stack.enter_context(ImageServer("vllm-omni", plainly)),
            stack.enter_context(ImageServer("vllm-omni", plainly)),
        )


async def test_a_pool_shares_the_candidates(pair: tuple[ImageServer, ImageServer], desk: Desk) -> None:
    first, second = pair
    editor = tool(f"{first.url},{second.url}")
    made = await desk.edit(editor, 1, 2, 3, 4)
    assert [one.seed for one in made] == [1, 2, 3, 4]
    assert first.requests and second.requests
    editor.asker.pool.drain(first.url)
    before = len(first.requests)
    await desk.edit(editor, 5, 6)
    assert len(first.requests) == before


async def test_a_pool_does_without_one_that_is_down(pair: tuple[ImageServer, ImageServer], desk: Desk) -> None:
    first, second = pair
    first.say = refuses(503, "restarting")
    made = await desk.edit(tool(f"{first.url},{second.url}"), 1, 2, 3, 4, 5, 6)
    assert len(made) == 6 and len(second.requests) == 6


async def test_a_pool_is_of_one_kind(pair: tuple[ImageServer, ImageServer], desk: Desk) -> None:
    with ImageServer("sglang", plainly) as other:
        editor = tool(f"{pair[0].url},{other.url}", retries=1)
        with pytest.raises(BackendError, match="of several kinds: sglang, vllm-omni"):
            await desk.edit(editor, 1)
            editor.asker.pool.drain(pair[0].url)
            await desk.edit(editor, 1)


async def test_a_server_that_restarts_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with ImageServer("sglang", plainly) as server:
        editor = tool(server.url, retries=0)
        (before,) = await desk.edit(editor, 2)
    failed, emit = asyncio.Event(), desk.emit

    def told(event: AnyEvent) -> None:
        emit(event)
        if isinstance(event, Called) and event.error:
            failed.set()

    monkeypatch.setattr(desk, "emit", told)
    again = asyncio.create_task(desk.edit(editor, 2))
    await asyncio.wait_for(failed.wait(), 20)
    with ImageServer("sglang", plainly, port=server.port):
        (after,) = await again
    assert after.image == before.image
    assert any("cannot be reached" in call.error for call in calls(desk))


async def test_nobody_is_there(desk: Desk) -> None:
    with pytest.raises(Lost, match=r"cannot be reached.*serve editor MODEL"):
        await desk.edit(tool("http://127.0.0.1:9/v1", retries=0), 1)


async def test_giving_up_closes_the_connection(desk: Desk) -> None:
    with ImageServer("lightx2v", plainly) as server:
        editor = tool(server.url)
        await desk.edit(editor, 1)
        server.hold = True
        task = asyncio.create_task(desk.edit(editor, 1, 2))
        assert await asyncio.to_thread(server.begun.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.gone.wait, 20), "so that the server stops drawing"
        server.hold = False
        assert len(await desk.edit(editor, 2)) == 1


async def test_one_failed_candidate_ends_the_others(desk: Desk) -> None:
    def say(asked: Asked) -> tuple[int, Any] | None:
        return refuses(400, "nsfw")(asked) if asked.fields["seed"] == "2" else None

    with ImageServer("sglang", plainly, say=say) as server:
        with pytest.raises(Refused):
            await desk.edit(tool(server.url, parallel=1), 1, 2, 3, 4)
        assert [asked.fields["seed"] for asked in server.requests] == ["1", "2"]


async def test_transparency_stays(desk: Desk) -> None:
    clear = Image.open(PHOTO).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    out = io.BytesIO()
    clear.save(out, "PNG")
    base = Candidate.of(desk.images.put(out.getvalue()))
    with ImageServer("sglang", plainly) as server:
        (made,) = await desk.edit(tool(server.url), 1, base=base)
    assert ImageChops.difference(desk.images.open(made.image).getchannel("A"), clear.getchannel("A")).getbbox() is None
    assert server.requests[0].pictures()[0].mode == "RGB"


def test_what_it_says_of_itself() -> None:
    editor = images_tool("http://a:8000, http://b:8000/v1", "qwen", dialect="sglang", steps=20, timeout=5)
    assert editor.info.settings == {
        "url": "http://a:8000/v1, http://b:8000/v1", "model": "qwen", "dialect": "sglang", "steps": 20,
    }  # fmt: skip
    card = editor.card
    assert card.reads_text and card.mask and card.references == 3 and card.batch == 0 and not card.needs_gpu
    assert images_tool(dialect="openai").card.references == 15
