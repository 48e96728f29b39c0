"""From what users have to what vLLM loads."""

import json
from pathlib import Path

import pytest

from reasonedit_agent.errors import UsageError
from reasonedit_agent.serving.folders import lora, servable


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REASONEDIT_HOME", str(tmp_path / "home"))


def write(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{{}} {name}")
    return folder


def test_a_model_folder_is_served_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write(tmp_path / "qwen", "config.json")
    assert servable(str(model)) == str(model)
    monkeypatch.chdir(tmp_path)
    assert servable("./qwen") == servable("qwen") == str(model)


def test_a_name_is_left_to_the_hub() -> None:
    assert servable("owner/name") == "owner/name"


def test_a_diffusers_folder_is_put_together(tmp_path: Path) -> None:
    model = write(
        tmp_path / "reasonedit",
        "model_index.json",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
        "processor/config.json",
        "processor/tokenizer.json",
        "processor/preprocessor_config.json",
        "tokenizer/tokenizer.json",
        "tokenizer/merges.txt",
        "transformer/diffusion_pytorch_model.safetensors",
    )
    served = Path(servable(str(model)))
    came_from = {path.name: path.read_text().split()[1] for path in served.iterdir()}
    assert came_from == {
        "config.json": "text_encoder/config.json",
        "model.safetensors": "text_encoder/model.safetensors",
        "tokenizer.json": "processor/tokenizer.json",
        "preprocessor_config.json": "processor/preprocessor_config.json",
        "merges.txt": "tokenizer/merges.txt",
    }
    assert all(path.is_symlink() for path in served.iterdir())
    assert servable(str(model)) == str(served)
    write(model, "processor/chat_template.jinja")
    assert (Path(servable(str(model))) / "chat_template.jinja").is_file()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["readme.md"], "neither config.json nor text_encoder/config.json"),
        (["text_encoder/config.json", "processor/preprocessor_config.json"], "no tokenizer"),
    ],
)
def test_a_folder_without_a_model(tmp_path: Path, files: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        servable(str(write(tmp_path / "odd", *files)))


@pytest.mark.parametrize("path", ["/not/there", "./not-there", "~/not-there-either", "a/b/c"])
def test_a_path_with_nothing_there(path: str) -> None:
    with pytest.raises(UsageError, match="no model folder"):
        servable(path)


def test_an_adapter(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 24}))
    found = lora(f"tuned={tmp_path}")
    assert (found.name, found.path, found.rank) == ("tuned", str(tmp_path), 24)


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("", "{}", "names no adapter"),
        ("two words=", '{"r": 8}', "cannot be served"),
        ("a=", None, "no LoRA adapter"),
        ("a=", '{"r": "many"}', "no LoRA adapter"),
        ("a=", '{"r": 4096}', "cannot be served"),
    ],
)
def test_what_is_no_adapter(tmp_path: Path, name: str, config: str | None, message: str) -> None:
    if config is not None:
        (tmp_path / "adapter_config.json").write_text(config)
    with pytest.raises(UsageError, match=message):
        lora(f"{name}{tmp_path}")
