"""Reading traces: verify and replay, without any model."""
