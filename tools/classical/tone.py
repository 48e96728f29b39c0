"""Brightness, contrast, saturation, warmth, exposure and the vignette.

`Adjust` names a measured amount (the mean L* shall rise by a fifth) but a curve has a parameter of its own. So each
property is a family of curves with one parameter that never clips, a statistic that it moves, and a search for the
parameter whose *result*, gamut and rounding included, has the wanted statistic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reasonedit_agent.operations import Adjust, Vignette
from reasonedit_agent.perception.arrays import Mask
from reasonedit_agent.tools.classical.picture import (
    Bench,
    Floats,
    Picture,
    from_lab,
    lab,
    linear,
    opacity,
    pointwise,
    srgb,
    unit,
    unlinear,
)

__all__ = ["Sample", "adjust", "bias", "search", "take_sample", "vignette"]

_SAMPLE = 30_000  # pixels: the error of a mean is far below one per cent of its spread


@dataclass(frozen=True, slots=True)
class Sample:
    """Pixels of a region, to search a parameter on.

    Attributes:
        colours: sRGB 0..1, shape (1, n, 3).
        weights: Share of each pixel that is inside, shape (n,).
        counts: How much each counts in a mean: less where it is transparent too, shape (n,).
    """

    colours: Floats
    weights: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]

    def after(self, changed: Floats) -> Floats:
        """Return CIELAB, shape (n, 3), of the region once ``changed`` is blended in and rounded."""
        mixed = self.colours + (changed - self.colours) * self.weights.astype(np.float32)[None, :, None]
        return np.asarray(lab(unit(srgb(np.asarray(mixed, np.float32))))[0], np.float32)

    def mean(self, values: npt.NDArray[np.floating]) -> float:
        """Return the weighted mean of one value per pixel."""
        return float(np.average(values, weights=self.counts))


def take_sample(picture: Picture, mask: Mask) -> Sample:
    """Return an even sample of the pixels inside a mask that is not empty."""
    flat = mask.reshape(-1)
    inside = np.flatnonzero(flat > min(0.02, float(flat.max()) / 2))
    chosen = inside[:: max(1, len(inside) // _SAMPLE)]
    counts = flat[chosen].astype(np.float64)
    if picture.alpha is not None:
        visible = counts * opacity(picture.alpha.reshape(-1)[chosen])
        counts = visible if visible.sum() > 0 else counts
    colours = unit(picture.rgb.reshape(-1, 3)[chosen][None])
    return Sample(colours, flat[chosen].astype(np.float64), counts)


def search(value: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    """Return where a rising function has a value, by bisection; the nearer end where it is not reached."""
    if value(low) >= wanted:
        return low
    if value(high) <= wanted:
        return high
    for _ in range(24):
        middle = (low + high) / 2
        if value(middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def bias(share: Floats, strength: float) -> Floats:
    """Return Schlick's bias curve: 0 and 1 stay, the middle moves; it is a shift of the logit by ``strength``.

    Source: Schlick, "Fast alternatives to Perlin's bias and gain functions", Graphics Gems IV.
    """
    gain = np.float32(np.exp(strength))
    return np.asarray(share * gain / (1 + share * (gain - 1)), np.float32)


def _relit(colours: Floats, lightness: Floats) -> Floats:
    """Return CIELAB colours with another L*, and with the chroma that the new light would give them."""
    ratio = np.clip(lightness / np.maximum(colours[..., 0], 1), 0, 2.5) ** 0.6
    return np.dstack([lightness, colours[..., 1] * ratio, colours[..., 2] * ratio]).astype(np.float32)


def _brightness(colours: Floats, strength: float, _pivot: float) -> Floats:
    seen = lab(colours)
    return from_lab(_relit(seen, bias(seen[..., 0] / np.float32(100), strength) * np.float32(100)))


def _contrast(colours: Floats, strength: float, pivot: float) -> Floats:
    seen = lab(colours)
    light = seen[..., 0]
    if strength < 0:
        return from_lab(_relit(seen, pivot + (light - pivot) * (1 + strength)))
    # An S through (0, 0), the pivot and (100, 100): steep in the middle, flat at the ends, so nothing clips.
    below = np.minimum(light, pivot) / pivot
    above = (100 - np.maximum(light, pivot)) / (100 - pivot)
    curve = np.where(light < pivot, pivot * _knee(below, strength), 100 - (100 - pivot) * _knee(above, strength))
    return from_lab(_relit(seen, curve.astype(np.float32)))


def _knee(share: npt.NDArray[np.floating], strength: float) -> Floats:
    return np.asarray(share / (1 + strength * (1 - share)), np.float32)


def _saturation(colours: Floats, strength: float, _pivot: float) -> Floats:
    seen = lab(colours)
    if strength < 0:
        factor: npt.NDArray[np.floating] = np.full(seen.shape[:2], 1 + strength, np.float32)
    else:
        chroma = np.hypot(seen[..., 1], seen[..., 2])
        hue = np.degrees(np.arctan2(seen[..., 2], seen[..., 1]))
        # Skin turns orange long before anything else looks wrong.
        skin = np.exp(-(((hue - 48) / 22) ** 2)) * np.clip((60 - chroma) / 20, 0, 1) * np.clip(chroma / 10, 0, 1)
        strengths = strength * (1 - 0.5 * skin)
        factor = (1 + strengths) / (1 + strengths * np.minimum(chroma / 130, 1))
    return from_lab(seen * np.dstack([np.ones_like(factor), factor, factor]).astype(np.float32))


def _warmth(colours: Floats, strength: float, _pivot: float) -> Floats:
    # A change of the light's colour: red against blue in linear light, so that black stays black; L* is kept.
    gains = np.exp(np.array([strength, 0.12 * strength, -strength], np.float32))
    light = linear(colours) * gains
    peak = np.maximum(light.max(axis=-1, keepdims=True), 1)
    turned = lab(unlinear(light / peak))
    before = lab(colours)[..., 0]
    ratio = np.clip(before / np.maximum(turned[..., 0], 1), 0.5, 2)
    return from_lab(np.dstack([before, turned[..., 1] * ratio, turned[..., 2] * ratio]).astype(np.float32))


def _exposure(colours: Floats, stops: float, _pivot: float) -> Floats:
    gain = float(2.0**stops)
    light = linear(colours) * np.float32(gain)
    knee = 0.8
    if gain <= 1:
        return unlinear(light)
    # Above the knee the brightest channel rolls off so that white stays white; the three keep their proportion.
    peak = light.max(axis=-1, keepdims=True)
    slope = (gain - knee) / (1 - knee)
    over = np.clip((peak - knee) / (gain - knee), 0, 1)
    rolled = np.where(peak > knee, knee + (1 - knee) * slope * over / (1 + (slope - 1) * over), peak)
    return unlinear(np.asarray(light * rolled / np.maximum(peak, 1e-6), np.float32))


def _mean_light(sample: Sample, seen: Floats) -> float:
    return sample.mean(seen[:, 0])


def _spread_light(sample: Sample, seen: Floats) -> float:
    return float(np.sqrt(sample.mean((seen[:, 0] - _mean_light(sample, seen)) ** 2)))


def _mean_chroma(sample: Sample, seen: Floats) -> float:
    return sample.mean(np.hypot(seen[:, 1], seen[:, 2]))


def _mean_b(sample: Sample, seen: Floats) -> float:
    return sample.mean(seen[:, 2])


def _mean_linear(sample: Sample, seen: Floats) -> float:
    light = seen[:, 0]
    return sample.mean(np.where(light > 8, ((light + 16) / 116) ** 3, light / 903.3))  # CIE 15, inverse of L*


def _relative(sample: Sample, now: float, amount: float) -> float:
    return now * (1 + amount)


def _warmer(sample: Sample, now: float, amount: float) -> float:
    return now + 50 * amount


def _exposed(sample: Sample, now: float, stops: float) -> float:
    """Return the mean light of a longer exposure that clips; the curve reaches it without clipping."""
    clipped = np.minimum(linear(sample.colours) * np.float32(2.0**stops), 1)
    return _mean_linear(sample, sample.after(unlinear(np.asarray(clipped, np.float32))))


@dataclass(frozen=True, slots=True)
class _Property:
    """A family of curves, the statistic that it moves, its goal, and the range of its parameter."""

    curve: Callable[[Floats, float, float], Floats]
    statistic: Callable[[Sample, Floats], float]
    goal: Callable[[Sample, float, float], float]
    low: float
    high: float


_PROPERTIES = {
    "brightness": _Property(_brightness, _mean_light, _relative, -5, 5),
    "contrast": _Property(_contrast, _spread_light, _relative, -1, 30),
    "saturation": _Property(_saturation, _mean_chroma, _relative, -1, 8),
    "warmth": _Property(_warmth, _mean_b, _warmer, -1.2, 1.2),
    "exposure": _Property(_exposure, _mean_linear, _exposed, -6, 8),
}


def adjust(picture: Picture, operation: Adjust, mask: Mask, bench: Bench) -> Picture:
    """Move one property of the region by the amount asked, as far as the gamut allows."""
    if operation.amount == 0:
        return picture
    sample = take_sample(picture, mask)
    pivot = float(np.clip(sample.mean(lab(sample.colours)[0, :, 0]), 15, 85))
    kind = _PROPERTIES[operation.what]
    now = kind.statistic(sample, sample.after(sample.colours))
    wanted = kind.goal(sample, now, operation.amount)

    def value(parameter: float) -> float:
        return kind.statistic(sample, sample.after(kind.curve(sample.colours, parameter, pivot)))

    found = search(value, wanted, kind.low, kind.high)
    return picture.painted(pointwise(picture.rgb, mask, lambda part: kind.curve(part, found, pivot)))


def vignette(picture: Picture, operation: Vignette, mask: Mask, bench: Bench) -> Picture:
    """Darken towards the corners: a corner keeps ``1 - strength`` of its linear light, the middle all of it."""
    width, height = picture.size
    down = ((np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1) ** 2
    across = ((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1) ** 2
    out = picture.rgb.copy()
    step = max(1, 2**19 // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        far = (down[rows, None] + across[None, :]) / 2  # 1 in the corners
        kept = np.asarray(1 - operation.strength * far, np.float32)

        def darken(part: Floats, kept: Mask = kept) -> Floats:
            return unlinear(np.asarray(linear(part) * kept[..., None], np.float32))

        out[rows] = pointwise(picture.rgb[rows], mask[rows], darken)
    return picture.painted(out)
