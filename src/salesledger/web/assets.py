"""Files that pages need: styles, scripts, and Vega, all from this installation and nothing from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from salesledger.errors import NotFound

FOLDER = Path(__file__).parent / "static"
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
VEGA = "vega.js"

_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def content(name: str) -> tuple[bytes, bytes]:
    """A file's bytes, plain and packed; only of files that ship.

    Raises:
        NotFound: there is no such file.
    """
    if name == VEGA:
        plain = _vega()
    elif name in names():
        plain = (FOLDER / name).read_bytes()
    else:
        raise NotFound("There is no such file.")
    return plain, gzip.compress(plain, 6)


@cache
def names() -> frozenset[str]:
    """The files that ship."""
    return frozenset(file.name for file in FOLDER.iterdir() if file.suffix in KINDS)


@cache
def _vega() -> bytes:
    """Vega, Vega-Lite and what embeds them as one script, out of the package that draws charts for the command line too."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.encode()


@cache
def address(name: str) -> str:
    """Where a file is, under a name that changes with its content, so that a browser may keep it for ever."""
    if name == VEGA:
        return f"/static/{VEGA}?{version('vl-convert-python')}"
    return f"/static/{name}?{hashlib.sha256(content(name)[0]).hexdigest()[:12]}"


def routes() -> list[Route]:
    """Where the files are."""

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        plain, packed = await run_in_threadpool(content, name)
        headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
        kind = KINDS[Path(name).suffix]
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=kind)
        return Response(plain, headers=headers, media_type=kind)

    return [Route("/static/{name}", static)]
