"""The reliability diagram as a picture."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

from reasonedit_agent.analysis.calibration import BINS, Calibrated
from reasonedit_agent.errors import StoreError, UsageError

__all__ = ["plot"]

_INK, _BLUE, _GREY = "#22272e", "#2f6fb0", "#8a929c"


def plot(fit: Calibrated, path: Path) -> None:
    """Draw what was predicted against what people accepted, with exact 95 % intervals and how many labels are behind.

    Args:
        fit: What is drawn.
        path: Ends with ``.png`` or ``.svg``.

    Raises:
        UsageError: The suffix is another one, or matplotlib is not installed.
        StoreError: The file cannot be written.
    """
    if path.suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"{path} is no picture that can be drawn.", hint="Use .png or .svg.")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("A plot needs matplotlib.", hint="pip install 'reasonedit-agent[report]'") from error
    figure = Figure(figsize=(5.2, 6), dpi=150, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    above.plot((0, 1), (0, 1), color=_GREY, linewidth=1, linestyle=(0, (4, 3)), label="perfect")
    xs, ys = [b.predicted for b in fit.bins], [b.accepted for b in fit.bins]
    spans = [[b.accepted - b.low for b in fit.bins], [b.high - b.accepted for b in fit.bins]]
    label = f"held out ({fit.held_out} labels)"
    above.errorbar(xs, ys, yerr=spans, color=_BLUE, fmt="o", markersize=5, capsize=3, label=label)
    lines = [(bound.risk, bound.threshold) for bound in fit.risks if bound.threshold is not None]
    for (risk, threshold), style in zip(lines, cycle((":", "--", "-.", "-")), strict=False):
        told = f"at most {risk:.0%} bad from {threshold:.2f} on"
        above.axvline(threshold, color=_INK, linewidth=0.9, linestyle=style, label=told)
    above.set(ylabel="share that people accepted", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    above.set_title(
        f"{fit.method} on {fit.calibration.on}: ECE {fit.ece:.3f} (before {fit.ece_before:.3f})", fontsize=10
    )
    above.legend(loc="best", frameon=False, fontsize=8)
    below.bar(xs, [b.count for b in fit.bins], width=0.8 / BINS, color=_BLUE)
    below.set(xlabel="probability that a person accepts", ylabel="labels")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}.") from error
