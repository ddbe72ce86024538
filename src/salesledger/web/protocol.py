"""HTTP as uvicorn speaks it, but for what it answers by itself: that has the headers of every other response."""

from __future__ import annotations

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from salesledger.web.guard import HEADERS


class Protocol(H11Protocol):
    """A connection."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, and close the connection."""
        told = HEADERS | {
            "Content-Type": "text/plain; charset=utf-8",
            "Cache-Control": "no-store",
            "Connection": "close",
        }
        headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in told.items()]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=msg.encode("ascii")),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
