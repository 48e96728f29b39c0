"""Lets a CUDA build of torchvision be imported beside a CPU build of torch.

`reasonedit_agent.serving.environment` copies this file into an environment where ``import torchvision`` fails, with a
``.pth`` file that imports it at every start. The C++ library of such a torchvision links CUDA and is not loaded, after
which torchvision's registration of shapes fails for want of two operators. Declaring them is enough: the transforms
that the image processors use are plain Python.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ["OPERATORS", "Finder"]

OPERATORS = ("nms", "qnms")


class Finder:
    """An import hook that finds nothing: it declares the operators just before torchvision is imported."""

    def __init__(self) -> None:
        self._library: Any = None

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Declare the operators when torchvision is asked for; Python goes on to the next finder."""
        if name != "torchvision" or self._library is not None:
            return
        torch = importlib.import_module("torch")
        self._library = torch.library.Library("torchvision", "FRAGMENT")  # its end would take them back
        for operator in OPERATORS:
            if not hasattr(torch.ops.torchvision, operator):
                self._library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


if __name__ != "reasonedit_agent.serving.torchvision_shim":  # that is: in the environment it was copied to
    sys.meta_path.insert(0, Finder())
