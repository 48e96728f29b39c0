"""Model servers of our own: an environment for vLLM, the command with this loop's settings, and the process."""
