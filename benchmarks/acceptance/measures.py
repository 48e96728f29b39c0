"""The kinds of expectation: each is one number measured on a scene, to be compared with a case's range.

NaN means "not measurable here" (for instance the result has another shape than the photo); it never passes.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
from skimage import filters

from benchmarks.acceptance import layout
from benchmarks.acceptance.basics import Expectation, NotMeasurable, correlation, delta_e, framed, named_lab, slope
from benchmarks.acceptance.scene import Floats, Mask, Picture, Scene, grown, read

CHANNELS = {"L": 0, "a": 1, "b": 2}
THUMBNAIL = 320
OUTLINE = 3  # pixels by which a hand-made outline may be off
PAPER = 75.0  # L* from which on a person sees blank paper


def hue_vectors(picture: Picture, mask: Mask) -> tuple[Floats, Floats]:
    """The a* and b* values in a mask: vectors whose length is chroma and whose direction is hue."""
    return picture.lab[..., 1][mask], picture.lab[..., 2][mask]


def whole(scene: Scene, want: Expectation) -> tuple[Picture, Mask]:
    """The result and a mask on it: the result as it is for "all", so that a crop may change the shape."""
    if want["region"] == "all":
        return scene.result, np.ones(scene.result.shape, dtype=bool)
    return framed(scene), scene.mask(want["region"])


def shift(scene: Scene, want: Expectation) -> float:
    """Mean of L*, a*, b* or C* in a region, result minus source."""
    mask, result = scene.mask(want["region"]), framed(scene)
    if want["channel"] == "C":
        return float(result.chroma[mask].mean() - scene.source.chroma[mask].mean())
    index = CHANNELS[want["channel"]]
    return float(result.lab[..., index][mask].mean() - scene.source.lab[..., index][mask].mean())


STATISTICS: Mapping[str, Callable[[Picture, Mask], float]] = {
    "L_std": lambda picture, mask: float(picture.lab[..., 0][mask].std()),
    "sharpness": lambda picture, mask: float(picture.laplacian[mask].mean()),
    "chroma": lambda picture, mask: float(picture.chroma[mask].mean()),
}


def ratio(scene: Scene, want: Expectation) -> float:
    """A statistic in a region, result over source."""
    mask, statistic = scene.mask(want["region"]), STATISTICS[want["statistic"]]
    return statistic(framed(scene), mask) / statistic(scene.source, mask)


def change(scene: Scene, want: Expectation) -> float:
    """Mean CIEDE2000 between source and result in a region."""
    mask, result = scene.mask(want["region"]), framed(scene)
    return float(delta_e(scene.source.lab[mask][::2], result.lab[mask][::2]).mean())


def near(scene: Scene, want: Expectation) -> float:
    """CIEDE2000 from the region's mean colour to a named one."""
    mean = framed(scene).lab[scene.mask(want["region"])].mean(axis=0)
    return float(delta_e(mean, named_lab(want["color"])))


def hue(scene: Scene, want: Expectation) -> float:
    """Degrees from the region's chroma-weighted mean hue to an angle; 180 where the region has too little chroma."""
    a, b = hue_vectors(framed(scene), scene.mask(want["region"]))
    if float(np.hypot(a, b).mean()) < want["min_chroma"]:
        return 180.0
    angle = math.degrees(math.atan2(float(b.mean()), float(a.mean())))
    return float(abs((angle - want["angle"] + 180) % 360 - 180))


def gray(scene: Scene, want: Expectation) -> float:
    """Mean C* of the result in a region."""
    picture, mask = whole(scene, want)
    return float(picture.chroma[mask].mean())


def mean_l(scene: Scene, want: Expectation) -> float:
    """Mean L* of the result in a region."""
    picture, mask = whole(scene, want)
    return float(picture.lab[..., 0][mask].mean())


def hue_drift(scene: Scene, want: Expectation) -> float:
    """Mean hue change in degrees of the coloured pixels of a region, weighted by the source's chroma."""
    result, source = framed(scene), scene.source
    mask = scene.mask(want["region"]) & (source.chroma > 8) & (result.chroma > 3)
    (a1, b1), (a2, b2) = hue_vectors(source, mask), hue_vectors(result, mask)
    turned = np.degrees(np.abs(np.arctan2(a1 * b2 - b1 * a2, a1 * a2 + b1 * b2)))
    return float(np.average(turned, weights=np.hypot(a1, b1)))


def one_hue(scene: Scene, want: Expectation) -> float:
    """How much the colours share one hue: 1 for one hue, 0 for all hues alike or for grey."""
    picture, mask = whole(scene, want)
    a, b = hue_vectors(picture, mask)
    total = float(np.hypot(a, b).mean())
    return math.hypot(float(a.mean()), float(b.mean())) / total if total > 2 else 0.0


def size(scene: Scene, want: Expectation) -> float:
    """Largest difference in pixels from the asked width and height."""
    height, width = scene.result.shape
    return float(max(abs(width - want["width"]), abs(height - want["height"])))


def stops(scene: Scene, want: Expectation) -> float:
    """Median change of the mid-tones' luminance in photographic stops."""
    source, result = scene.source.luminance, framed(scene).luminance
    mask = scene.mask(want["region"]) & (source > 0.03) & (source < 0.6)
    return float(np.median(np.log2(np.maximum(result[mask], 1e-4) / source[mask])))


def detail_kept(scene: Scene, want: Expectation) -> float:
    """Share of the region's structures (1 to 6 pixels) that is left."""
    mask = scene.mask(want["region"])
    return slope(scene.source.detail[mask], framed(scene).detail[mask])


def fine_detail(scene: Scene, want: Expectation) -> float:
    """Share of the region's finest texture that is left."""
    mask = scene.mask(want["region"])
    return slope(scene.source.fine[mask], framed(scene).fine[mask])


def edges_kept(scene: Scene, want: Expectation) -> float:
    """Strength of the photo's strongest edges (top 5 %) in the result, as a share of the source's."""
    source = scene.source.gradient
    mask = scene.mask(want["region"]) & (source >= np.quantile(source, 0.95))
    return float(framed(scene).gradient[mask].mean() / source[mask].mean())


def structure(scene: Scene, want: Expectation) -> float:
    """Correlation of the lightness at coarse scale."""
    return correlation(scene.source.smooth(8.0), framed(scene).smooth(8.0))


def paper(scene: Scene, want: Expectation) -> float:
    """Share of the result that is blank paper, minus the source's share of such light pixels."""
    return float((framed(scene).lab[..., 0] > PAPER).mean() - (scene.source.lab[..., 0] > PAPER).mean())


def ring(scene: Scene, region: str) -> Mask:
    """A ring around a region, away from its edge, as wide as a thirtieth of the long side."""
    mask, long_side = scene.mask(region), max(scene.source.shape)
    near_edge = max(6, round(0.01 * long_side))
    return grown(mask, near_edge + round(long_side / 30)) & ~grown(mask, near_edge)


def removed_ring(scene: Scene, want: Expectation) -> float:
    """CIEDE2000 between the mean colour where the object was and that of its surroundings."""
    lab = framed(scene).lab
    return float(delta_e(lab[scene.mask(want["region"])].mean(axis=0), lab[ring(scene, want["region"])].mean(axis=0)))


def removed_texture(scene: Scene, want: Expectation) -> float:
    """Spread of L* where the object was over that of its surroundings."""
    lightness = framed(scene).lab[..., 0]
    return float(lightness[scene.mask(want["region"])].std() / max(lightness[ring(scene, want["region"])].std(), 1.0))


def removed_outline(scene: Scene, want: Expectation) -> float:
    """Step in L* across the object's outline, result over source: a ghost keeps it."""
    mask = scene.mask(want["region"])
    inner, outer = grown(mask, -OUTLINE), grown(mask, 3 * OUTLINE) & ~grown(mask, OUTLINE)
    weights = [filters.gaussian(side.astype(np.float32), 2 * OUTLINE) for side in (inner, outer)]
    outline = grown(mask, 1) & ~mask & (weights[0] > 0.02) & (weights[1] > 0.02)

    def step(picture: Picture) -> float:
        sides = [
            filters.gaussian(picture.lab[..., 0] * side, 2 * OUTLINE, preserve_range=True)[outline] / weight[outline]
            for side, weight in zip((inner, outer), weights, strict=True)
        ]
        return float(np.abs(sides[0] - sides[1]).mean())

    return step(framed(scene)) / step(scene.source)


def corner_ratio(scene: Scene, want: Expectation) -> float:
    """Mean L* of the four corners (an eighth of each side), result over source."""
    height, width = (side // 8 for side in scene.source.shape)
    corners = np.zeros(scene.source.shape, dtype=bool)
    for rows in (slice(None, height), slice(-height, None)):
        for columns in (slice(None, width), slice(-width, None)):
            corners[rows, columns] = True
    return float(framed(scene).lab[..., 0][corners].mean() / scene.source.lab[..., 0][corners].mean())


def same_content(scene: Scene, want: Expectation) -> float:
    """Mean CIEDE2000 between thumbnails of photo and result."""
    scale = THUMBNAIL / max(scene.source.shape)
    shape = tuple(round(side * scale) for side in scene.source.shape)
    thumbnails = [picture.resized((shape[0], shape[1])).lab for picture in (scene.source, framed(scene))]
    return float(delta_e(*thumbnails).mean())


def lighter(scene: Scene, want: Expectation) -> float:
    """Mean L* of a region minus that of another one, both in the result."""
    lightness = framed(scene).lab[..., 0]
    return float(lightness[scene.mask(want["region"])].mean() - lightness[scene.mask(want["than"])].mean())


@lru_cache(maxsize=4)
def _covering(reference: Picture, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """A reference photo stretched over, and cut to cover, a frame."""
    scale = max(shape[0] / reference.shape[0], shape[1] / reference.shape[1])
    cover = reference.resized((round(reference.shape[0] * scale), round(reference.shape[1] * scale))).rgb
    top, left = (cover.shape[0] - shape[0]) // 2, (cover.shape[1] - shape[1]) // 2
    return reference.resized(shape).rgb, cover[top : top + shape[0], left : left + shape[1]]


def resembles_reference(scene: Scene, want: Expectation) -> float:
    """Correlation of a region's colours with the case's first reference photo, stretched over or covering the frame."""
    mask = scene.mask(want["region"])
    reference = read(scene.photos / scene.case["references"][0])
    rgb = framed(scene).rgb[mask]
    return max(correlation(rgb, layout[mask]) for layout in _covering(reference, scene.source.shape))


MEASURES: Mapping[str, Callable[[Scene, Expectation], float]] = {
    "shift": shift,
    "ratio": ratio,
    "change": change,
    "near": near,
    "hue": hue,
    "gray": gray,
    "mean_L": mean_l,
    "hue_drift": hue_drift,
    "one_hue": one_hue,
    "size": size,
    "aspect": lambda scene, want: scene.result.shape[1] / scene.result.shape[0],
    "megapixels": lambda scene, want: scene.result.shape[0] * scene.result.shape[1] / 1e6,
    "stops": stops,
    "detail_kept": detail_kept,
    "fine_detail": fine_detail,
    "edges_kept": edges_kept,
    "structure": structure,
    "paper": paper,
    "removed_detail": detail_kept,
    "removed_ring": removed_ring,
    "removed_texture": removed_texture,
    "removed_outline": removed_outline,
    "alpha_iou": layout.alpha_iou,
    "crop_match": lambda scene, want: layout.crop_found(scene)[0],
    "crop_contains": layout.crop_contains,
    "crop_area": layout.crop_area,
    "crop_iou": layout.crop_iou,
    "equals": layout.equals,
    "rotated": layout.rotated,
    "text_inside": layout.text_inside,
    "text_color": layout.text_color,
    "text_amount": layout.text_amount,
    "corner_ratio": corner_ratio,
    "same_content": same_content,
    "lighter": lighter,
    "resembles_reference": resembles_reference,
}


def measure(scene: Scene, want: Expectation) -> float:
    """The number that an expectation asks for; NaN where it cannot be measured."""
    try:
        return MEASURES[want["kind"]](scene, want)
    except NotMeasurable:
        return math.nan
