"""Images in, images out: the safe reader, and the content-addressed stores.

The reader accepts one frame of PNG, JPEG, WebP, TIFF, BMP or GIF, applies EXIF orientation, converts ICC profiles and
CMYK to sRGB, reduces 16 bits to 8, and drops all metadata. Nothing is decoded before its size is checked.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reasonedit_agent.errors import ImageError, StoreError
from reasonedit_agent.schemas import ImageRef

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MAX_BYTES", "MAX_PIXELS", "FolderStore", "FsspecStore", "Ingested", "encode", "ingest", "open_store"]

MAX_BYTES = 64 * 2**20
"""Largest file that is read."""

MAX_PIXELS = 80_000_000
"""Largest picture that is decoded."""

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
_MEDIA: dict[str, Literal["image/png", "image/jpeg", "image/webp"]] = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
}


@dataclass(frozen=True)
class Ingested:
    """A source as it is stored.

    Attributes:
        data: Encoded bytes without metadata.
        media_type: Of ``data``.
        notes: What was changed on the way, for people.
    """

    data: bytes
    media_type: Literal["image/png", "image/jpeg", "image/webp"]
    notes: tuple[str, ...]


def ingest(source: str | os.PathLike[str] | bytes) -> Ingested:
    """Read an image safely and return it as clean bytes.

    Args:
        source: A file, or encoded bytes.

    Raises:
        ImageError: It cannot be read, is not allowed, or is too large; the message says what to do.
    """
    name = "the image" if isinstance(source, bytes) else str(source)
    raw = _read(source)
    image = _decode(raw, name)
    picture, notes = _to_srgb(image)
    # Pillow reads 16-bit RGB as 8 bits and says nothing: the depth stands in the PNG header.
    if raw[:8] == b"\x89PNG\r\n\x1a\n" and raw[24:25] == b"\x10":
        notes.append("16 bits per channel reduced to 8")
    data, media_type = encode(picture, _MEDIA.get(str(image.format), "image/png"))
    return Ingested(data, media_type, tuple(notes))


def _read(source: str | os.PathLike[str] | bytes) -> bytes:
    if isinstance(source, bytes):
        data = source
    else:
        path = Path(source)
        if not path.exists():
            raise ImageError(f"{path} does not exist.", hint="Give the path of an image file.")
        if path.is_dir():
            raise ImageError(f"{path} is a folder.", hint="Give the path of one image file.")
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise ImageError(f"The image file is larger than {MAX_BYTES // 2**20} MiB.", hint="Save it smaller.")
    return data


def _decode(data: bytes, name: str) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Pillow only warns between one and two times its own limit; ours is checked below, before decoding.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageError(
                    f"{name} has {width}x{height} pixels; at most {MAX_PIXELS // 10**6} megapixels are read.",
                    hint="Make it smaller first.",
                )
            if getattr(image, "n_frames", 1) > 1:
                raise ImageError(f"{name} is animated or has several pages.", hint="Save one frame as PNG first.")
            image.load()
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is not an image that can be read.", hint="Use PNG, JPEG, WebP, TIFF or BMP."
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} would decode to far too many pixels.", hint="Make it smaller first.") from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise ImageError(f"{name} is damaged or cut off ({error}).", hint="Get a complete copy of the file.") from error
    return image


def _to_srgb(image: Image) -> tuple[Image, list[str]]:
    from PIL import ImageOps

    notes: list[str] = []
    profile = image.info.get("icc_profile")
    transparent = "transparency" in image.info
    turned = ImageOps.exif_transpose(image)
    if turned.size != image.size or image.getexif().get(0x0112, 1) != 1:
        notes.append("turned upright as its EXIF data asks")
    image = turned
    if image.mode in ("I", "I;16", "I;16B", "I;16L", "F"):
        image = _reduce(image)
    if profile:
        image = _apply_profile(image, profile, notes)
    if image.mode == "CMYK":
        notes.append("converted from CMYK to sRGB")
    has_alpha = transparent or image.mode in ("RGBA", "LA", "PA", "La", "RGBa")
    image = image.convert("RGBA" if has_alpha else "RGB")
    if has_alpha and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    return image, notes


def _reduce(image: Image) -> Image:
    extrema: Any = image.getextrema()
    high = float(extrema[1])
    # A float TIFF may be 0..1; integers are 16 bits unless they reach further.
    scale = 255.0 if high <= 1.0 and image.mode == "F" else 255.0 / max(high, 65535.0)
    return image.convert("F").point(lambda value: value * scale + 0.0).convert("L")


def _apply_profile(image: Image, profile: bytes, notes: list[str]) -> Image:
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        base = image if image.mode in ("RGB", "RGBA", "CMYK", "L") else image.convert("RGBA")
        mode = "RGBA" if base.mode == "RGBA" else "RGB"
        if mode == "RGBA":
            alpha = base.getchannel("A")
            rgb = ImageCms.profileToProfile(
                base.convert("RGB"), source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if rgb is None:
                return image
            rgb.putalpha(alpha)
            converted: Image | None = rgb
        else:
            converted = ImageCms.profileToProfile(base, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        notes.append("its colour profile cannot be read and was ignored")
        return image
    notes.append("colours converted to sRGB")
    return converted if converted is not None else image


def encode(
    image: Image, like: Literal["image/png", "image/jpeg", "image/webp"]
) -> tuple[bytes, Literal["image/png", "image/jpeg", "image/webp"]]:
    """Encode a picture in the format ``like``, or as PNG where its alpha would be lost.

    Returns:
        The bytes (JPEG quality 95 without chroma subsampling, PNG, or WebP quality 95) and their media type.
    """
    media_type = "image/png" if like == "image/jpeg" and image.mode in ("RGBA", "LA") else like
    image = _bare(image)
    out = io.BytesIO()
    if media_type == "image/jpeg":
        image.save(out, "JPEG", quality=95, subsampling=0)
    elif media_type == "image/webp":
        image.save(out, "WEBP", quality=95, method=2)
    else:
        image.save(out, "PNG", compress_level=1)
    return out.getvalue(), media_type


def _bare(image: Image) -> Image:
    """Return the picture without its info (text, EXIF, profile), which Pillow would write again."""
    if not image.info:
        return image
    bare = image.copy()
    bare.info = {}
    return bare


class _Store:
    """What both stores share: everything but where the bytes lie."""

    def _write(self, sha256: str, data: bytes) -> None:
        raise StoreError("this store cannot be written")

    def _load(self, sha256: str) -> bytes:
        raise StoreError("this store cannot be read")

    def put(self, data: bytes) -> ImageRef:
        """Store an encoded PNG, JPEG or WebP and return its name."""
        from PIL import Image

        with Image.open(io.BytesIO(data), formats=tuple(_MEDIA)) as image:
            width, height = image.size
            media_type = _MEDIA[str(image.format)]
        ref = ImageRef(sha256=hashlib.sha256(data).hexdigest(), width=width, height=height, media_type=media_type)
        self._write(ref.sha256, data)
        return ref

    def get(self, ref: ImageRef) -> bytes:
        """Return the encoded bytes, checked against their name.

        Raises:
            StoreError: It is not there, or its hash is wrong.
        """
        data = self._load(ref.sha256)
        if hashlib.sha256(data).hexdigest() != ref.sha256:
            raise StoreError(f"Image {ref.sha256[:12]} in the store is damaged: its hash is wrong.")
        return data

    def path(self, ref: ImageRef) -> Path | None:
        """Return the local file, or None where there is none."""
        return None

    def open(self, ref: ImageRef) -> Image:
        """Return the decoded picture, 8 bits per channel."""
        from PIL import Image

        image = Image.open(io.BytesIO(self.get(ref)), formats=tuple(_MEDIA))
        image.load()
        return image

    def save(self, image: Image, like: ImageRef | None = None) -> ImageRef:
        """Encode a picture in the format of ``like`` (PNG without one, and where there is alpha) and store it."""
        data, _ = encode(image, like.media_type if like else "image/png")
        return self.put(data)


class FolderStore(_Store):
    """Images in a folder, as ``ab/cdef...`` by the hash of their bytes.

    Args:
        root: The folder; made when the first image is stored.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)

    def _file(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256

    def _write(self, sha256: str, data: bytes) -> None:
        target = self._file(sha256)
        if target.exists():
            return
        temporary = ""
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # A reader must never see half a file: write beside it, then rename.
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".part-")
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(temporary, target)
        except OSError as error:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
            raise StoreError(f"The image store {self.root} cannot be written: {error.strerror}.") from error

    def _load(self, sha256: str) -> bytes:
        try:
            return self._file(sha256).read_bytes()
        except OSError as error:
            raise StoreError(f"Image {sha256[:12]} is not in the store {self.root}.") from error

    def path(self, ref: ImageRef) -> Path | None:
        """Return the file of an image."""
        return self._file(ref.sha256)


class FsspecStore(_Store):
    """Images under any URL that fsspec knows (``s3://bucket/images``, ``memory://x``)."""

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url
        self._fs: Any
        self._fs, self._root = fsspec.core.url_to_fs(url)

    def _name(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"

    def _write(self, sha256: str, data: bytes) -> None:
        try:
            if not self._fs.exists(self._name(sha256)):
                self._fs.makedirs(f"{self._root}/{sha256[:2]}", exist_ok=True)
                self._fs.pipe_file(self._name(sha256), data)
        except OSError as error:
            raise StoreError(f"The image store {self.url} cannot be written: {error}.") from error

    def _load(self, sha256: str) -> bytes:
        try:
            return bytes(self._fs.cat_file(self._name(sha256)))
        except OSError as error:
            raise StoreError(f"Image {sha256[:12]} is not in the store {self.url}.") from error


def open_store(where: str | os.PathLike[str]) -> FolderStore | FsspecStore:
    """Return the store at a folder or at an fsspec URL."""
    text = os.fspath(where)
    return FsspecStore(text) if "://" in text else FolderStore(text)
