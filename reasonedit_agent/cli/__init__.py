"""The command line: one module per group of commands."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line; this is the ``reasonedit`` script."""
    from reasonedit_agent.cli.app import run

    run()
