"""The URL of a ledger on a PostgreSQL server: which database, which schema, and what of it may be shown."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Self
from urllib.parse import parse_qsl, quote, urlencode

from salesledger.errors import UsageError

DEFAULT_SCHEMA = "salesledger"
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,50}")
_SECRET = ("password", "sslpassword")


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
        address, _, query = text.partition("?")
        scheme, _, rest = address.partition("://")
        login, at, place = rest.rpartition("@")
        told = parse_qsl(query, keep_blank_values=True)
        schemas = [value for name, value in told if name == "schema"] or [DEFAULT_SCHEMA]
        schema = schemas[-1]
        if len(schemas) > 1 or not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
            raise UsageError(
                f"{schema!r} can't be the schema of a ledger. Write ?schema=NAME: small letters, digits and _, at most 51, "
                "not beginning with pg_."
            )
        given = [(name, value) for name, value in told if name != "schema"]
        open_ones = [(name, value) for name, value in given if name not in _SECRET]
        named = [] if schema == DEFAULT_SCHEMA else [("schema", schema)]
        user = f"{login.partition(':')[0]}@" if at else ""
        place_only = [(name, value) for name, value in open_ones if name in ("host", "port", "dbname", "hostaddr")]
        digest = sha256(repr((place, place_only, schema)).encode()).hexdigest()[:8]
        database = re.sub(r"[^a-z0-9]+", "-", place.rpartition("/")[2].casefold()).strip("-") or "database"
        return cls(
            _joined(f"{scheme}://{rest}", given),
            schema,
            _joined(f"{scheme}://{user}{place}", [*open_ones, *named]),
            f"{database}-{schema}-{digest}",
        )


def _joined(address: str, query: list[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(query, quote_via=quote, safe='/')}" if query else address
