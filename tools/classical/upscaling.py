"""Super-resolution with Real-ESRGAN (Wang et al., 2021), by ncnn on the CPU, tile by tile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import cv2
import numpy as np

from reasonedit_agent.errors import Lost, UsageError
from reasonedit_agent.operations import Upscale
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.regions import warp
from reasonedit_agent.schemas import Affine
from reasonedit_agent.tools.classical.focus import gaussian, masked_blur
from reasonedit_agent.tools.classical.picture import Bench, Floats, Picture, blend, check_size, opacity
from reasonedit_agent.weights import weight_path

__all__ = ["upscale"]

_TILE = {"fast": 256, "quality": 96}
_OVERLAP = 10  # pixels of the source on each side; beyond the reach that matters of either network
_THREADS = 2
_lock = threading.Lock()


def upscale(picture: Picture, operation: Upscale, mask: Mask, bench: Bench) -> Picture:
    """Enlarge the whole picture by exactly the factor; alpha is enlarged without the network."""
    width, height = picture.size
    factor = operation.factor
    size = (width * factor, height * factor)
    check_size(*size)
    fast = operation.model == "fast"
    if fast:
        name, native = ("realesr-animevideov3-x2", 2) if factor == 2 else ("realesr-animevideov3-x4", 4)
    else:
        name, native = "realesrgan-x4plus", 4

    def enlarge(tile: Rgb) -> Floats:
        wanted = (tile.shape[1] * factor, tile.shape[0] * factor)
        drawn = _infer(tile, name)
        if native != factor:
            drawn = np.asarray(cv2.resize(drawn, wanted, interpolation=cv2.INTER_AREA), np.float32)
        return _with_grain(drawn, tile, factor) if fast else drawn

    rgb = _tiled(_visible(picture), factor, _TILE[operation.model], enlarge, bench.tell)
    step: Affine = (factor, 0, 0, 0, factor, 0)
    alpha = None if picture.alpha is None else warp(picture.alpha, step, size)
    return picture.moved(rgb, alpha, step)


def _visible(picture: Picture) -> Rgb:
    """Return the colours with those that nobody sees taken from beside them, so that they leave no rim."""
    if picture.alpha is None:
        return picture.rgb
    near, _ = masked_blur(picture.rgb.astype(np.float32), opacity(picture.alpha), 4.0)
    return blend(picture.rgb, near, (picture.alpha == 0).astype(np.float32))


def _with_grain(drawn: Floats, tile: Rgb, factor: int) -> Floats:
    """Return crisp edges on the photo's own tones.

    The fast network was made for drawings: its edges are good, its textures turn to ink. So colours and broad tones
    come from the photo, and of the network's detail the part that stands on strong edges.
    """
    size = (drawn.shape[1], drawn.shape[0])
    plain = np.asarray(cv2.resize(tile, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)
    photo = plain.astype(np.float32)
    sigma = 1.5 * factor
    added = (drawn - gaussian(drawn, sigma)) - (photo - gaussian(photo, sigma))
    grey = np.asarray(cv2.cvtColor(plain, cv2.COLOR_RGB2GRAY), np.float32)
    slope = np.hypot(*(cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))) * factor / 8
    # Edges keep one direction over a neighbourhood; fur and leaves do not.
    strong = gaussian(np.asarray(np.clip((slope - 14) / 40, 0, 1), np.float32), factor * 0.7)
    share = 0.35 + 0.5 * np.clip(strong, 0, 1)
    return np.asarray(photo + added * share[..., None], np.float32)


def _tiled(rgb: Rgb, factor: int, tile: int, enlarge: Callable[[Rgb], Floats], tell: Callable[[float], None]) -> Rgb:
    """Return the picture enlarged tile by tile; the tiles overlap, so that no seam shows."""
    height, width = rgb.shape[:2]
    framed = np.pad(rgb, ((_OVERLAP, _OVERLAP), (_OVERLAP, _OVERLAP), (0, 0)), mode="edge")
    out = np.empty((height * factor, width * factor, 3), np.uint8)
    edge = _OVERLAP * factor
    spots = [(y, x) for y in range(0, height, tile) for x in range(0, width, tile)]
    for done, (y, x) in enumerate(spots):
        tall, wide = min(tile, height - y), min(tile, width - x)
        part = np.ascontiguousarray(framed[y : y + tall + 2 * _OVERLAP, x : x + wide + 2 * _OVERLAP])
        inner = enlarge(part)[edge : edge + tall * factor, edge : edge + wide * factor]
        out[y * factor : (y + tall) * factor, x * factor : (x + wide) * factor] = np.clip(np.rint(inner), 0, 255)
        tell((done + 1) / len(spots))
    return out


@cache
def _network(name: str) -> Any:
    try:
        import ncnn
    except ImportError as error:
        raise UsageError("Upscaling needs ncnn.", hint="Run `pip install ncnn`.") from error
    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    network.opt.num_threads = _THREADS
    for load, kind in ((network.load_param, "param"), (network.load_model, "bin")):
        if load(str(weight_path(f"{name}.{kind}"))) != 0:
            raise Lost(f"The model {name} could not be loaded.", hint="Run `reasonedit fetch embedded` again.")
    return network


def _infer(rgb: Rgb, name: str) -> Floats:
    """Return the network's output, 0 to 255, at its own factor."""
    import ncnn

    height, width = rgb.shape[:2]
    with _lock:
        network = _network(name)
        image = ncnn.Mat.from_pixels(rgb, ncnn.Mat.PixelType.PIXEL_RGB, width, height)
        image.substract_mean_normalize([0.0, 0.0, 0.0], [1 / 255] * 3)
        run = network.create_extractor()
        run.input("data", image)
        code, drawn = run.extract("output")
        if code != 0:
            raise Lost(f"The model {name} failed on a tile of {width}x{height} pixels.")
        return np.array(drawn, np.float32).transpose(1, 2, 0) * 255
