"""Plots as inline SVG: no style, no script, no outside; colours are classes that the page's style sheet knows."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from reasonedit_agent.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["calibration", "horizontal", "stacked"]

_INK, _FAINT = "#010101", "#020202"
_SERIES = ("#030301", "#030302", "#030303", "#030304", "#030305", "#030306")
_BARS = _SERIES[5]
_CLASSES = {_INK: "ink", _FAINT: "faint", **{colour: f"s{number}" for number, colour in enumerate(_SERIES, 1)}}
"""Colours that stand for a class of the style sheet, so that a plot follows light and dark."""

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_WIDTH = 4.4
"""Inches at 72 points."""


def stacked(series: Mapping[str, Mapping[int, int]], x: str, y: str, name: str, label: str) -> str:
    """Return bars over whole numbers, one colour per series, as SVG.

    Args:
        series: Counts by number, by the name of the series; at most six.
        x: What the numbers are.
        y: What is counted.
        name: Of the plot: the start of its ids.
        label: What it shows, for a screen reader.

    Raises:
        UsageError: matplotlib is missing.
    """
    figure, axes = _figure(2.5)
    numbers = sorted({number for counts in series.values() for number in counts}) or [0]
    low = [0] * (numbers[-1] + 1)
    for colour, (title, counts) in zip(_SERIES, series.items(), strict=False):
        if not counts:  # its colour stays its own
            continue
        heights = [counts.get(number, 0) for number in numbers]
        axes.bar(numbers, heights, bottom=[low[n] for n in numbers], color=colour, label=title, width=0.75)
        for number, height in zip(numbers, heights, strict=True):
            low[number] += height
    for number in numbers:
        axes.text(number, low[number], str(low[number]), ha="center", va="bottom", color=_INK, size=9)
    axes.set_xticks(range(numbers[0], numbers[-1] + 1, max(1, len(numbers) // 15)))
    axes.set_ylim(0, max(low) * 1.14 or 1)
    axes.set(xlabel=x, ylabel=y)
    if sum(bool(counts) for counts in series.values()) > 1:
        axes.legend(frameon=False, labelcolor=_INK, fontsize=9)
    return _svg(figure, name, label)


def horizontal(values: Sequence[tuple[str, float]], x: str, name: str, label: str) -> str:
    """Return one bar for each named value, the first on top, as SVG; see `stacked`."""
    figure, axes = _figure(0.75 + 0.32 * max(1, len(values)))
    places = range(len(values))
    axes.barh(places, [value for _, value in values], color=_BARS, height=0.65)
    most = max((value for _, value in values), default=1.0) or 1.0
    for place, (_, value) in zip(places, values, strict=True):
        axes.text(value + most * 0.01, place, f"{value:.4g}", va="center", color=_INK, size=9)
    axes.set_yticks(places, [f"{title[:39]}…" if len(title) > 40 else title for title, _ in values])
    axes.set_xlim(0, most * 1.12)
    axes.invert_yaxis()
    axes.set(xlabel=x)
    return _svg(figure, name, label)


def calibration(bins: Sequence[tuple[float, float, int]], name: str, label: str) -> str:
    """Return a reliability diagram as SVG; see `stacked`.

    Args:
        bins: Mean prediction (0 to 1), share of good labels (0 to 1), and how many labels.
        name: As in `stacked`.
        label: As in `stacked`.
    """
    figure, axes = _figure(3.2)
    axes.plot([0, 1], [0, 1], color=_FAINT, linestyle="--", linewidth=1)
    largest = max((n for *_, n in bins), default=1)
    axes.plot([p for p, *_ in bins], [s for _, s, _ in bins], color=_BARS, linewidth=1.5)
    areas = [30 + 170 * n / largest for *_, n in bins]
    axes.scatter([p for p, *_ in bins], [s for _, s, _ in bins], s=areas, color=_BARS, zorder=3, clip_on=False)
    for predicted, share, n in bins:
        axes.annotate(str(n), (predicted, share), (0, 9), textcoords="offset points", ha="center", color=_INK, size=9)
    axes.set(xlim=(0, 1.02), ylim=(-0.03, 1.12), xlabel="said by the Reasoner", ylabel="accepted by people")
    return _svg(figure, name, label)


def _figure(height: float) -> tuple[Figure, Axes]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        hint = "`pip install 'reasonedit-agent[report]'` brings it."
        raise UsageError("The plots of a report need matplotlib.", hint=hint) from error
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.tick_params(colors=_INK, labelsize=9, length=3)
    axes.xaxis.label.set(color=_INK, size=9)
    axes.yaxis.label.set(color=_INK, size=9)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_FAINT)
    return figure, axes


def _svg(figure: Figure, name: str, label: str) -> str:
    import matplotlib

    out = io.BytesIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": name, "figure.facecolor": "none", "axes.facecolor": "none"}
    with matplotlib.rc_context(settings):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(out.getvalue())
    for unwanted in (f"{_SVG}metadata", f"{_SVG}title"):
        for child in root.findall(unwanted):
            root.remove(child)
    _plain(root, name)
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    root.attrib.update({"role": "img", "aria-label": label, "class": "plot"})
    ElementTree.register_namespace("", _SVG.strip("{}"))
    return ElementTree.tostring(root, encoding="unicode")


def _plain(root: ElementTree.Element, name: str) -> None:
    """Make styles attributes, which a strict policy lets pass, colours classes, and ids the plot's own."""
    for defs in root.iter(f"{_SVG}defs"):
        for style in defs.findall(f"{_SVG}style"):
            defs.remove(style)
    for element in root.iter():
        _take_style(element)
        _take_colours(element)
        for key in ("id", _LINK, "clip-path"):
            if value := element.get(key):
                element.set(key, re.sub(r"^(url\(#|#|)", rf"\g<1>{name}-", value))
        if _LINK in element.attrib:
            element.set("href", element.attrib.pop(_LINK))


def _take_style(element: ElementTree.Element) -> None:
    wanted = dict(part.strip().split(":", 1) for part in element.attrib.pop("style", "").split(";") if ":" in part)
    font = re.match(r"\s*([\d.]+)px", wanted.pop("font", ""))
    if font:
        wanted["font-size"] = font.group(1)
    for key, value in wanted.items():
        element.set(key, value.strip())


def _take_colours(element: ElementTree.Element) -> None:
    classes = []
    for prop in ("fill", "stroke"):
        if element.get(prop) in _CLASSES:
            classes.append(f"{prop}-{_CLASSES[element.attrib.pop(prop)]}")
    if classes:
        element.set("class", " ".join(classes))
