"""What the tests of attacks share."""

import re
from pathlib import Path
from urllib.parse import quote

from salesledger import Ledger
from salesledger.web.pages import PAGES
from salesledger.web.roles import Token, digest_of, visitor_of
from web import hostile

SECRETS = {role: f"secret-of-the-{role}-0123456789" for role in ("reader", "recorder", "auditor")}
TOKENS = tuple(Token(digest_of(secret), visitor_of(role)) for role, secret in SECRETS.items())
LEAD = "/api/commands/lead/capture"


def bearer(role: str) -> dict[str, str]:
    """The header of whoever has the token of a role."""
    return {"Authorization": f"Bearer {SECRETS[role]}"}


def entries(path: Path) -> int:
    """How many entries a ledger has."""
    with Ledger.open(path) as ledger:
        return int(ledger.engine.head.last_entry)


def addresses() -> list[str]:
    """Every page, in every shape that it has."""
    told = {"{deal}": "acme", "{account}": "acme", "{words:path}": "deal/win"}
    plain = [re.sub(r"\{[^}]*\}", lambda found: told[found[0]], page.path) for page in PAGES]
    return [
        *plain,
        *(f"/deals/{deal}" for deal in ("beta", "gamma", "delta", "zeta", "open")),
        "/deals?view=table", "/log?before=30", "/checks?run=yes", "/?since=2026-01-01", "/?known_since=2026-01-05",
        "/?as_of=2026-03-18&known_at=2026-07-11", "/deals?view=board&as_of=2026-03-18", "/query?sql=SELECT+*+FROM+deals",
        "/query?sql=SELECT+*+FROM+persons", "/query?sql=SELECT+company,+count(*)+AS+n+FROM+deals+GROUP+BY+company",
        "/query?sql=SELECT+1+AS+%22" + quote(hostile.ATTACK.replace('"', "")) + "%22",
    ]  # fmt: skip
