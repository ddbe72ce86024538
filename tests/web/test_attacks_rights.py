"""What visitors try who may not. docs/trust.md has the table of these tests."""

from pathlib import Path
from typing import Any

import pytest

from salesledger import Ledger
from salesledger.readmodel.catalogue import in_order
from salesledger.web.pages import PAGES
from salesledger.web.roles import Token, Visitor, digest_of, visitor_of
from web.attacks import LEAD, SECRETS, TOKENS, addresses, bearer, entries
from web.conftest import Serving


@pytest.mark.parametrize(
    "query",
    ["?token={}", "?access_token={}", "?TOKEN=x", "?api_key=x", "?a=b&auth=x", "?filter={}", "?{}", "?{}=1", "/{}"],
)
def test_token_in_an_address_is_refused(serve: Serving, query: str) -> None:
    """It would stay in histories and logs: even a right one, and whatever it is called."""
    with serve(tokens=TOKENS) as client:
        for headers in ({}, bearer("reader")):
            for address in ("/deals", "/api/projections/deals", "/login"):
                answer = client.get(address + query.format(SECRETS["reader"]), headers=headers)
                assert answer.status_code == 400
                assert "never belongs in an address" in answer.text
                assert SECRETS["reader"] not in answer.text


def test_without_a_token_there_is_nothing(serve: Serving) -> None:
    """The API says so, pages lead to the log-in, and that shows nothing of the ledger."""
    with serve(tokens=TOKENS) as client:
        for address in ("/api/projections/deals", "/api/openapi.json", "/api/nothing", "/live"):
            assert client.get(address).status_code == 401
        for address in [
            *addresses()[: len(PAGES)],
            "//api/projections/deals",
            "/API/projections",
            "/static",
            "/deals/",
        ]:
            answer = client.get(f"http://127.0.0.1:5180{address}")
            assert (answer.status_code, answer.headers.get("location")) == (303, "/login"), address
        assert client.post(LEAD, json={"company": "Forged"}).status_code == 401
        page = client.get("/login").text
        assert "sales.ledger" not in page
        assert "acme" not in page.lower()
        for wrong in ("Bearer ", "Bearer nonsense", f"Basic {SECRETS['reader']}", f"Bearer {SECRETS['reader']}x"):
            assert client.get("/api/projections", headers={"Authorization": wrong}).status_code == 401


def test_tokens_cannot_be_guessed_at_length(serve: Serving) -> None:
    """After ten wrong ones within a minute further ones are told to wait, wherever they are given; nobody is locked out by that."""
    with serve(tokens=TOKENS) as client:
        statuses = [client.post("/login", content=f"token=guess{n}").status_code for n in range(12)]
        assert statuses == [403] * 10 + [429] * 2
        assert client.get("/api/projections", headers={"Authorization": "Bearer guess"}).status_code == 429
        assert client.get("/api/projections", headers=bearer("reader")).status_code == 200
        assert client.post("/login", content=f"token={SECRETS['reader']}").status_code == 303


def test_cookie_is_no_use_elsewhere(serve: Serving) -> None:
    """It can't be read by scripts, isn't sent along by other sites, isn't the token, and ends with the log-out."""
    with serve(tokens=TOKENS) as client:
        answer = client.post("/login", content=f"token={SECRETS['reader']}")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert SECRETS["reader"] not in cookie
        kept = cookie.partition("=")[2].partition(";")[0]
        assert client.get("/", headers={"Cookie": f"salesledger={kept}"}).status_code == 200
        assert client.post("/logout", headers={"Cookie": f"salesledger={kept}"}).status_code == 303
        client.cookies.clear()
        assert client.get("/", headers={"Cookie": f"salesledger={kept}"}).status_code == 303


@pytest.mark.parametrize("role", ["reader", "auditor"])
def test_who_only_reads_records_nothing(serve: Serving, path: Path, role: str) -> None:
    """By no command, no option, no method and no page."""
    before = entries(path)
    with serve(tokens=TOKENS) as client:
        told = client.get("/api/openapi.json", headers=bearer(role)).json()["paths"]
        recording = [address for address, operations in told.items() if set(operations) == {"post"}]
        assert len(recording) > 40
        for address in recording:
            answer = client.post(address, json={"deal": "delta", "company": "X", "dry_run": True}, headers=bearer(role))
            assert (answer.status_code, "may not do that" in answer.text) == (403, True), address
            assert client.get(address, headers=bearer(role)).status_code == 405
        for issue in (True, "true", "yes", "false"):
            answer = client.post(
                "/api/commands/forecast", json={"issue": issue, "period": "2026Q2"}, headers=bearer(role)
            )
            assert answer.status_code == 403
        assert client.get("/api/commands/forecast?issue=true", headers=bearer(role)).status_code in (400, 403)
    assert entries(path) == before


def test_reader_asks_nothing_that_an_auditor_may(serve: Serving) -> None:
    """No SQL, no checks, no persons."""
    with serve(tokens=TOKENS) as client:
        for address in ("/query?sql=SELECT+1", "/checks?run=yes", "/api/commands/query?sql=SELECT+1", "/api/commands/verify",
                        "/api/commands/check", "/api/commands/prove?entry=1", "/api/commands/person/list"):  # fmt: skip
            assert client.get(address, headers=bearer("reader")).status_code == 403, address
            assert client.get(address, headers=bearer("auditor")).status_code in (200, 409), address


def test_reader_never_sees_who_persons_are(serve: Serving, path: Path) -> None:
    """Not even after somebody has looked who may, and by no page, projection or command."""
    with Ledger.open(path, actor="kim") as ledger:
        person = {"name": "Ines Sample", "email": "ines@sample.example", "phone": "555-0199"}
        ledger.record("person-added", on="2026-03-01", **dict[str, Any](person))
    with Ledger.open(path) as ledger:
        known = ledger.engine.projections
        personal = [name for name in known if any("personal" in each.needs for each in in_order(known, [name]))]
    assert "persons" in personal
    pages = ["/", "/deals/acme-gmbh", "/accounts", "/accounts/acme-gmbh", "/log", "/record"]
    shown = ""
    with serve(tokens=TOKENS) as client:
        assert "Ines Sample" in client.get("/api/commands/person/list", headers=bearer("auditor")).text
        assert "Ines Sample" in client.get("/query?sql=SELECT+*+FROM+persons", headers=bearer("auditor")).text
        for address in [
            *pages, *(f"/api/projections/{name}" for name in [*personal, "events"]), "/api/commands/log",
            "/api/commands/account/show?account=acme-gmbh", "/api/commands/show?name=persons",
        ]:  # fmt: skip
            shown += client.get(address, headers=bearer("reader")).text
    assert not [secret for secret in person.values() if secret in shown]


def test_who_records_does_so_under_their_own_name(serve: Serving, path: Path) -> None:
    """A token with an actor can't be used to record as somebody else."""
    secret = "secret-of-ann-0123456789"
    ann = Token(digest_of(secret), visitor_of("recorder", "ann"))
    with serve(tokens=(ann,)) as client:
        sent = {"Authorization": f"Bearer {secret}"}
        assert client.post(LEAD, json={"company": "Forged", "actor": "boss"}, headers=sent).status_code == 400
        done = client.post(LEAD, json={"company": "Own"}, headers=sent).json()
    assert [entry["recorded_by"] for entry in done["entries"]] == ["ann"]


def test_server_that_only_reads_records_nothing(serve: Serving, path: Path) -> None:
    """Whoever asks."""
    before = entries(path)
    with serve(read_only=True, visitor=Visitor(visitor_of("recorder,auditor").rights, "recorder,auditor")) as client:
        assert client.post(LEAD, json={"company": "Forged"}).status_code == 403
        assert client.post("/api/commands/seal", json={}).status_code == 403
        assert client.post("/api/commands/forecast", json={"issue": True}).status_code == 403
    assert entries(path) == before
