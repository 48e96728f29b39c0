"""A local page to work in: the agent and its traces as they are, shown and steered by a browser."""

__all__: list[str] = []
