"""Wrong options of ``reasonedit edit``: one line that says what to do, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasonedit_agent.cli.regions import parse_region
from reasonedit_agent.errors import UsageError
from tests.cli.test_cli import cli


@pytest.mark.parametrize("text", ["10,10,5", "", " ", "5,5", "1,1 2,2", "10,,5", "1,2,3,inf", "nan,1,2,3"])
def test_a_region_that_is_none_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        parse_region(text, tmp_path / "photo.png", tmp_path)
    said = str(caught.value)
    assert "left,top,right,bottom" in said
    assert "\n" not in said and "pydantic" not in said and "Tuple" not in said


def test_a_polygon_of_many_points_is_longer_than_a_file_name_can_be(tmp_path: Path) -> None:
    points = [(number, number * number % 997) for number in range(2000)]
    found = parse_region(" ".join(f"{x},{y}" for x, y in points), tmp_path / "photo.png", tmp_path)
    assert found.kind == "polygon" and len(found.points) == 2000


@pytest.mark.parametrize("policy", ["", " "])
def test_an_empty_policy_is_not_taken_for_the_usual_one(policy: str, tmp_path: Path) -> None:
    run = cli("edit", tmp_path / "photo.png", "blur it", "--out", tmp_path, "--policy", policy)
    assert run.returncode == 2
    assert "--policy is empty" in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
