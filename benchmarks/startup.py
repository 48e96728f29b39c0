"""What starting costs: ``python -m benchmarks.startup``."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.tables import table


def seconds(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main(repeats: int = 15) -> None:
    script = str(Path(sys.executable).with_name("reasonedit"))
    commands = {
        "bare interpreter": (sys.executable, "-c", "pass"),
        "import reasonedit_agent": (sys.executable, "-c", "import reasonedit_agent"),
        "from reasonedit_agent import EditAgent": (sys.executable, "-c", "from reasonedit_agent import EditAgent"),
        "reasonedit --help": (script, "--help"),
    }
    # Interleaved, so that a busy moment of the machine hits all of them.
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            times[name].append(seconds(*command))
    bare = statistics.median(times["bare interpreter"])
    rows = [
        [name, f"{statistics.median(found):.3f}", f"{statistics.median(found) - bare:.3f}"]
        for name, found in times.items()
    ]
    table(
        f"Start, median of {repeats} (aim: import at most 0.25 s over bare, --help at most 0.6 s)",
        ["", "s", "s over bare"],
        rows,
    )


if __name__ == "__main__":
    main()
