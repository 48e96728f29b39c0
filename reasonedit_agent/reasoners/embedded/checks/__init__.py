"""One check for each operation: `CHECKS` says which. They measure; `reflect` decides."""

from __future__ import annotations

from reasonedit_agent import operations as ops
from reasonedit_agent.reasoners.embedded.checks import detail, geometry, monochrome, objects, text, tone
from reasonedit_agent.reasoners.embedded.checks.base import Check

__all__ = ["CHECKS"]

CHECKS: dict[type[ops.PlainOperation], Check] = {
    ops.Recolour: tone.recolour,
    ops.Adjust: tone.adjust,
    ops.BlackAndWhite: monochrome.black_and_white,
    ops.Sepia: monochrome.sepia,
    ops.Vignette: tone.vignette,
    ops.Blur: detail.blur,
    ops.Sharpen: detail.sharpen,
    ops.Stylise: detail.stylise,
    ops.Remove: objects.remove,
    ops.ReplaceBackground: objects.replace_background,
    ops.CutOut: objects.cut_out,
    ops.Crop: geometry.crop,
    ops.Resize: geometry.resize,
    ops.Rotate: geometry.rotate,
    ops.Flip: geometry.flip,
    ops.Upscale: geometry.upscale,
    ops.AddText: text.add_text,
    ops.Redact: text.redact,
}
