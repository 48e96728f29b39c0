"""The house: what is packaged, who may import whom, and what an import costs."""

import ast
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import reasonedit_agent
from tests.packaging.typecheck import ROOMS, ROOT

MAPPED = {"graphs", "tools", "policies"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts if parts[0] == "reasonedit_agent" else ("reasonedit_agent", *parts))
    return name.removesuffix(".__init__")


def sources() -> list[Path]:
    inside = [
        path for path in (ROOT / "reasonedit_agent").rglob("*.py") if path.relative_to(ROOT).parts[1] not in MAPPED
    ]
    return sorted(inside + [path for room in MAPPED for path in (ROOT / room).rglob("*.py")])


def test_every_package_is_listed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted({module_name(path) for path in sources() if path.name == "__init__.py"})


def test_the_links_are_links() -> None:
    for room in MAPPED:
        link = ROOT / "reasonedit_agent" / room
        assert link.is_symlink() and link.resolve() == ROOT / room


def test_the_public_surface() -> None:
    assert reasonedit_agent.__all__ == ["EditAgent", "EditResult", "ReasonEditError", "__version__"]
    for name in reasonedit_agent.__all__:
        assert getattr(reasonedit_agent, name) is not None
    with pytest.raises(AttributeError):
        reasonedit_agent.nothing_like_it  # noqa: B018


def test_every_module_exports_what_it_has() -> None:
    for path in sources():
        tree = ast.parse(path.read_text())
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                try:
                    module = importlib.import_module(module_name(path))
                except ModuleNotFoundError as error:
                    # Only the studio's extra is not among those that tests install.
                    assert ".viewer.studio" in module_name(path) and error.name in ("gradio", "fastapi"), path
                    continue
                assert [name for name in module.__all__ if not hasattr(module, name)] == [], path


# -- who may import whom (docs/architecture.md) ---------------------------------------------------------------------------

VOCABULARY = (
    "errors operations schemas events protocols images registry folding tracing recording weights loading".split()
)
MAY_IMPORT = {
    "perception": {"vocabulary"},
    "remote": {"vocabulary"},
    "reasoners": {"vocabulary", "perception", "remote"},
    "tools": {"vocabulary", "perception", "remote"},
    "policies": {"vocabulary"},
    "telemetry": {"vocabulary"},
    "graphs": {"vocabulary", "telemetry"},
    "analysis": {"vocabulary", "policies"},
    "serving": {"vocabulary"},
    "testing": {"vocabulary", "analysis"},
    "viewer": {"vocabulary", "analysis"},
}
FORBIDDEN = {
    "vocabulary": {"langgraph", "torch", "numpy", "cv2", "onnxruntime"},
    "policies": {"langgraph", "torch", "numpy"},
}


def room_of(module: str) -> str:
    parts = module.split(".")
    if parts[0] != "reasonedit_agent":
        return ""
    if len(parts) == 1:
        return "door"
    return "vocabulary" if parts[1] in VOCABULARY else parts[1]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: absolute imports only"
            base = node.module or ""
            if base == "reasonedit_agent":
                found |= {f"{base}.{alias.name}" for alias in node.names}
            else:
                found.add(base)
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_to_the_rooms(path: Path) -> None:
    room = room_of(module_name(path))
    for name in imports(path):
        target = room_of(name)
        if target and target != room and room in MAY_IMPORT:
            assert target in MAY_IMPORT[room] or name == "reasonedit_agent.__version__", f"{room} may not import {name}"
        assert name.split(".")[0] not in FORBIDDEN.get(room, set()), f"{room} may not import {name}"
        if target == "vocabulary" and room == "vocabulary":
            order = VOCABULARY.index(module_name(path).split(".")[1]), VOCABULARY.index(name.split(".")[1])
            assert order[1] <= order[0], f"{module_name(path)} stands left of {name}"


@pytest.mark.parametrize(
    "module",
    [
        "reasonedit_agent",
        "reasonedit_agent.schemas",
        "reasonedit_agent.tracing",
        "reasonedit_agent.policies",
        "reasonedit_agent.analysis.verify",
    ],
)
def test_imports_stay_light(module: str) -> None:
    heavy = "torch transformers diffusers langgraph numpy cv2 onnxruntime"
    code = f"import sys, {module}; print([m for m in {heavy.split()} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_no_path_of_a_machine_and_no_host_of_a_registry() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    words = ["/ro" + "ot/", "/wo" + "rk/", "pypi." + "org", "pythonhosted" + ".org", "registry." + "npmjs"]
    for name in tracked:
        path = ROOT / name
        if path.is_symlink() or path.suffix not in {".py", ".md", ".toml", ".txt", ".json", ".yml", ""}:
            continue
        text = path.read_text(errors="ignore")
        assert [word for word in words if word in text] == [], name


def test_rooms_are_counted_once() -> None:
    assert set(ROOMS) == MAPPED | {"reasonedit_agent"}
