"""The loop, as a LangGraph state machine.

::

    START -> think -> (approve) -> decide -> edit -> reflect -> (compare) -> (review) -> decide -> ... -> finish

Every arrow that forks asks the same question: which node does the fold of the trace name next? So a fresh run, a
resume, a fork and a stale checkpoint take the same path.
"""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from reasonedit_agent.graphs import nodes
from reasonedit_agent.graphs.state import Context, RunInput, State

__all__ = ["Graph", "build_graph", "graph", "next_node", "recursion_limit"]

Graph = CompiledStateGraph[State, Context, RunInput, State]


def next_node(state: State) -> str:
    """Return the node that the fold named when the last one ended."""
    return state["next"]


def build_graph(checkpointer: Any = None, state: type[State] = State, **replaced: Any) -> Graph:
    """Return the compiled machine.

    Args:
        checkpointer: Any LangGraph checkpointer, or None. It serves interrupts and LangGraph's own server; where it
            disagrees with the trace, the trace wins.
        state: A state with more keys, for nodes of your own that write them.
        **replaced: Nodes of your own, by name.
    """
    machine = StateGraph(state, context_schema=Context, input_schema=RunInput, output_schema=state)
    for node in (
        nodes.begin,
        nodes.think,
        nodes.approve,
        nodes.decide,
        nodes.edit,
        nodes.reflect,
        nodes.compare,
        nodes.review,
        nodes.ask,
        nodes.finish,
    ):
        machine.add_node(node.__name__, replaced.get(node.__name__, node))

    after_reflect = ["reflect", "compare", "review", "think", "approve", "decide", "finish"]
    machine.add_conditional_edges(START, nodes.enter, ["begin", "edit", "ask", *after_reflect])
    machine.add_edge("begin", "think")
    machine.add_conditional_edges("think", next_node, ["approve", "review", "ask", "decide", "edit", "finish"])
    machine.add_conditional_edges("approve", next_node, ["think", "decide", "finish"])
    machine.add_conditional_edges("decide", next_node, ["edit", "ask", "finish"])
    machine.add_conditional_edges("edit", next_node, ["reflect", "review", "decide"])
    machine.add_conditional_edges("reflect", next_node, ["compare", "review", "decide"])
    machine.add_conditional_edges("compare", next_node, ["review", "decide"])
    machine.add_conditional_edges("review", next_node, ["think", "decide"])
    machine.add_conditional_edges("ask", next_node, ["think", "decide"])
    machine.add_edge("finish", END)
    return machine.compile(checkpointer=checkpointer, name="reasonedit")


def recursion_limit() -> int:
    """Return LangGraph's step limit for the longest run that is allowed: seven nodes a round."""
    return 20 + 7 * nodes.MAX_ROUNDS


def graph() -> Graph:
    """Return the machine for `langgraph dev`, which brings its own persistence."""
    return build_graph()
