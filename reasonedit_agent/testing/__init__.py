"""Test your own parts and policies without a model: scripted parts, the plain loop, the conformance kit."""

from reasonedit_agent.testing.canonical import canonical
from reasonedit_agent.testing.loop import plain_loop
from reasonedit_agent.testing.reasoners import check_reasoner
from reasonedit_agent.testing.scripted import FunctionTool, ScriptedComparer, ScriptedReasoner, SimpleContext, scores
from reasonedit_agent.testing.suite import Check, Report
from reasonedit_agent.testing.tools import check_tool

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
