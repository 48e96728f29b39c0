"""Runs the strict type checker and makes sure that it read every file of ours: ``python -m tests.packaging.typecheck``."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("reasonedit_agent", "graphs", "tools", "policies")


def files() -> int:
    """Return how many Python files the packages have; the links inside reasonedit_agent are not counted twice."""
    return sum(1 for room in ROOMS for path in (ROOT / room).rglob("*.py") if not _behind_link(path))


def _behind_link(path: Path) -> bool:
    return any(parent.is_symlink() for parent in path.parents if parent != ROOT and ROOT in parent.parents)


def main() -> int:
    """Return the exit code."""
    result = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)
    print(result.stdout, result.stderr, end="")
    if result.returncode:
        return result.returncode
    found = re.search(r"in (\d+) source files", result.stdout)
    checked = int(found.group(1)) if found else 0
    if checked != files():
        print(f"mypy read {checked} files, the packages have {files()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
