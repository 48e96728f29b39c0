"""Measures of shape and place: crops, turns, cut-outs and written text."""

import math
from collections.abc import Callable, Mapping

import numpy as np
from skimage import feature, transform

from benchmarks.acceptance.basics import Expectation, NotMeasurable, correlation, delta_e, framed, named_lab
from benchmarks.acceptance.scene import Floats, Mask, Scene

TEXT_DELTA = 12.0  # Lab distance above which a pixel counts as written over


def alpha_iou(scene: Scene, want: Expectation) -> float:
    """Intersection over union of the opaque pixels and a region; 0 without an alpha channel."""
    alpha = scene.result.alpha
    if alpha is None or alpha.shape != scene.source.shape:
        return 0.0
    opaque, mask = alpha > 0.5, scene.mask(want["region"])
    return float((opaque & mask).sum() / (opaque | mask).sum())


def crop_found(scene: Scene) -> tuple[float, tuple[int, int, int, int]]:
    """Where the result was cut from the photo: correlation and left, top, right, bottom in the photo's pixels.

    Raises:
        NotMeasurable: the result is not smaller than the photo.
    """
    (height, width), (rows, columns) = scene.source.shape, scene.result.shape
    if rows > height or columns > width or rows * columns > 0.985 * height * width:
        raise NotMeasurable("the result is not a crop")
    factor = max(1.0, max(height, width) / 250)
    small = [
        transform.resize(
            picture.lab[..., 0], [max(2, int(side / factor)) for side in picture.shape], anti_aliasing=True
        )
        for picture in (scene.source, scene.result)
    ]
    scores = np.asarray(feature.match_template(small[0], small[1]))
    top, left = np.unravel_index(int(np.argmax(scores)), scores.shape)
    y, x = min(round(int(top) * factor), height - rows), min(round(int(left) * factor), width - columns)
    return float(scores.max()), (x, y, x + columns, y + rows)


def _overlap(one: tuple[int, int, int, int], two: tuple[int, int, int, int]) -> int:
    return max(0, min(one[2], two[2]) - max(one[0], two[0])) * max(0, min(one[3], two[3]) - max(one[1], two[1]))


def _area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def crop_contains(scene: Scene, want: Expectation) -> float:
    """Share of a region that the crop keeps."""
    left, top, right, bottom = crop_found(scene)[1]
    mask = scene.mask(want["region"])
    return float(mask[top:bottom, left:right].sum() / mask.sum())


def crop_area(scene: Scene, want: Expectation) -> float:
    """Area of the crop over that of the region's bounds."""
    return _area(crop_found(scene)[1]) / _area(scene.bounds(want["region"]))


def crop_iou(scene: Scene, want: Expectation) -> float:
    """Intersection over union of the crop and the region's bounds."""
    box, bounds = crop_found(scene)[1], scene.bounds(want["region"])
    shared = _overlap(box, bounds)
    return shared / (_area(box) + _area(bounds) - shared)


FORWARD: Mapping[str, Callable[[Floats], Floats]] = {
    "flip_h": lambda pixels: pixels[:, ::-1],
    "flip_v": lambda pixels: pixels[::-1],
    "rotate_cw": lambda pixels: np.rot90(pixels, -1),
    "rotate_ccw": lambda pixels: np.rot90(pixels, 1),
    "rotate_180": lambda pixels: pixels[::-1, ::-1],
}


def equals(scene: Scene, want: Expectation) -> float:
    """Mean absolute difference (0 to 255) from the exact transform of the photo."""
    expected = FORWARD[want["transform"]](scene.source.rgb)
    if expected.shape != scene.result.rgb.shape:
        return math.nan
    return float(np.abs(expected - scene.result.rgb).mean() * 255)


def rotated(scene: Scene, want: Expectation) -> float:
    """Correlation of the central disc's structures with those of the photo turned by degrees counter-clockwise."""
    turned = transform.rotate(scene.source.detail, want["angle"], preserve_range=True)
    radius = int(0.38 * min(*scene.source.shape, *scene.result.shape))
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = rows**2 + columns**2 <= radius**2

    def central(detail: Floats) -> Floats:
        y, x = detail.shape[0] // 2, detail.shape[1] // 2
        return np.asarray(detail[y - radius : y + radius + 1, x - radius : x + radius + 1][disc], dtype=np.float32)

    return correlation(central(np.asarray(turned, dtype=np.float32)), central(scene.result.detail))


def _written(scene: Scene) -> Mask:
    return np.asarray(np.linalg.norm(framed(scene).lab - scene.source.lab, axis=2) > TEXT_DELTA)


def text_inside(scene: Scene, want: Expectation) -> float:
    """Share of the written pixels that lie in an area."""
    written = _written(scene)
    return float((written & scene.mask(want["region"])).sum() / max(written.sum(), 1))


def text_color(scene: Scene, want: Expectation) -> float:
    """Share of the pixels written in an area that have a colour."""
    written = _written(scene) & scene.mask(want["region"])
    if not written.any():
        return 0.0
    return float((delta_e(framed(scene).lab[written], named_lab(want["color"])) <= want["distance"]).mean())


def text_amount(scene: Scene, want: Expectation) -> float:
    """Share of the picture that was written over."""
    return float(_written(scene).mean())
