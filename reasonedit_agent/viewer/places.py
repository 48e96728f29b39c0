"""Regions over the picture that a round started from."""

from __future__ import annotations

from dataclasses import dataclass

from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.schemas import Affine, Box, Mask, Phrase, Polygon, Region
from reasonedit_agent.viewer.pictures import Album, Drawn
from reasonedit_agent.viewer.told import RoundTold, RunTold

__all__ = ["Place", "outline", "places", "transform", "where", "written"]


@dataclass(frozen=True)
class Place:
    """A region over the picture that a round started from.

    Attributes:
        label: In words.
        transform: From source pixels to the picture's, as SVG.
        points: Of a polygon, in source pixels; empty for a mask.
        mask: Its picture.
    """

    label: str
    transform: str
    points: str = ""
    mask: Drawn | None = None


def where(region: Box | Polygon | Mask | Phrase) -> str:
    """Return a region in words."""
    if isinstance(region, Box):
        return f"box {region.left:.0f}, {region.top:.0f} to {region.right:.0f}, {region.bottom:.0f}"
    if isinstance(region, Polygon):
        return f"polygon of {len(region.points)} points"
    return region.text if isinstance(region, Phrase) else region.label or "a mask"


def written(region: Region | None) -> str:
    """Return a region as a person writes it (`reasonedit edit --region`); nothing of a mask, which is a picture."""
    if isinstance(region, Box):
        return f"{region.left:g},{region.top:g},{region.right:g},{region.bottom:g}"
    if isinstance(region, Polygon):
        return " ".join(f"{x:g},{y:g}" for x, y in region.points)
    return region.text if isinstance(region, Phrase) else ""


def places(run: RunTold, round_: RoundTold, album: Album, store: ImageStore) -> list[Place]:
    """Return the drawable regions of a round, each once."""
    regions = [run.started.request.region, round_.call.region, *(step.region for step in round_.call.steps)]
    turned = transform(round_.call.base.geometry.matrix)
    found: dict[str, Place] = {}
    for region in regions:
        if isinstance(region, Mask):
            mask = album.mask(store, region.image)
            if mask.uri:
                found[mask.id] = Place(where(region), turned, mask=mask)
        elif region is not None and (points := outline(region)):
            found[points] = Place(where(region), turned, points=points)
    return list(found.values())


def outline(region: Region | None) -> str:
    """Return the corners of a box or a polygon as SVG's attribute, in source pixels; nothing of another region."""
    if isinstance(region, Box):
        left, top, right, bottom = region.left, region.top, region.right, region.bottom
        corners: tuple[tuple[float, float], ...] = ((left, top), (right, top), (right, bottom), (left, bottom))
    else:
        corners = region.points if isinstance(region, Polygon) else ()
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def transform(matrix: Affine) -> str:
    """Return a map as SVG's attribute; nothing for the identity."""
    a, b, c, d, e, f = matrix
    if all(abs(x - y) < 1e-9 for x, y in zip(matrix, (1, 0, 0, 0, 1, 0), strict=True)):
        return ""
    return "matrix(" + " ".join(f"{value:.6g}" for value in (a, d, b, e, c, f)) + ")"
