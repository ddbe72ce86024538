"""What every picture needs: Altair, which is only there with the extra 'charts', and a file in one of its formats."""

import json
from io import BytesIO, StringIO
from typing import Any

from salesledger.errors import UsageError


class _Inert(json.JSONEncoder):
    """JSON in which no text of the ledger's can end the script that holds it."""

    def encode(self, o: Any) -> str:
        """The JSON."""
        return super().encode(o).replace("<", r"\u003c")


def load_altair(instead: str) -> Any:
    """The library that draws.

    Args:
        instead: what the command does without a picture, as a sentence.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import altair
        import vl_convert  # noqa: F401 - what Altair draws with
    except ImportError as e:
        raise UsageError(
            f"A picture needs the extra 'charts', and {e.name!r} isn't installed: pip install 'salesledger[charts]'. {instead}"
        ) from e
    return altair


def titled(altair: Any, picture: Any, title: str) -> Any:
    """A picture with a line above it."""
    return picture.properties(title=altair.Title(title, fontSize=15, anchor="start", offset=12))


def drawn(picture: Any, file: str) -> bytes:
    """A picture as the bytes of a file, whose ending tells the format: .svg, .html (which needs no network), else PNG."""
    ending = file.lower()
    if ending.endswith(".html"):
        return str(picture.to_html(inline=True, json_kwds={"cls": _Inert})).encode("utf-8")
    if ending.endswith(".svg"):
        text = StringIO()
        picture.save(text, format="svg")
        return text.getvalue().encode("utf-8")
    content = BytesIO()
    picture.save(content, format="png", scale_factor=2)
    return content.getvalue()
