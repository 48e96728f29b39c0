"""The classical editor: typed operations on real photos, on a CPU, without a generative model."""

from reasonedit_agent.tools.classical.tool import ClassicalEditor

__all__ = ["ClassicalEditor"]
