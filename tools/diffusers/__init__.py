"""The instruction-editing models of diffusers, as one tool.

``tool.py`` is the tool, ``adapters.py`` the table with one row per pipeline class, ``settings.py`` what can be set and
what is known not to work, ``pipelines.py`` how a folder becomes a pipeline, ``drawing.py`` one call of it,
``encodings.py`` what is never encoded twice, ``memory.py`` what happens when memory runs out.
"""

from reasonedit_agent.tools.diffusers.tool import DiffusersTool, diffusers_tool

__all__ = ["DiffusersTool", "diffusers_tool"]
