"""The URL of a ledger on a PostgreSQL server: which database, which schema, and what of it may be shown."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from typing import Self
from urllib.parse import parse_qsl, quote, urlencode

from salesledger.errors import UsageError

DEFAULT_SCHEMA = "salesledger"
_OWN = "A ledger needs a schema of its own, and in 'public' any program makes its tables."
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,50}")
_PLACE = ("host", "port", "dbname", "hostaddr")
_SHOWN = (*_PLACE, "user", "sslmode", "sslrootcert", "options", "connect_timeout", "target_session_attrs", "service")
"""The parameters that messages repeat: none that is a secret, nor what may be the rest of one that was cut in two."""

_ALIASES = ("ssl",)
"""Parameters of other drivers that PostgreSQL's library takes in a URL as well."""

_WORD = re.compile(r"[A-Za-z_]{1,30}")
_SECRET = re.compile(r"pass|secret|key")

_HOST = r"(?:\[[^\[\]@]*\]|[^\[\]:,@]*)(?::\d*)?"
_HOSTS = re.compile(rf"{_HOST}(?:,{_HOST})*(?:/[^@]*)?")
"""Hosts with their ports, and the database: an '@' among these, or a port that is no number, belongs to a password."""


@dataclass(frozen=True)
class PostgresUrl:
    """A URL, taken apart.

    Attributes:
        conninfo: what PostgreSQL's library is given, without the schema, with a password where there is one.
        schema: the schema that holds the ledger.
        shown: the URL for messages, without a password.
        name: a file's name that stands for the database and the schema, whoever logs in.
    """

    conninfo: str
    schema: str
    shown: str
    name: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Take a URL apart.

        Raises:
            UsageError: no ledger can be there.
        """
        if "\x00" in text:
            raise UsageError("The ledger's URL holds a NUL byte.")
        scheme, login, place, query = _parts(text)
        told = parse_qsl(query, keep_blank_values=True)
        schema = _schema([value for name, value in told if name == "schema"])
        given = [(name, value) for name, value in told if name != "schema"]
        open_ones = [(name, value) for name, value in given if name in _SHOWN]
        named = [] if schema == DEFAULT_SCHEMA else [("schema", schema)]
        user = f"{login[:-1].partition(':')[0]}@" if login else ""
        place_only = [(name, value) for name, value in open_ones if name in _PLACE]
        digest = sha256(repr((place, place_only, schema)).encode()).hexdigest()[:8]
        database = re.sub(r"[^a-z0-9]+", "-", place.rpartition("/")[2].casefold()).strip("-") or "database"
        return cls(
            _joined(f"{scheme}://{login}{place}", given),
            schema,
            _joined(f"{scheme}://{user}{place}", [*open_ones, *named]),
            f"{database}-{schema}-{digest}",
        )


def _schema(named: list[str]) -> str:
    """The schema that a URL's parameters name.

    Raises:
        UsageError: no ledger can be in it, or there are several.
    """
    if len(named) > 1:
        raise UsageError(
            f"The ledger's URL names {len(named)} schemas: {', '.join(map(repr, named))}. A ledger is in one: leave all but one "
            "?schema=NAME out."
        )
    schema = named[0] if named else DEFAULT_SCHEMA
    if not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
        raise UsageError(
            f"{schema!r} can't be the schema of a ledger. Write ?schema=NAME: small letters, digits and _, at most 51, "
            "not beginning with pg_."
        )
    if schema == "information_schema":
        raise UsageError(f"{schema!r} can't be the schema of a ledger: it is the server's own. Write ?schema=NAME.")
    return schema


def own_schema(schema: str) -> str | None:
    """What to do where a ledger would be in the schema that all programs share; None for any other."""
    return f"{_OWN} Name another with ?schema=NAME." if schema == "public" else None


def _parts(text: str) -> tuple[str, str, str, str]:
    """A URL's scheme, its login with the '@' behind it, its hosts and database, its parameters; cut where PostgreSQL cuts.

    Raises:
        UsageError: a password in it isn't written as a URL has it, so that the rest of it would be taken for something else.
    """
    scheme, _, rest = text.partition("://")
    found = re.match(r"[^@/]*@", rest)
    login = found[0] if found else ""
    place, _, query = rest.removeprefix(login).partition("?")
    is_cut = not login and ":" in place and "@" in query
    if is_cut or "?" in login.partition(":")[0] or not _HOSTS.fullmatch(place):
        raise UsageError(
            f"What follows {scheme}:// can't be read as a PostgreSQL URL, and isn't repeated, as there may be a password in it. "
            "Write USER@HOST:PORT/DATABASE, with %40 for an @ in a name or a password, %2F for a /, %3A for a : and %3F for a ?; "
            "the password is better kept in ~/.pgpass."
        )
    return scheme, login, place, query


def unknown_parameter(conninfo: str, known: Collection[str]) -> str:
    """What is wrong with a URL in whose parameters there is one that nobody knows; nothing where there is none.

    Args:
        conninfo: the URL, without the schema.
        known: the parameters that PostgreSQL's library has.
    """
    names = [name for name, _ in parse_qsl(_parts(conninfo)[3], keep_blank_values=True)]
    unknown = next((name for name in names if name not in (*known, *_ALIASES)), None)
    if unknown is None:
        return ""
    if not _WORD.fullmatch(unknown) or any(_SECRET.search(name) for name in names if name != unknown):
        return ": one of its parameters isn't known, which isn't repeated, as it may be part of a password"
    close = get_close_matches(unknown, ["schema", *known], n=1)
    return f": its parameter {unknown!r} isn't known" + (f" (did you mean {close[0]!r}?)" if close else "")


def _joined(address: str, query: list[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(query, quote_via=quote, safe='/')}" if query else address
