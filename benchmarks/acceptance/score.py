"""Scores edited photos against the acceptance set, with numpy and scikit-image alone.

    python -m benchmarks.acceptance.score --half tuning --results DIR

DIR holds `<case id>.png` (or .jpg) and `<case id>.json`, an object with a "status", for every case. It prints the share
of cases that pass, and before it for the tuning half, or with --show-failures, one line per case and each failed check.
Nothing of the library is imported, so any editor can be scored.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.acceptance.measures import measure
from benchmarks.acceptance.scene import Case, Scene, read

HERE = Path(__file__).resolve().parent
PHOTOS = HERE.parent.parent / "examples" / "photos"
HALVES = ("tuning", "frozen", "held_out")
OPEN_HALF = "tuning"  # the only one whose single cases are printed without being asked for
EDITED = ("accepted", "best_effort")
SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Check:
    """One expectation of a case with the number that was measured; it holds where low <= value <= high."""

    kind: str
    region: str
    value: float
    low: float
    high: float
    passed: bool


def load_cases(half: str) -> list[dict[str, Any]]:
    """The cases of one half, one of `HALVES`."""
    cases: list[dict[str, Any]] = json.loads((HERE / f"cases_{half}.json").read_text(encoding="utf-8"))
    return cases


def _check(kind: str, region: str, value: float, low: float, high: float) -> Check:
    return Check(kind, region, value, low, high, not math.isnan(value) and low <= value <= high)


def _yes(kind: str, answer: bool) -> Check:
    return _check(kind, "all", float(answer), 1.0, 1.0)


def score(case: Case, photo: Path, result_image: Path | None, status: str, photos_dir: Path) -> list[Check]:
    """Measure every expectation of a case; the case passes when all checks hold.

    Args:
        case: one entry of a cases file.
        photo: the case's photo.
        result_image: the edited image (PNG or JPEG), or None where there is none.
        status: how the run ended: "accepted", "best_effort", "unsupported", "failed", ...
        photos_dir: the folder of the photos that the case's "references" name.
    """
    expected = [want["value"] for want in case["expect"] if want["kind"] == "status"]
    if expected:
        return [_yes("status", status == expected[0])]
    checks = [_yes("edited", status in EDITED and result_image is not None)]
    if result_image is None:
        return checks
    scene = Scene(case, read(photo), read(result_image), photos_dir)
    for want in case["expect"]:
        checks.append(_check(want["kind"], want["region"], measure(scene, want), want["low"], want["high"]))
    return checks


def passes(checks: Sequence[Check]) -> bool:
    """Whether a case passes: all of its checks hold."""
    return all(check.passed for check in checks)


def score_folder(half: str, results: Path, photos: Path = PHOTOS) -> Iterator[tuple[dict[str, Any], list[Check]]]:
    """Score every case of a half from a folder; a missing file counts as a failed case, in the order of the file."""
    for case in load_cases(half):
        record = results / f"{case['id']}.json"
        status = json.loads(record.read_text(encoding="utf-8"))["status"] if record.is_file() else "missing"
        images = [path for suffix in SUFFIXES if (path := results / f"{case['id']}{suffix}").is_file()]
        yield case, score(case, photos / case["photo"], images[0] if images else None, status, photos)


def _print_case(case: Case, checks: Sequence[Check]) -> None:
    print(f"{'pass' if passes(checks) else 'FAIL'}  {case['id']:<28} {case['photo']:<20} {case['instruction']}")
    for check in checks:
        if not check.passed:
            print(f"      {check.kind} of {check.region}: {check.value:.3g}, not in {check.low:g} .. {check.high:g}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of one half; 0 when every case passes, 1 otherwise, 2 for bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.acceptance.score", description="Score edited photos.")
    parser.add_argument("--half", choices=HALVES, required=True)
    parser.add_argument("--results", type=Path, required=True, help="folder with <case id>.png and <case id>.json")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--show-failures", action="store_true", help="print the single cases of any half")
    chosen = parser.parse_args(arguments)
    if not chosen.results.is_dir():
        parser.error(f"no folder {chosen.results}: run the cases into it first")
    passed = total = 0
    for case, checks in score_folder(chosen.half, chosen.results, chosen.photos):
        total += 1
        passed += passes(checks)
        if chosen.show_failures or chosen.half == OPEN_HALF:
            _print_case(case, checks)
    print(f"{passed} of {total} cases pass ({passed / total:.1%})")
    return 0 if passed == total else 1


if __name__ == "__main__":
    sys.exit(main())
