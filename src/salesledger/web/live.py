"""New entries, told to the pages that are open as they are recorded, by whomever (server-sent events)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from salesledger.errors import SalesledgerError
from salesledger.ledger.format import read_head
from salesledger.ledger.place import connect_to_read
from salesledger.web.guard import Denied

if TYPE_CHECKING:
    from salesledger.ledger.place import Where
    from salesledger.web.app import Server

SECONDS = 0.5
"""Between two looks at the log."""

HEARTBEAT_SECONDS = 15.0
MOST_LISTENERS = 100


class Watch:
    """Looks at the log's end, once for all who wait.

    Args:
        path: where the ledger is.
    """

    def __init__(self, path: Where) -> None:
        self._path = path
        self._listeners: set[asyncio.Queue[int]] = set()
        self.is_over = False

    def stop(self) -> None:
        """Let all who listen go, so that the server can end."""
        self.is_over = True
        for queue in self._listeners:
            queue.put_nowait(0)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look as long as the server runs."""
        task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            self.is_over = True
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Queue[int]]:
        """Be told the log's last entry whenever there is another.

        Raises:
            Denied: too many listen already.
        """
        self.check_room()
        queue: asyncio.Queue[int] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def check_room(self) -> None:
        """Refuse one more who listens where there are many.

        Raises:
            Denied: too many listen already.
        """
        if len(self._listeners) >= MOST_LISTENERS:
            raise Denied(429, "Too many pages wait for new entries already.")

    async def _look(self) -> None:
        seen = await asyncio.to_thread(self._last)
        while True:
            await asyncio.sleep(SECONDS)
            if not self._listeners:
                continue
            last = await asyncio.to_thread(self._last)
            if last is not None and last != seen:
                seen = last
                for queue in self._listeners:
                    queue.put_nowait(last)

    def _last(self) -> int | None:
        """The last entry; None where the ledger can't be read just now."""
        try:
            log = connect_to_read(self._path)
            try:
                return read_head(log, self._path).last_entry
            finally:
                log.close()
        except (SalesledgerError, OSError):
            return None


def routes(server: Server) -> list[Route]:
    """Where pages listen."""

    async def listen(_request: Request) -> Response:
        server.watch.check_room()

        async def told() -> AsyncIterator[str]:
            async with server.watch.listening() as queue:
                yield "retry: 3000\n\n"
                while not server.watch.is_over:
                    try:
                        last = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
                    except TimeoutError:
                        yield ": still here\n\n"
                    else:
                        if server.watch.is_over:
                            break
                        yield f"event: entries\ndata: {json.dumps({'last': last})}\n\n"

        return StreamingResponse(told(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return [Route("/live", listen)]
