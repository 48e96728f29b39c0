"""Filling a hole: by patches of the surroundings, or by continuing their colours smoothly.

The patch fill is multi-scale patch voting (Wexler, Shechtman and Irani, "Space-Time Completion of Video", 2007) with a
search by propagation and random tries (Barnes et al., "PatchMatch", 2009), vectorised: all pixels propagate at once,
from neighbours at several distances. Patches are compared by a few principal components. The work is done at a bounded
resolution; the correspondences it finds then fetch full-resolution pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.tools.classical.focus import gaussian, masked_blur
from reasonedit_agent.tools.classical.picture import Floats

__all__ = ["patch_fill", "ring_of", "smooth_fill", "surroundings"]

_SIDE = 7  # of a patch
_HALF = _SIDE // 2
_LONG_SIDE = 420  # of the crop in which correspondences are searched
_COMPONENTS = 16
Field = npt.NDArray[np.int32]
"""For each pixel the row and the column of its counterpart; shape (height, width, 2)."""

Places = npt.NDArray[np.integer]
"""Row or column numbers, or pairs of them, of some pixels."""

Flags = npt.NDArray[np.bool_]


def smooth_fill(rgb: Rgb, hole: Flags) -> Rgb:
    """Continue the colours around a hole as a membrane would (Laplace's equation), with the surroundings' grain."""
    colours = rgb.astype(np.float32)
    known = (~hole).astype(np.float32)
    filled = _membrane(colours, known)
    ring = ring_of(hole, 12)
    grain = colours - gaussian(colours, 1.5)
    spread = np.median(np.abs(grain[ring]), axis=0) * 1.48 if ring.any() else np.zeros(3)
    noise = np.random.default_rng(0).standard_normal((*hole.shape, 1)).astype(np.float32)
    noise = gaussian(noise, 0.6)
    noise /= max(float(noise.std()), 1e-6)
    filled += noise * np.minimum(spread, 6).astype(np.float32)
    out = rgb.copy()
    out[hole] = np.clip(np.rint(filled[hole]), 0, 255).astype(np.uint8)
    return out


def _membrane(values: Floats, known: Mask) -> Floats:
    """Return the values with the unknown ones interpolated: coarse to fine, then relaxed at each size."""
    height, width = known.shape
    if min(height, width) <= 4 or float(known.min()) > 0:
        mean = (values * known[..., None]).sum(axis=(0, 1)) / max(float(known.sum()), 1e-6)
        start = np.broadcast_to(mean, values.shape).astype(np.float32)
    else:
        size = ((width + 1) // 2, (height + 1) // 2)
        mass = np.asarray(cv2.resize(known, size, interpolation=cv2.INTER_AREA), np.float32)
        total = np.asarray(cv2.resize(values * known[..., None], size, interpolation=cv2.INTER_AREA), np.float32)
        means = np.asarray(total / np.maximum(mass, 1e-6)[..., None], np.float32)
        coarse = _membrane(means, (mass > 0).astype(np.float32))
        start = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    out = np.where(known[..., None] > 0, values, start).astype(np.float32)
    around = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / np.float32(4)
    for _ in range(12):
        soft = cv2.filter2D(out, -1, around, borderType=cv2.BORDER_REPLICATE)
        out = np.where(known[..., None] > 0, values, soft).astype(np.float32)
    return out


def ring_of(hole: Flags, width: int) -> Flags:
    """Return the pixels around a hole, up to a width."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    return np.asarray(cv2.dilate(hole.astype(np.uint8), kernel) > 0) & ~hole


def patch_fill(rgb: Rgb, hole: Flags, tell: Callable[[float], None], avoid: Flags | None = None) -> Rgb:
    """Fill a hole with texture from around it.

    Args:
        rgb: Image.
        hole: What is to be filled; something must be left outside it.
        tell: Progress, 0 to 1.
        avoid: Further pixels that no patch may be taken from.

    Returns:
        The image, changed inside the hole alone.
    """
    banned = hole if avoid is None else hole | avoid
    field = _correspondences(rgb, hole, banned, tell)
    if field is None:
        return smooth_fill(rgb, hole)
    return _fetch(rgb, hole, banned, field)


def surroundings(hole: Flags) -> tuple[slice, slice]:
    """Return the rows and columns of the hole with as much around it as itself, at least 80 pixels."""
    spans = []
    for axis in (1, 0):
        touched = np.flatnonzero(hole.any(axis=axis))
        start, end = int(touched[0]), int(touched[-1]) + 1
        reach = max(80, int((end - start) * 0.8))
        spans.append(slice(max(0, start - reach), min(hole.shape[1 - axis], end + reach)))
    return spans[0], spans[1]


@dataclass(frozen=True, slots=True)
class _Level:
    """One size of the pyramid: colours (CIELAB-like floats), the hole, and where patches may be taken."""

    colours: Floats
    hole: Flags
    banned: Flags


def _correspondences(rgb: Rgb, hole: Flags, banned: Flags, tell: Callable[[float], None]) -> Field | None:
    """Return, at the working size, where each pixel of the hole takes its content from; None: nothing to take."""
    levels = _pyramid(rgb, hole, banned)
    field: Field | None = None
    filled: Floats | None = None
    rng = np.random.default_rng(0)
    for index, level in enumerate(reversed(levels)):
        height, width = level.hole.shape
        sources = _sources(level.banned)
        if not sources.any():
            return None
        if field is None or filled is None:
            filled = _membrane(level.colours, (~level.hole).astype(np.float32))
            spots = np.argwhere(sources).astype(np.int32)
            field = spots[rng.integers(0, len(spots), height * width)].reshape(height, width, 2)
        else:
            field = _doubled(field, (height, width), sources, rng)
            filled = _vote(level.colours, level.hole, field, None)
        rounds = 10 if index == 0 else 6 if index < len(levels) - 1 else 3
        patches = _Patches(filled, sources)
        targets = np.nonzero(_targets(level.hole))
        for _ in range(rounds):
            mine = patches.of(filled, *targets)
            field, cost = _improve(mine, targets, patches.described, sources, field, rng)
            filled = _vote(level.colours, level.hole, field, cost)
        tell(0.9 * (index + 1) / len(levels))
    return field


def _pyramid(rgb: Rgb, hole: Flags, banned: Flags) -> list[_Level]:
    height, width = hole.shape
    scale = min(1.0, _LONG_SIDE / max(height, width))
    levels = []
    while True:
        size = (max(8, round(width * scale)), max(8, round(height * scale)))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        colours = np.asarray(cv2.cvtColor(np.asarray(small, np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)
        masks = [
            np.asarray(cv2.resize(m.astype(np.float32), size, interpolation=cv2.INTER_AREA)) > 0.02
            for m in (hole, banned)
        ]
        levels.append(_Level(colours, masks[0], masks[1]))
        deep = float(cv2.distanceTransform(np.pad(masks[0], 1).astype(np.uint8), cv2.DIST_L2, 3).max())
        if deep <= _HALF or min(size) < 40:
            return levels
        scale /= 2


def _sources(banned: Flags) -> Flags:
    """Return the centres of the patches that lie inside the image and outside the banned pixels."""
    free = cv2.erode((~banned).astype(np.uint8), np.ones((_SIDE, _SIDE), np.uint8), borderValue=0) > 0
    out = np.zeros_like(banned)
    inner = slice(_HALF, -_HALF)
    out[inner, inner] = free[inner, inner]
    return out


def _targets(hole: Flags) -> Flags:
    return np.asarray(cv2.dilate(hole.astype(np.uint8), np.ones((_SIDE, _SIDE), np.uint8)) > 0)


def _doubled(field: Field, shape: tuple[int, int], sources: Flags, rng: np.random.Generator) -> Field:
    """Return a field for the next larger size; offsets double, what leaves the sources is drawn anew."""
    height, width = shape
    old = np.array(field.shape[:2])
    ys, xs = np.mgrid[0:height, 0:width]
    spots = np.stack([ys, xs], axis=-1)
    parents = np.minimum((spots * old / (height, width)).astype(np.int32), old - 1)
    offsets = field[parents[..., 0], parents[..., 1]] - parents
    moved = np.rint(spots + offsets * np.array([height, width]) / old).astype(np.int32)
    moved = np.clip(moved, 0, np.array([height - 1, width - 1]))
    bad = ~sources[moved[..., 0], moved[..., 1]]
    free = np.argwhere(sources).astype(np.int32)
    moved[bad] = free[rng.integers(0, len(free), int(bad.sum()))]
    return np.asarray(moved, np.int32)


class _Patches:
    """The patches of one level, described by a few principal components; those of the sources never change."""

    def __init__(self, filled: Floats, sources: Flags) -> None:
        windows = self._windows(filled)
        ys, xs = np.nonzero(sources)
        some = slice(None, None, max(1, len(ys) // 3000))
        model = windows[ys[some], xs[some]].reshape(-1, _SIDE * _SIDE * 3)
        self._mean = model.mean(axis=0)
        _, basis = np.linalg.eigh(np.cov((model - self._mean).T))
        self._basis = basis[:, -_COMPONENTS:].astype(np.float32)
        self.described = np.zeros((*sources.shape, _COMPONENTS), np.float32)
        for start in range(0, len(ys), 2**15):
            part = slice(start, start + 2**15)
            self.described[ys[part], xs[part]] = self._project(windows, ys[part], xs[part])

    @staticmethod
    def _windows(filled: Floats) -> npt.NDArray[np.float32]:
        padded = np.pad(filled, ((_HALF, _HALF), (_HALF, _HALF), (0, 0)), mode="reflect")
        return np.lib.stride_tricks.sliding_window_view(padded, (_SIDE, _SIDE), axis=(0, 1))

    def _project(self, windows: npt.NDArray[np.float32], ys: Places, xs: Places) -> npt.NDArray[np.float32]:
        flat = windows[ys, xs].reshape(len(ys), -1)
        return np.asarray((flat - self._mean) @ self._basis, np.float32)

    def of(self, filled: Floats, ys: Places, xs: Places) -> npt.NDArray[np.float32]:
        """Return the descriptions of some patches of the image as it is filled now."""
        return self._project(self._windows(filled), ys, xs)


def _improve(
    mine: npt.NDArray[np.float32],
    targets: tuple[Places, ...],
    described: npt.NDArray[np.float32],
    sources: Flags,
    field: Field,
    rng: np.random.Generator,
) -> tuple[Field, npt.NDArray[np.float32]]:
    """Return a better field and the distance of each target's patch to its counterpart."""
    ys, xs = targets
    best = field[ys, xs]
    cost = ((described[best[:, 0], best[:, 1]] - mine) ** 2).sum(axis=1)
    limit = np.array(sources.shape) - 1
    out = field.copy()

    def consider(guess: npt.NDArray[np.integer]) -> None:
        guess = np.clip(guess, 0, limit)
        usable = np.flatnonzero(sources[guess[:, 0], guess[:, 1]] & (guess != best).any(axis=1))
        spots = guess[usable]
        distance = ((described[spots[:, 0], spots[:, 1]] - mine[usable]) ** 2).sum(axis=1)
        better = distance < cost[usable]
        cost[usable[better]] = distance[better]
        best[usable[better]] = spots[better]

    for _ in range(2):
        for reach in (4, 1):
            for dy, dx in ((0, reach), (reach, 0), (0, -reach), (-reach, 0)):
                out[ys, xs] = best
                near_y, near_x = np.clip(ys - dy, 0, limit[0]), np.clip(xs - dx, 0, limit[1])
                consider(out[near_y, near_x] + np.stack([ys - near_y, xs - near_x], axis=1))
        radius = float(max(limit))
        while radius >= 1:
            consider(best + np.rint(rng.uniform(-radius, radius, best.shape)).astype(np.int32))
            radius /= 3
    out[ys, xs] = best
    return out, cost


def _vote(colours: Floats, hole: Flags, field: Field, cost: npt.NDArray[np.float32] | None) -> Floats:
    """Return the colours with each pixel of the hole averaged over the patches that overlap it."""
    ys, xs = np.nonzero(_targets(hole))
    weights = np.ones(len(ys), np.float32)
    if cost is not None:
        # Patches that reach known pixels are surer than those deep inside (Wexler et al., section 3.2).
        depth = np.minimum(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3)[ys, xs], 40)
        scale = 2 * max(float(np.quantile(cost, 0.75)), 1e-3)
        weights = np.maximum(np.exp(-cost / scale) * np.float32(1.2) ** -depth, 1e-12).astype(np.float32)
    mixed = _gather(colours, (ys, xs), field[ys, xs], weights, _HALF)
    return np.where(hole[..., None], mixed, colours).astype(np.float32)


def _gather(
    colours: Floats, targets: tuple[Places, ...], spots: Places, weights: npt.NDArray[np.float32], half: int
) -> Floats:
    """Return the mean over the patches that overlap each pixel, from the ``half``-wide middle of each patch."""
    ys, xs = targets
    height, width = colours.shape[:2]
    total = np.zeros((height + 2 * half, width + 2 * half, 3), np.float32)
    mass = np.zeros(total.shape[:2], np.float32)
    for dy in range(-half, half + 1):
        for dx in range(-half, half + 1):
            # Targets are distinct, so one offset writes each pixel once.
            total[ys + dy + half, xs + dx + half] += weights[:, None] * colours[spots[:, 0] + dy, spots[:, 1] + dx]
            mass[ys + dy + half, xs + dx + half] += weights
    inner = (slice(half, half + height), slice(half, half + width))
    return np.asarray(total[inner] / np.maximum(mass[inner], 1e-20)[..., None], np.float32)


def _fetch(rgb: Rgb, hole: Flags, banned: Flags, field: Field) -> Rgb:
    """Return the image filled at full resolution by the correspondences of the working size."""
    rng = np.random.default_rng(0)
    fine = field if field.shape[:2] == hole.shape else _doubled(field, hole.shape, _sources(banned), rng)
    colours = rgb.astype(np.float32)
    targets = np.nonzero(_targets(hole))
    ones = np.ones(len(targets[0]), np.float32)
    filled = _gather(colours, targets, fine[targets], ones, 1)
    # On the rim the patches overlap what is known: how far they are off there is spread inwards as a membrane would.
    rim = _targets(hole) & ~hole
    off = np.where(rim[..., None], np.clip(colours - filled, -30, 30), 0).astype(np.float32)
    off, _ = masked_blur(off, rim.astype(np.float32), 3.0)
    filled += _membrane(off, rim.astype(np.float32))
    return np.clip(np.rint(np.where(hole[..., None], filled, colours)), 0, 255).astype(np.uint8)
