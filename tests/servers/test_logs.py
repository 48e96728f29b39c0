"""Which line of a log says why."""

import pytest

from reasonedit_agent.serving.logs import cause, last_lines

SCRIPT = """Traceback (most recent call last):
  File "<string>", line 1, in <module>
ValueError: no such architecture
"""
WORKER = """(APIServer pid=1) WARNING 11-24 10:33:35 [system_utils.py:255] errors like `OSError: [Errno 24] Too many open files`
(Worker pid=2) ERROR 11-24 10:33:47 [multiproc_executor.py:953] Traceback (most recent call last):
(Worker pid=2) ERROR 11-24 10:33:47 [multiproc_executor.py:953] safetensors.SafetensorError: Error while reading: cut off
(EngineCore pid=3) Exception: WorkerProc initialization failed due to an exception in a background process.
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
"""
CHECKED = """pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig
  Value error, The checkpoint has model type `nothing`. [type=value_error]
    For further information visit https://errors.pydantic.dev/2.14/v/value_error
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (SCRIPT, "ValueError: no such architecture"),
        (WORKER, "safetensors.SafetensorError: Error while reading: cut off"),
        (CHECKED, "Value error, The checkpoint has model type `nothing`. [type=value_error]"),
        ("all is well\n", ""),
        ("", ""),
    ],
    ids=["a script", "a worker", "a check", "no error", "nothing"],
)
def test_the_cause(log: str, expected: str) -> None:
    assert cause(log) == expected


def test_the_last_lines() -> None:
    assert last_lines("a\n\nb\n \nc\n", 2) == "b\nc"
