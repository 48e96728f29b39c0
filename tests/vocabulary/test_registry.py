"""The grammar of part texts, and the door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasonedit_agent import registry
from reasonedit_agent.errors import UsageError
from reasonedit_agent.registry import Call, parse_call


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("classical", Call("classical")),
        ("rounds(3)", Call("rounds", (3,))),
        (" budget( seconds = 1.5 ) ", Call("budget", (), {"seconds": 1.5}, column=2)),
        (
            "openai(url=http://localhost:8000/v1?a=b, model=qwen/v2, stream=true, key=none)",
            Call(
                "openai", (), {"url": "http://localhost:8000/v1?a=b", "model": "qwen/v2", "stream": True, "key": None}
            ),
        ),
        ("x(\"a, (b)\", c='d=e')", Call("x", ("a, (b)",), {"c": "d=e"})),
        (
            "toolbox(classical, diffusers(my dir, fast=false))",
            Call("toolbox", ("classical", Call("diffusers", ("my dir",), {"fast": False}, column=20))),
        ),
    ],
)
def test_calls(text: str, call: Call) -> None:
    assert parse_call(text) == call


@pytest.mark.parametrize(
    ("text", "column"),
    [("", 1), ("x(", 3), ("x(1", 4), ("x(1))", 5), ("x(a=1, 2)", 8), ("x(a=1, a=2)", 8), ('x("a', 3), ("x(,)", 3)],
)
def test_errors_point_at_the_column(text: str, column: int) -> None:
    with pytest.raises(UsageError, match=f"at column {column}:"):
        parse_call(text)


@given(st.text(alphabet="ab(),=\"' 1.|&;:/-", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_call(text), Call)
    except UsageError as error:
        assert "column" in str(error)


def test_a_url_means_openai() -> None:
    part = registry.build("reasoners", "http://localhost:8000/v1")
    assert part.info.name == "openai" and part.info.settings["url"] == "http://localhost:8000/v1"


def test_module_attr() -> None:
    assert registry.build("policies", "fractions:Fraction(3)") == 3
    part = object()
    assert registry.build("tools", part) is part


def test_registered_twice_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    points = tuple(EntryPoint("same", value, "reasonedit_agent.tools") for value in ("a:b", "c:d"))
    monkeypatch.setattr(registry, "_registered", lambda kind: {"same": points})
    with pytest.raises(UsageError, match="registered twice: a:b and c:d"):
        registry.load("tools", "same")
