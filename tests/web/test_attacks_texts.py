"""What texts of the ledger and of addresses try on whoever looks at a page. docs/trust.md has the table of these tests."""

import json
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from salesledger.cli.served import Served
from salesledger.web.app import make_app
from salesledger.web.pages import PAGES
from salesledger.web.settings import Settings
from web import hostile
from web.attacks import addresses


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which every text is an attack."""
    return hostile.make(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def seen(attacked: Path) -> Iterator[TestClient]:
    """Somebody with every right who looks at it."""
    app = make_app(Settings(attacked, clerks=1), Served(str(attacked), "2026-07-13"))
    with TestClient(app, base_url="http://127.0.0.1:5180", follow_redirects=False) as client:
        yield client


class Markup(HTMLParser):
    """The elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))


def unseen(text: str) -> str:
    """The characters of a text that do something without being seen."""
    return "".join(
        sorted({c for c in text if not c.isprintable() and c not in "\r\n" and unicodedata.category(c) != "Zs"})
    )


def check_inert(page: str) -> None:
    """Hold a page against what nothing in the ledger may add to it."""
    assert unseen(page) == ""
    for tag, attributes in Markup(page).elements:
        assert tag not in ("img", "svg", "iframe", "object", "embed", "style", "base"), tag
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc")], (
            tag,
            attributes,
        )
        for name in ("href", "src", "action", "formaction"):
            assert re.match(r"(/(?![/\\])|#|$)", attributes.get(name, "")), (tag, attributes)
        if tag == "script":
            assert attributes["src"].startswith("/static/")
        if "data-spec" in attributes:
            assert unseen("".join(texts_of(json.loads(attributes["data-spec"])))) == ""
    assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)", page)


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from texts_of(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_of(part)


def test_every_text_is_an_attack(attacked: Path) -> None:
    """The ledger that the pages are tried on holds one in each field of each event that is a free text."""
    assert hostile.text_fields() - hostile.COMPUTED <= hostile.attacking_fields(attacked)


@pytest.mark.parametrize("address", addresses())
def test_text_of_the_ledger_stays_text(seen: TestClient, address: str) -> None:
    """On every page: no element, no attribute and no address comes of it, and no character is at work that isn't seen."""
    answer = seen.get(address)
    assert answer.status_code == 200, answer.text
    check_inert(answer.text)


def test_attacks_are_shown(seen: TestClient) -> None:
    """What was recorded is there to be read, on the pages that show it."""
    for address in ("/deals", "/deals/acme", "/accounts", "/accounts/acme", "/log", "/query?sql=SELECT+*+FROM+persons"):
        assert "&lt;script&gt;pwned()" in seen.get(address).text, address


def test_text_of_the_ledger_stays_text_in_the_api(seen: TestClient) -> None:
    """What a projection says is JSON, which no browser takes for anything else; so is what a command answers."""
    asked = [
        f"/api/projections/{name}"
        for name in (
            "events",
            "deals",
            "accounts",
            "persons",
            "contacts",
            "cases",
            "leads",
            "pain_points",
            "losses",
            "subscriptions",
            "deal_history",
        )
    ]
    asked += ["/api/commands/log", "/api/commands/history?deal=acme", "/api/commands/account/show?account=acme",
              "/api/commands/person/list", "/api/commands/process/show?name=odd", "/api/commands/prove?entry=9"]  # fmt: skip
    shown = ""
    for address in asked:
        answer = seen.get(address)
        assert answer.status_code == 200, (address, answer.text)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert unseen(answer.text.replace("\u0600", "")) == "", address
        shown += answer.text
    assert "<script>pwned()" in shown


@pytest.mark.parametrize(
    "address", [*addresses()[: len(PAGES)], f"/deals/{quote(hostile.MARK, safe='')}", f"/{quote(hostile.MARK)}"]
)
def test_text_of_the_address_stays_text(seen: TestClient, address: str) -> None:
    """Whatever a link brings along, on every page and in every message."""
    own = {"/": ["period", "interval", "by", "as_of", "known_at", "since", "known_since", "upto"], "/query": ["sql"],
           "/log": ["before"], "/deals": ["view"], "/checks": ["run"], "/record/deal/win": ["deal", "on"]}  # fmt: skip
    for name in ["filter", "other", *own.get(address, [])]:
        answer = seen.get(address, params={name: hostile.ATTACK[:480]})
        assert answer.status_code in (200, 400, 404), answer.text
        check_inert(answer.text)
