"""Runs the server until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import FrameType

import uvicorn

from salesledger.web.app import make_app
from salesledger.web.commands import Commands
from salesledger.web.protocol import Protocol
from salesledger.web.settings import Settings


class _LeftAlone(logging.Filter):
    """Says nothing of requests that are cut off because the server is stopped."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a message is worth showing."""
        return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _Server(uvicorn.Server):
    """A server that lets pages go that wait for new entries, when it is stopped."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop."""
        self.config.app.state.stop()  # type: ignore[union-attr]
        super().handle_exit(sig, frame)


def serve(settings: Settings, commands: Commands, ready: Callable[[str], None]) -> None:
    """Serve until somebody stops it.

    Args:
        settings: what it is started with.
        commands: the command line, as far as it is handed down.
        ready: told the address once it answers.

    Raises:
        UsageError: others could reach it without a token.
        OSError: the address is taken, or isn't this machine's.
    """
    config = config_of(settings, commands)
    socket = config.bind_socket()
    socket.listen(100)  # whoever comes before the server runs waits
    logging.getLogger("uvicorn.error").addFilter(_LeftAlone())
    server = _Server(config)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    ready(f"http://{shown}:{socket.getsockname()[1]}/")
    server.run(sockets=[socket])


def config_of(settings: Settings, commands: Commands) -> uvicorn.Config:
    """How it is served: nothing that a proxy adds is believed, and headers are bounded whatever else is installed.

    Raises:
        UsageError: others could reach it without a token.
    """
    return uvicorn.Config(
        make_app(settings, commands),
        host=settings.host,
        port=settings.port,
        http=Protocol,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=32 * 1024,
        timeout_graceful_shutdown=3,
        ws="none",
    )
