"""What somebody is told who is new to ledgers on a server: what is wrong, and a remedy that works."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from salesledger.api import Ledger
from salesledger.errors import LedgerExists, NoLedger, NotALedger, UsageError
from salesledger.ledger.backup import restore
from salesledger.ledger.postgres_place import PostgresPlace
from salesledger.ledger.postgres_url import PostgresUrl
from support.console import Console
from support.ledgers import new_ledger
from support.postgres import drop, in_schema, new_schema

if TYPE_CHECKING:
    from salesledger.web.settings import Settings


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A schema that isn't there yet; what lies beside its ledger in a folder of the test's."""
    monkeypatch.setenv("SALESLEDGER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("SALESLEDGER_MIRROR", str(tmp_path / "mirror"))
    made = new_schema()
    yield made
    drop(made)


@pytest.fixture
def console(url: str, tmp_path: Path) -> Console:
    """A terminal whose ledger is to be in that schema."""
    kept = {"SALESLEDGER_KEYS": str(tmp_path / "keys"), "SALESLEDGER_MIRROR": str(tmp_path / "mirror")}
    return Console(tmp_path, {"SALESLEDGER_FILE": url, "SALESLEDGER_ACTOR": "kim", **kept})


def as_owner(url: str, *statements: str) -> None:
    """Run SQL; {schema} in it stands for the schema of a URL."""
    told = PostgresUrl.of(url)
    with psycopg.connect(told.conninfo, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.format(schema=told.schema))


class TestUrls:
    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("schema=tz&schema=salesledger", "names 2 schemas: 'tz', 'salesledger'"),
            ("schema=information_schema", "it is the server's own"),
            ("shema=x", r"its parameter 'shema' isn't known \(did you mean 'schema'\?\)"),
            ("sslmode=disable&hst=x", "its parameter 'hst' isn't known"),
            ("passwort=hush&hush=2", "its parameter 'passwort' isn't known"),
            ("password=a&hush=1", "one of its parameters isn't known"),
            ("sslpassword=a&hush=1", "one of its parameters isn't known"),
            ("hush%2F1=", "one of its parameters isn't known"),
        ],
    )
    def test_the_wrong_part_is_named(self, query: str, said: str) -> None:
        """Unless it may be the rest of a password that was cut in two."""
        with pytest.raises(UsageError, match=said) as refusal:
            Ledger.open(f"postgresql://kim@h/d?{query}")
        assert "hush" not in str(refusal.value)

    def test_other_faults_blame_no_parameter(self) -> None:
        """What PostgreSQL's library takes as well isn't taken for the fault."""
        with pytest.raises(UsageError, match=r"can't be read as a PostgreSQL URL\. Write"):
            Ledger.open("postgresql://kim@h%zz/d?ssl=true&sslmode=prefer")


class TestSchemas:
    @pytest.mark.parametrize(
        ("statement", "what"),
        [
            ("CREATE TABLE {schema}.orders (a int PRIMARY KEY)", "the table 'orders'"),
            (
                "CREATE TABLE {schema}.stored_events (a int); CREATE INDEX i ON {schema}.stored_events (a)",
                "the index 'i'",
            ),
            ("CREATE FUNCTION {schema}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "the function 'f'"),
        ],
    )
    def test_what_another_program_uses_is_told(self, url: str, tmp_path: Path, statement: str, what: str) -> None:
        """Alike by what makes a ledger and by what asks one."""
        as_owner(url, "CREATE SCHEMA {schema}", statement)
        backup = new_ledger(tmp_path / "b.ledger")
        for attempt in (
            lambda: Ledger.create(url),
            lambda: restore(backup, PostgresPlace.of(url)),
            lambda: Ledger.open(url),
        ):
            with pytest.raises(
                NotALedger, match=f"holds what isn't salesledger's, such as {what}.*Name another schema"
            ):
                attempt()

    def test_a_ledger_is_made_in_an_empty_schema(self, url: str) -> None:
        """Such as one that an administrator made for the owner; a second one isn't."""
        as_owner(url, "CREATE SCHEMA {schema}")
        with pytest.raises(NoLedger, match="Make one with"):
            Ledger.open(url)
        Ledger.create(url).close()
        with pytest.raises(LedgerExists, match=r"Name another schema with \?schema=NAME"):
            Ledger.create(url)

    @pytest.mark.parametrize(
        ("schema", "why"), [("public", "any program makes its tables"), ("order", "a word of SQL")]
    )
    def test_no_ledger_is_made_in_a_schema_that_does_not_suit(self, url: str, schema: str, why: str) -> None:
        """The remedy is another one."""
        with pytest.raises(UsageError, match=rf"{why}.*Name another with \?schema=NAME\. No ledger was made"):
            Ledger.create(in_schema(schema))

    def test_nobody_is_sent_to_make_a_ledger_where_none_is_made(self) -> None:
        """Whoever looks for one in `public`, that is."""
        with pytest.raises(NoLedger, match="A ledger needs a schema of its own") as refusal:
            Ledger.open(in_schema("public"))
        assert "init" not in str(refusal.value)

    def test_a_ledger_that_is_in_public_goes_on(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only making one there is refused."""
        database = PostgresUrl.of(url).schema
        as_owner(url, "CREATE DATABASE {schema} TEMPLATE template0")
        there = f"{in_schema('public')}&dbname={database}"
        try:
            with monkeypatch.context() as patch:
                patch.setattr("salesledger.ledger.postgres_place.own_schema", lambda _: None)
                Ledger.create(there, actor="kim").close()
            with Ledger.open(there, actor="kim") as ledger:
                ledger.record("lead-captured", company="Acme")
                assert ledger.check() == []
            with pytest.raises(LedgerExists):
                Ledger.create(there)
        finally:
            as_owner(url, "DROP DATABASE {schema} WITH (FORCE)")


class TestRemedies:
    def test_a_wrong_time_zone_is_remedied_as_told(self, url: str, console: Console) -> None:
        """The schema is dropped, and init is run again."""
        said = f"remove it now (DROP SCHEMA {PostgresUrl.of(url).schema} CASCADE), run init again and give --timezone ZONE."
        assert said in console.ok("init")
        as_owner(url, "DROP SCHEMA {schema} CASCADE")
        assert "days of Europe/Berlin" in console.ok("init --timezone Europe/Berlin")
        console.ok("check")

    def test_a_login_without_rights_after_a_restore(self, url: str, console: Console) -> None:
        """The owner is told what is missing, and so is whoever can't read; the remedy works."""
        new_ledger(console.folder / "b.ledger")
        schema = PostgresUrl.of(url).schema
        told = console.ok("restore b.ledger")
        assert f"schema={schema}' migrate --roles` makes its roles; then grant each login one" in told
        as_owner(url, "CREATE ROLE {schema}_lee")
        try:
            as_lee = ["-f", f"{url}&options=-c%20role%3D{schema}_lee", "deals"]
            assert "'salesledger migrate --roles' as the owner makes it" in console.no(as_lee)
            console.ok("migrate --roles")
            as_owner(url, "GRANT {schema}_reader TO {schema}_lee")
            console.ok(as_lee)
        finally:
            drop(url)
            as_owner(url, "DROP ROLE {schema}_lee")

    def test_a_restore_makes_roles_where_it_is_asked_to(self, url: str, console: Console) -> None:
        """And nowhere else: a file has none."""
        new_ledger(console.folder / "b.ledger")
        assert "Only a ledger on a PostgreSQL server has roles" in console.no(
            "-f c.ledger restore b.ledger --roles", code=2
        )
        assert not (console.folder / "c.ledger").exists()
        told = console.ok("restore b.ledger --roles")
        assert "Nobody but its owner may use it yet: grant each login one" in told
        assert console.ok("migrate --roles").startswith("It is laid out as this version does it")

    @pytest.mark.parametrize(("role", "reads"), [("reader", True), ("auditor", True), ("recorder", False)])
    def test_a_page_for_a_login_that_may_only_read(
        self, url: str, console: Console, monkeypatch: pytest.MonkeyPatch, role: str, reads: bool
    ) -> None:
        """Nothing can be recorded from it, and whoever starts it is told why."""
        served: list[Settings] = []
        monkeypatch.setattr("salesledger.web.server.serve", lambda settings, *_: served.append(settings))
        console.ok("init --roles")
        schema = PostgresUrl.of(url).schema
        done = console(["-f", f"{url}&options=-c%20role%3D{schema}_{role}", "serve"])
        assert (done.code, [told.read_only for told in served]) == (0, [reads])
        assert (f"GRANT {schema}_recorder TO the login" in done.err) == reads
