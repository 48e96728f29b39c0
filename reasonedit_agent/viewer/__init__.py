"""Traces for people who look: a report in one file, and small pictures in a terminal."""

__all__: list[str] = []
