from pathlib import Path

import pytest

from reasonedit_agent.weights import MANIFEST, missing
from tests.tools.bench import Studio
from tests.tools.bench import studio as make


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that use ``weights`` are skipped, visibly, where the files are not there."""
    wanting = [item for item in items if "weights" in getattr(item, "fixturenames", ())]
    if wanting and (lacking := missing()):
        skip = pytest.mark.skip(reason=f"{len(lacking)} of {len(MANIFEST)} weights: run `reasonedit fetch embedded`")
        for item in wanting:
            item.add_marker(skip)


@pytest.fixture
def weights() -> None:
    """Named by tests that need files of the embedded default."""


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return make(tmp_path / "images")
