"""Test your own parts and policies without a model: scripted parts, the plain loop, the conformance kit."""

from reasonedit_agent.testing.canonical import canonical
from reasonedit_agent.testing.conformance import Check, Report, check_reasoner, check_tool
from reasonedit_agent.testing.loop import plain_loop
from reasonedit_agent.testing.scripted import FunctionTool, ScriptedComparer, ScriptedReasoner, SimpleContext, scores

__all__ = [
    "Check",
    "FunctionTool",
    "Report",
    "ScriptedComparer",
    "ScriptedReasoner",
    "SimpleContext",
    "canonical",
    "check_reasoner",
    "check_tool",
    "plain_loop",
    "scores",
]
