"""Editors behind ``POST /v1/images/edits``: vLLM-Omni, SGLang, LightX2V, OpenAI, and what speaks like them.

``tool.py`` is the tool, ``settings.py`` what can be set, ``dialects.py`` the table of what each kind of server takes,
``meeting.py`` finds out which kind it is, ``frames.py`` brings a picture to the size that is sent and back, ``form.py``
is the request and ``reply.py`` the answer, both without any network; ``asking.py`` asks, and asks again.
"""

from reasonedit_agent.tools.images_api.tool import ImagesTool, images_tool

__all__ = ["ImagesTool", "images_tool"]
