"""Prices: what was counted times what it costs; what is not known stays unknown."""

import re
from pathlib import Path

import pytest

from reasonedit_agent.analysis.prices import ModelPrice, Prices, load_prices, user_file
from reasonedit_agent.errors import UsageError
from reasonedit_agent.events import Called, PartInfo
from reasonedit_agent.schemas import Usage

CHAT = Usage(prompt_tokens=10_000, cached_tokens=4_000, completion_tokens=500, images=2)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REASONEDIT_HOME", str(tmp_path))
    return tmp_path


def test_tokens_cached_tokens_and_snapshots() -> None:
    table = load_prices()
    expected = (6_000 * 2.0 + 4_000 * 0.5 + 500 * 8.0) / 1e6
    for name in ("gpt-4.1", "openai/gpt-4.1", "GPT-4.1", "gpt-4.1-2025-04-14", "gpt-4.1-latest"):
        assert table.usd(name, CHAT) == pytest.approx(expected), name
    mini = (6_000 * 0.4 + 4_000 * 0.1 + 500 * 1.6) / 1e6
    assert table.usd("gpt-4.1-mini", CHAT) == pytest.approx(mini)
    for name in ("gpt-4.1-nano", "gpt-4", "gpt-4.1x", "my-gpt-4.1", "Qwen/Qwen2.5-VL-7B-Instruct"):
        assert table.usd(name, CHAT) is None, name


def test_an_editor_reads_pictures_at_the_dearer_rate() -> None:
    usage = Usage(prompt_tokens=1_000, completion_tokens=4_160, images=1)
    assert load_prices().usd("gpt-image-1", usage, editing=True) == pytest.approx((1_000 * 10 + 4_160 * 40) / 1e6)


def test_what_was_not_counted_is_unknown() -> None:
    table = load_prices()
    assert table.usd("gpt-4.1", Usage(seconds=3.0)) is None
    assert table.usd("gpt-4.1", Usage(prompt_tokens=5)) is None
    assert Prices(models={"m": ModelPrice(image=0.1)}).usd("m", Usage(), editing=True) is None
    assert Prices(models={"m": ModelPrice()}).usd("m", CHAT) is None


def test_the_length_of_a_reply_or_a_prompt_is_never_counted() -> None:
    """A picture as base64 in the raw text has no tokens and no price."""
    table = load_prices()
    for raw in ("", "data:image/png;base64," + "A" * 4_000_000):
        event = table.priced(Called(backend="gpt-4.1", raw=raw, reasoning=raw, usage=Usage(seconds=1.0)))
        assert event.usage == Usage(seconds=1.0)
        counted = table.priced(Called(backend="gpt-4.1", raw=raw, usage=CHAT)).usage.usd
        assert counted == pytest.approx((6_000 * 2.0 + 4_000 * 0.5 + 500 * 8.0) / 1e6)


def test_own_machine_and_gpu_hours() -> None:
    table = load_prices()
    assert table.usd("embedded", Usage(seconds=2.0)) == 0.0
    busy = Usage(gpu_seconds=1800.0)
    assert table.usd("QwenImageEditPipeline on NVIDIA H100 80GB HBM3", busy) == pytest.approx(
        table.gpu_hours["H100"] / 2
    )
    for name, device in (("H100", "NVIDIA H100 80GB HBM3"), ("H200", "NVIDIA H200"), ("A100", "NVIDIA A100-SXM4-80GB")):
        assert table.usd(f"diffusers:{device}", busy) == pytest.approx(table.gpu_hours[name] / 2)
    assert table.usd("diffusers:NVIDIA GeForce RTX 4090", busy) is None
    assert table.usd("QwenImageEditPipeline on cuda:0", busy) is None
    assert table.usd("x on cuda:0", busy, settings="NVIDIA H200") == pytest.approx(table.gpu_hours["H200"] / 2)
    part = PartInfo(name="diffusers", settings={"device_name": "NVIDIA A100-SXM4-80GB"})
    event = table.priced(Called(node="edit", backend="x on cuda:0", usage=busy), part)
    assert event.usage.usd == pytest.approx(table.gpu_hours["A100"] / 2)


def test_what_a_part_says_stands_and_a_note_costs_nothing() -> None:
    table = load_prices()
    said = Called(backend="gpt-4.1", usage=CHAT.model_copy(update={"usd": 9.0}))
    assert table.priced(said) is said
    note = Called(backend="embedded", note="a vote")
    assert table.priced(note) is note


def test_the_users_file_goes_over_the_built_in_one(home: Path) -> None:
    assert user_file() == home / "prices.toml"
    user_file().write_text(
        'dated = "2026-11-01"\n[models."gpt-4.1"]\ninput = 1\noutput = 1\n[gpu_hours]\n"cuda:0" = 0.5\n'
    )
    table = load_prices()
    assert table.dated == "2026-11-01"
    assert table.usd("gpt-4.1", CHAT) == pytest.approx(10_500 / 1e6)
    assert table.usd("gpt-4o", CHAT) is not None
    assert table.usd("FluxKontextPipeline on cuda:0", Usage(gpu_seconds=7200.0)) == pytest.approx(1.0)
    more = home / "more.toml"
    more.write_text('[models."gpt-4.1"]\ncall = 0.25\n')
    assert load_prices(more).usd("gpt-4.1", Usage(seconds=1.0)) == 0.25


def test_a_frozen_table_stands_alone(home: Path) -> None:
    frozen = load_prices().frozen()
    user_file().write_text('[models."gpt-4.1"]\ninput = 1\noutput = 1\n')
    again = load_prices(frozen)
    assert again.usd("gpt-4.1", CHAT) == pytest.approx((6_000 * 2.0 + 4_000 * 0.5 + 500 * 8.0) / 1e6)
    assert again.frozen() == frozen
    assert len(str(frozen)) < 2_000  # it stands in every trace


def test_every_price_that_is_shipped_has_its_day_and_source() -> None:
    rows = load_prices().rows()
    assert {"gpt-4.1", "gpt-image-1", "H100", "embedded"} <= {row["name"] for row in rows}
    for row in rows:
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", str(row["as_of"])), row
        assert str(row["source"]).startswith(("vendor's page: ", "third-party list", "your own CPU")), row
    (cached,) = [row for row in rows if row["name"] == "gpt-4.1" and row["per"] == "million tokens from a cache"]
    assert cached["usd"] == 0.5


def test_an_hour_may_have_a_day_and_a_source_too(home: Path) -> None:
    user_file().write_text(
        '[gpu_hours]\nB300 = { usd = 6, as_of = "2026-11-01", source = "our contract" }\nL4 = 0.5\nH100 = 2\n'
    )
    table = load_prices()
    assert table.usd("x on B300", Usage(gpu_seconds=3600)) == 6 and table.usd("x on L4", Usage(gpu_seconds=3600)) == 0.5
    assert table.frozen()["gpu_hours"]["B300"] == 6  # type: ignore[index,call-overload]
    sources = {row["name"]: row["source"] for row in table.rows()}
    assert sources["B300"] == "our contract" and sources["H100"] == "" and "third-party" in str(sources["H200"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[models.x]\ninput = -1\n", "models.x.input"),
        ("[models.x]\nprompt = 1\n", "models.x.prompt"),
        ("[models.x]\ninput = nan\n", "models.x.input"),
        ("[gpu_hours]\nH100 = 'much'\n", "gpu_hours.H100"),
        ("[gpu_hours]\nH100 = { as_of = '2026' }\n", "gpu_hours.H100"),
        ("[gpu_hours]\nH100 = { usd = 2, from = 'us' }\n", "gpu_read.H100.from"),
        ("gpu_hours = 3\n", "gpu_hours"),
        ("models = [", "no TOML"),
        ("prices = 3", "prices"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(home: Path, content: str, words: str) -> None:
    user_file().write_text(content)
    with pytest.raises(UsageError) as caught:
        load_prices()
    assert words in str(caught.value) and "prices.toml" in str(caught.value)


def test_a_table_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_prices("nowhere.toml")
    with pytest.raises(UsageError, match="are no prices"):
        load_prices(3)
