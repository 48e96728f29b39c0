"""ONNX sessions: loaded on first use, once per process, with two threads."""

from __future__ import annotations

import threading
from pathlib import Path

import onnxruntime as ort

from reasonedit_agent.errors import BackendError

__all__ = ["THREADS", "onnx_session"]

THREADS = 2

_lock = threading.Lock()
_sessions: dict[Path, ort.InferenceSession] = {}


def onnx_session(path: Path, arena: bool = False) -> ort.InferenceSession:
    """Return the session of a model file; every caller in the process gets the same one, and may run it at once.

    Args:
        path: The model file.
        arena: Keep the memory of a call for the next one: faster where all calls have one shape, a hoard where not.

    Raises:
        BackendError: The runtime cannot load the file.
    """
    with _lock:
        session = _sessions.get(path)
        if session is None:
            options = ort.SessionOptions()
            options.intra_op_num_threads = THREADS
            options.inter_op_num_threads = 1
            options.log_severity_level = 3
            options.enable_cpu_mem_arena = arena
            options.enable_mem_pattern = False  # one block for all activations: 200 MB more for U2-Net, and no faster
            try:
                session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            except Exception as error:  # the runtime's exceptions share no base class
                reason = str(error).strip().splitlines()[0]
                raise BackendError(f"The model {path.name} could not be loaded: {reason}") from error
            _sessions[path] = session
        return session
