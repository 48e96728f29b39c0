"""The server: on this machine alone, with a cookie per browser, and a policy that lets nothing in from outside."""

from __future__ import annotations

import atexit
import io
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reasonedit_agent.errors import ReasonEditError, StoreError, UsageError
from reasonedit_agent.images import open_store
from reasonedit_agent.schemas import ImageRef
from reasonedit_agent.tracing import IMAGES
from reasonedit_agent.viewer.pictures import thumbnail
from reasonedit_agent.viewer.studio.desk import Desk
from reasonedit_agent.viewer.studio.workshop import Workshop

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["COOKIE", "application", "serve"]

COOKIE = "reasonedit"
HOST = "127.0.0.1"
_NAMES = {HOST, "localhost", "[::1]"}
"""What a page of ours can be asked for as; another name in the Host header is another site's attempt to read it."""

_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
        # Gradio's own page runs inline scripts and makes functions from texts; nothing of a run is among them.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'; worker-src 'self' blob:; "
        "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}
_SUFFIX = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_LARGEST = 1600
_GONE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 100" width="160" height="100">'
    '<rect width="160" height="100" fill="#dde2e8"/><text x="80" y="55" text-anchor="middle" '
    'font-family="sans-serif" font-size="16" fill="#374151">missing</text></svg>'
)
"""Shown where a picture cannot be had: a browser draws it, whatever the status."""


class _Guard:
    """Checks who asks, hands out the cookie, and adds the headers."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if host.rpartition(":")[0] not in _NAMES and host not in _NAMES:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"This page is for this machine."})
            return
        # Only the page itself hands out a cookie, or each of its parts would have its own.
        fresh = scope["path"] == "/" and session_of(headers.get(b"cookie", b"").decode("latin-1")) is None

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                more = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                if fresh:
                    # Not Strict: it would be missing from a link of another site, and a new one would take its place.
                    cookie = f"{COOKIE}={secrets.token_urlsafe(24)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"
                    more.append((b"set-cookie", cookie.encode()))
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self.app(scope, receive, told)


def session_of(cookies: str) -> str | None:
    """Return the browser's secret from a Cookie header."""
    found = SimpleCookie(cookies).get(COOKIE)
    return found.value if found and len(found.value) >= 32 else None


def application(desk: Desk) -> FastAPI:
    """Return the web application: the page, and the pictures that its browser may see."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    if "GRADIO_TEMP_DIR" not in os.environ:
        os.environ["GRADIO_TEMP_DIR"] = folder = tempfile.mkdtemp(prefix="reasonedit-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    import gradio
    from fastapi import FastAPI, Request, Response

    from reasonedit_agent.viewer.studio.look import CSS, HEAD, theme
    from reasonedit_agent.viewer.studio.page import Page

    app = FastAPI(openapi_url=None)

    def picture(request: Request, run: str, sha256: str, side: int = 0, name: str = "") -> Response:
        session = session_of(request.headers.get("cookie", "")) or ""
        try:
            ref = desk.picture(session, run, sha256)
            data, kind = _sized(desk, ref, min(side, _LARGEST))
        except ReasonEditError:
            return Response(_GONE, status_code=404, media_type="image/svg+xml")
        headers = {"cache-control": "private, max-age=31536000, immutable"}
        if name:
            file = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80] + "." + _SUFFIX[kind]
            headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(file)}"  # RFC 8187
        return Response(data, media_type=kind, headers=headers)

    # Postponed annotations cannot be read in a function; FastAPI is told what `Request` is.
    picture.__annotations__["request"] = Request
    app.add_api_route("/picture/{run}/{sha256}", picture, response_model=None)
    page = Page(desk, lambda request: session_of(request.headers.get("cookie", "")))
    gradio.mount_gradio_app(
        app,
        page.blocks,
        path="/",
        ssr_mode=False,
        theme=theme(),
        css=CSS,
        head=HEAD,
        max_file_size="64mb",
        footer_links=[],
        enable_monitoring=False,
        show_error=True,
    )
    app.add_middleware(_Guard)
    return app


def _sized(desk: Desk, ref: ImageRef, side: int) -> tuple[bytes, str]:
    """Return a picture as it is stored, or a smaller copy of it."""
    store = open_store(desk.runs / IMAGES)
    if not side or max(ref.size) <= side:
        return store.get(ref), ref.media_type
    small = thumbnail(store, ref, side)
    if small is None:
        raise StoreError(f"The picture {ref.sha256[:12]} is missing or damaged.")
    out = io.BytesIO()
    if small.mode == "RGBA":
        small.save(out, "WEBP", quality=85, method=0)
        return out.getvalue(), "image/webp"
    # A tenth of what WebP takes, and it is taken from the edit that is watched.
    small.save(out, "JPEG", quality=88)
    return out.getvalue(), "image/jpeg"


def serve(workshop: Workshop, port: int, tell: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    Args:
        workshop: What the command line hands over.
        port: Of 127.0.0.1; 0 takes a free one.
        tell: Told the address once the page can be opened.

    Raises:
        UsageError: The port is taken.
    """
    import uvicorn

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        raise UsageError(f"Port {port} cannot be had: {error.strerror}.", hint="Choose another with --port.") from error
    desk = Desk(workshop)
    address = f"http://{HOST}:{listener.getsockname()[1]}/"

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            tell(address)

    config = uvicorn.Config(application(desk), log_level="warning", timeout_graceful_shutdown=2)
    try:
        Server(config).run(sockets=[listener])
    finally:
        desk.close()
