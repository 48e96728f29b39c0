"""The LangGraph machine: the loop (`think_edit_reflect`), its state and nodes, and the agent on top."""
