"""When memory runs out: a ladder of measures, each of them told, until it fits or none is left."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from reasonedit_agent.errors import Lost
from reasonedit_agent.tools.diffusers.settings import Settings

if TYPE_CHECKING:
    from reasonedit_agent.tools.diffusers.pipelines import Engine

__all__ = ["WAITING", "Room", "climb", "free", "load_in_room", "ran_out"]

T = TypeVar("T")

_SMALLEST = 256 * 256

WAITING = "parts that are not used wait in main memory"


@dataclass(frozen=True)
class Room:
    """How much is done at once.

    Attributes:
        area: Pixels that are drawn.
        batch: Candidates in one call.
    """

    area: int
    batch: int


def ran_out(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, of a device or of the machine."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def free(engine: Engine) -> None:
    """Give back what is only kept for speed."""
    import torch

    engine.encodings.clear()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def load_in_room(
    load: Callable[[Settings], T], settings: Settings, device: str, tell: Callable[[str], None]
) -> tuple[T, Settings]:
    """Load a pipeline; where the device has no room for all of it at once, with the parts that wait in main memory.

    Args:
        load: Loads it as the settings say.
        settings: What is wanted.
        device: Where to.
        tell: Called with what is done about it, in words.

    Returns:
        What was loaded, and the settings by which it was.

    Raises:
        Lost: It does not fit.
    """
    ways = [settings.on(device)]
    if not device.startswith("cpu") and ways[0].offload == "none":
        ways.append(replace(ways[0], offload="model"))
    for way in ways:
        try:
            return load(way), way
        except Exception as error:
            if not ran_out(error):
                raise
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        gc.collect()
        if way is not ways[-1]:
            tell(f"Memory ran out on {device} while it was loaded: {WAITING}.")
    raise Lost(
        f"Memory ran out on {device} while the model was loaded: {reason}",
        hint="Take a smaller model, quantise=, offload=group, or a device with more memory: reasonedit doctor --tool.",
    )


def climb(
    engine: Engine, room: Room, work: Callable[[Room], list[Any]], tell: Callable[[str], None]
) -> tuple[list[Any], Room]:
    """Do the work; when memory runs out, take the next rung and do it again.

    Args:
        engine: Whose memory.
        room: To begin with.
        work: Draws.
        tell: Called with what is done about it, in words.

    Returns:
        What was drawn, and the room in which it was.

    Raises:
        Lost: It does not fit however little is done at once.
    """
    tried: list[str] = []
    while True:
        try:
            return work(room), room
        except Exception as error:
            if not ran_out(error):
                raise
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        free(engine)
        rung = _next(engine, room, tried)
        if rung is None:
            raise Lost(
                f"Memory ran out on {engine.device}, also at {room.area} pixels and one candidate at a time: {reason}",
                hint="Take a smaller model, quantise=, offload=group, or a device with more memory.",
            )
        name, said, room = rung
        tried.append(name)
        tell(f"Memory ran out on {engine.device}: {said}.")


def _next(engine: Engine, room: Room, tried: list[str]) -> tuple[str, str, Room] | None:
    """Return the next rung: its name, what it does in words, and the room after it."""
    if "free" not in tried:
        return "free", "what was kept for speed is given back", room
    if "tile" not in tried and not getattr(engine.pipe.vae, "use_tiling", True):
        engine.pipe.vae.enable_tiling()
        return "tile", f"from now on {_for_good(engine, 'the VAE works tile by tile')}", room
    if "offload" not in tried and not engine.device.startswith("cpu") and not _offloaded(engine.pipe):
        engine.pipe.enable_model_cpu_offload(device=engine.device)
        return "offload", f"from now on {_for_good(engine, WAITING)}", room
    if room.batch > 1:
        fewer = room.batch // 2
        said = f"{fewer} candidates are drawn at once" if fewer > 1 else "one candidate is drawn at a time"
        return f"batch {fewer}", said, replace(room, batch=fewer)
    if room.area // 2 >= _SMALLEST:
        smaller = room.area // 2
        return f"area {smaller}", f"it is drawn at {smaller} pixels and enlarged", replace(room, area=smaller)
    return None


def _for_good(engine: Engine, words: str) -> str:
    """Keep what changes the engine for all that use it, so that their calls can tell it; return it."""
    engine.measures.append(words)
    return words


def _offloaded(pipe: Any) -> bool:
    return any(getattr(part, "_hf_hook", None) is not None for part in pipe.components.values())
