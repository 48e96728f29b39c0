"""What several measures share: colour difference, correlation, and the result in the photo's frame."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage import color

from benchmarks.acceptance.scene import Floats, Picture, Scene

Expectation = Mapping[str, Any]


class NotMeasurable(Exception):
    """The result does not have what a measure looks at: it is no crop, or has another shape than the photo."""


def delta_e(first: Floats, second: Floats) -> npt.NDArray[np.float64]:
    """CIEDE2000 between two Lab arrays of shape (..., 3); the second one may be a single colour."""
    return np.asarray(color.deltaE_ciede2000(first, np.broadcast_to(second, first.shape)))


def correlation(first: Floats, second: Floats) -> float:
    """Pearson correlation of two arrays; 0 where one of them is constant."""
    one, two = first - first.mean(), second - second.mean()
    norm = math.sqrt(float((one**2).sum()) * float((two**2).sum()))
    return float((one * two).sum()) / norm if norm > 0 else 0.0


def slope(source: Floats, result: Floats) -> float:
    """How much of the source's signal is left in the result: the regression coefficient, 1 for an equal one."""
    one = source - source.mean()
    power = float((one**2).sum())
    return float((one * (result - result.mean())).sum()) / power if power > 0 else 0.0


def named_lab(name: str) -> Floats:
    """Lab (3,) of "#rrggbb"."""
    rgb = np.array([int(name[index : index + 2], 16) for index in (1, 3, 5)], dtype=np.float32) / np.float32(255)
    return np.asarray(color.rgb2lab(rgb[None, None])[0, 0], dtype=np.float32)


def framed(scene: Scene) -> Picture:
    """The result in the photo's frame.

    Raises:
        NotMeasurable: the result's shape does not allow it.
    """
    if scene.framed is None:
        raise NotMeasurable("the result has another shape than the photo")
    return scene.framed
