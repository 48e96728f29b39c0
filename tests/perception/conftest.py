import pytest

from reasonedit_agent.weights import MANIFEST, missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked ``weights`` are skipped, visibly, where the files are not there."""
    lacking = missing()
    if not lacking:
        return
    skip = pytest.mark.skip(reason=f"{len(lacking)} of {len(MANIFEST)} weight files: run `reasonedit fetch embedded`")
    for item in items:
        if any("weights" in marker.args for marker in item.iter_markers("usefixtures")):
            item.add_marker(skip)


@pytest.fixture
def weights() -> None:
    """Named by tests that run the models."""
