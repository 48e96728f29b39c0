"""One vLLM server for the session.

Where its environment cannot be installed (its torch is not in reach), the tests that need it are skipped with that
reason; with ``REASONEDIT_REQUIRE_SERVERS=1``, which ``.ci/run`` sets, they fail instead.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reasonedit_agent.errors import UsageError
from reasonedit_agent.tracing import home
from tests.servers import running
from tests.servers.running import Running

SECONDS = 1800
"""The first test that needs the environment may have to build it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"vllm", "vllm_python"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.timeout(SECONDS), append=False)


@pytest.fixture(scope="session")
def vllm_python() -> Path:
    """The interpreter of the model server's environment."""
    try:
        return running.python()
    except UsageError as error:
        if os.environ.get("REASONEDIT_REQUIRE_SERVERS") == "1":
            pytest.fail(f"REASONEDIT_REQUIRE_SERVERS is set, but there is no vLLM: {error}", pytrace=False)
        pytest.skip(f"no vLLM here: {error}")


@pytest.fixture(scope="session")
def vllm(vllm_python: Path) -> Iterator[Running]:
    """A server that answers, the same for all tests. Its log is kept where a test ended it."""
    log = home() / "logs" / f"tests-{os.getpid()}.log"
    with running.tiny_server(log) as server:
        yield running.running(server)
        lived = server.alive
    if lived:
        log.unlink()


@pytest.fixture(autouse=True)
def the_server_lives(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test that ends the session's server is the one that fails, and those after it say at once why they cannot run."""
    if "vllm" not in request.fixturenames:
        yield
        return
    server = request.getfixturevalue("vllm").server
    for when in ("before", "in"):
        if not server.alive:
            pytest.fail(f"the vLLM server ended {when} this test: {server.reason()} (log: {server.log})", pytrace=False)
        if when == "before":
            yield
