"""The HTTP API."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from salesledger import Ledger
from salesledger.cli.served import NOT_SERVED
from salesledger.web.openapi import document
from support.console import Console
from web.conftest import TODAY, Serving


def _sorted(rows: list[dict[str, object]]) -> list[str]:
    return sorted(json.dumps(row) for row in rows)  # not every projection says in which order its rows are


def test_projection_is_what_the_command_line_shows(client: TestClient, story: object) -> None:
    """The same rows under the same keys."""
    console = Console(Path(str(story)).parent, {"SALESLEDGER_TODAY": TODAY})
    for name in ("pipeline", "deals", "events", "accounts"):
        assert _sorted(client.get(f"/api/projections/{name}").json()) == _sorted(
            json.loads(console.ok(f"show {name} -O json"))
        )


def test_command_is_what_the_command_line_prints(client: TestClient, story: object) -> None:
    """The same rows, for the same options."""
    console = Console(Path(str(story)).parent, {"SALESLEDGER_TODAY": TODAY})
    for address, line in (
        ("pipeline", "pipeline"),
        ("pipeline?as_of=2026-02-10&by=owner", "pipeline --as-of 2026-02-10 --by owner"),
        ("metrics?quarterly=true&period=2026", "metrics -Q -p 2026"),
        ("history?deal=acme", "history acme"),
        ("diff?since=2026-01-31&as_of=2026-02-28&filters=owner:kim", "diff 2026-01-31 2026-02-28 owner:kim"),
        ("account/show?account=acme", "account show acme"),
    ):
        assert client.get(f"/api/commands/{address}").json() == json.loads(console.ok(f"{line} -O json")), line


def test_rows_are_limited_and_counted(client: TestClient) -> None:
    """A part of the rows, and how many there are."""
    answer = client.get("/api/projections/deals?limit=2&offset=1")
    assert len(answer.json()) == 2
    assert int(answer.headers["Salesledger-Rows"]) == 6


@pytest.mark.parametrize(
    ("address", "status", "told"),
    [
        ("/api/projections/nothing", 404, "There is no projection 'nothing'"),
        ("/api/projections/deals?as_of=someday", 400, "'someday' is not a date"),
        ("/api/projections/deals?colour=red", 400, "'colour' means nothing here"),
        ("/api/projections/deals?upto=0", 400, "upto: '0' is no whole number"),
        ("/api/projections/deals?filter=colour:red", 400, "colour"),
        ("/api/projections/deals?as_of=2026&as_of=2025", 400, "'as_of' is given once"),
        ("/api/commands/pipeline?colour=red", 400, "takes no 'colour'"),
        ("/api/commands/nothing", 404, "There is no such command"),
        ("/api/commands/history", 400, "needs 'deal'"),
        ("/api/commands/history?deal=nobody", 404, "There is no deal 'nobody'"),
        ("/api/commands/query?sql=-", 400, "Give the SQL itself"),
        ("/api/commands/query?sql=DROP+TABLE+deals", 400, "Only a single SELECT"),
        ("/api/commands/deal/win?deal=delta", 405, "send it by POST"),
        ("/api/nothing", 404, "There is nothing at"),
    ],
)
def test_what_is_wrong_is_told_as_json(client: TestClient, address: str, status: int, told: str) -> None:
    """With the status that says whose fault it is."""
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    assert told in answer.json()["error"]


def test_records_by_the_same_rules(serve: Serving, path: object) -> None:
    """A command by POST records what the command line would, and its refusal is the same."""
    with serve() as client:
        done = client.post(
            "/api/commands/deal/win", json={"deal": "delta", "amount": "6500", "on": "2026-03-20", "actor": "ann"}
        )
        assert done.status_code == 200, done.text
        (entry,) = done.json()["entries"]
        assert (entry["type"], entry["id"], entry["amount"], entry["recorded_by"]) == (
            "deal-won",
            "delta-ltd",
            "6500.00",
            "ann",
        )
        again = client.post("/api/commands/deal/win", json={"deal": "delta", "on": "2026-03-21"})
        assert again.status_code == 409
        assert "already" in again.json()["error"] or "won since" in again.json()["error"]
        assert again.json()["error"].endswith("Nothing was recorded.")
    with Ledger.open(str(path)) as ledger:
        assert ledger.engine.ask("SELECT status FROM deals WHERE deal = 'delta-ltd'").rows == [("won",)]
        assert ledger.verify().ok


def test_the_api_says_where_to_go_on(client: TestClient) -> None:
    """At its own address, whatever is there; what is no part of it is refused as JSON."""
    places = client.get("/api").json()
    assert client.get("/api/").json() == places
    assert all(client.get(place).status_code == 200 for place in places.values())
    assert "means nothing here" in client.get("/api?colour=red").json()["error"]


def test_the_manual_names_the_commands_that_are_not_served() -> None:
    """Each of them, under what the API is for programs."""
    manual = (
        (Path(__file__).parents[2] / "docs" / "page.md").read_text(encoding="utf-8").partition("## For programs")[2]
    )
    assert NOT_SERVED
    assert [name for name in NOT_SERVED if f"`{name}`" not in manual] == []


@pytest.mark.parametrize(
    ("command", "values", "told"),
    [
        ("meeting/hold", {"deal": "delta", "attendees": "many"}, "'attendees': 'many' is not a valid whole number"),
        ("lead/capture", {"company": "X", "on": "someday"}, "'someday' is not a date"),
        ("lead/capture", {"company": "X", "every": "month"}, "'every' and 'term' say how 'recurring' is paid"),
    ],
)
def test_refusals_speak_of_fields(serve: Serving, command: str, values: dict[str, str], told: str) -> None:
    """By the names that they have on the form, once, and without a word of how one would type it."""
    with serve() as client:
        answer = client.post(f"/api/commands/{command}", json=values)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert told in error
    assert "--" not in error
    assert error.count("Nothing was recorded.") == 1
    assert error.endswith("Nothing was recorded.")


def test_dry_run_records_nothing(serve: Serving, path: object) -> None:
    """It says what would be appended."""
    with serve() as client:
        before = client.get("/api/projections/events?limit=0").headers["Salesledger-Rows"]
        done = client.post("/api/commands/lead/capture", json={"company": "New AG", "dry_run": True})
        assert done.json()["entries"][0]["type"] == "lead-captured"
        assert client.get("/api/projections/events?limit=0").headers["Salesledger-Rows"] == before


def test_key_makes_twice_once(serve: Serving) -> None:
    """The same key with the same content is recorded once."""
    with serve() as client:
        sent = {"company": "New AG", "key": "k-1", "on": "2026-03-30"}
        first, second = (client.post("/api/commands/lead/capture", json=sent).json()["entries"][0] for _ in range(2))
    assert first["entry"] == second["entry"]
    assert second["already_recorded"] is True


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"a":',
        b"\xff\xfe",
        b'{"company": {"a": 1}}',
        b'{"company": "a", "company": "b"}',
        b"[" * 30_000,
        b'{"company": "\\ud800"}',
        b'{"company": "a\\u0000b"}',
        b'{"company": true}',
        b'{"nothing": 1}',
    ],
)
def test_body_that_is_none_is_told_so(serve: Serving, body: bytes) -> None:
    """400 and nothing recorded, whatever is sent."""
    with serve() as client:
        answer = client.post("/api/commands/lead/capture", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("Nothing was recorded.")


def test_a_value_that_begins_like_an_option_is_a_value(serve: Serving) -> None:
    """Nobody gets at other options through a value."""
    with serve() as client:
        answer = client.post("/api/commands/lead/capture", json={"company": "--file=/tmp/other", "id": "odd"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["entries"][0]["company"] == "--file=/tmp/other"


def test_document_names_what_is_there(client: TestClient) -> None:
    """Each path of the OpenAPI document is served, under the names that the command line has."""
    told = client.get("/api/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert "/api/projections/pipeline" in told["paths"]
    assert set(told["paths"]["/api/commands/deal/win"]) == {"post"}
    assert {p["name"] for p in told["paths"]["/api/commands/pipeline"]["get"]["parameters"]} == {
        "filters",
        "period",
        "begin",
        "end",
        "daily",
        "weekly",
        "monthly",
        "quarterly",
        "yearly",
        "as_of",
        "known_at",
        "upto",
        "by",
    }
    assert document.__doc__


def test_columns_of_the_document_are_those_of_the_rows(client: TestClient) -> None:
    """In order."""
    told = client.get("/api/openapi.json").json()["paths"]["/api/projections/deals"]["get"]["responses"]["200"]
    schema = told["content"]["application/json"]["schema"]["items"]["properties"]
    assert [*schema] == [*client.get("/api/projections/deals").json()[0]]
