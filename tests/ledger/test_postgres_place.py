"""What only a PostgreSQL server has or could break: roles, a password, functions, a schema, a mirror far from the log."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import psycopg
import pytest

from ledger.contract import stored
from ledger.postgres_backend import PostgresBackend
from salesledger.api import Ledger
from salesledger.cli.main import run
from salesledger.errors import (
    DamagedLedger,
    LedgerExists,
    LockedLedger,
    NewerLedger,
    NoLedger,
    NotALedger,
    ReadOnlyLedger,
    StoreError,
    UsageError,
)
from salesledger.ledger.backup import back_up, restore
from salesledger.ledger.place import connect_to_read, mirror_of, place_of
from salesledger.ledger.postgres_place import PostgresPlace
from salesledger.ledger.postgres_url import PostgresUrl
from salesledger.ledger.store import Store
from salesledger.ledger.verify import verify
from salesledger.readmodel.check import check
from salesledger.readmodel.engine import Engine
from support.happenings import captured, contacted
from support.ledgers import clock, new_ledger, propose, record, rows
from support.postgres import drop, new_schema


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresBackend]:
    """A ledger in a schema; its keys and its mirror in a folder of the test's."""
    monkeypatch.setenv("SALESLEDGER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("SALESLEDGER_MIRROR", str(tmp_path / "mirror"))
    made = PostgresBackend()
    yield made
    made.close()


def schema_of(server: PostgresBackend) -> str:
    """The schema's name."""
    return PostgresUrl.of(server.url).schema


def as_role(server: PostgresBackend, what: str) -> PostgresPlace:
    """The ledger, for somebody who has one of its roles."""
    role = f"{schema_of(server)}_{what}"
    return PostgresPlace.of(f"{server.url}&options=-c%20role%3D{role}")


class TestRoles:
    @pytest.fixture(autouse=True)
    def roles(self, server: PostgresBackend) -> None:
        """The three roles."""
        assert {kind for kind, _ in server.place.migrate(roles=True)} == {"role"}

    def test_a_recorder_records_and_asks(self, server: PostgresBackend) -> None:
        """All that a command does."""
        with Ledger.open(as_role(server, "recorder"), actor="kim") as ledger:
            assert ledger.record("lead-captured", company="Acme").stream == "deal:acme"
            assert len(ledger.answer("deals").rows) == 1
            ledger.seal()

    @pytest.mark.parametrize("what", ["recorder", "reader", "auditor"])
    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO stored_events VALUES (99, 'deal:x', 1, 't', '', 9000000000000000, NULL, NULL)",
            "UPDATE stored_events SET topic = 't'",
            "DELETE FROM stored_events",
            "TRUNCATE stored_events",
            "INSERT INTO seal_checkpoints VALUES (1, 'x')",
            "DROP TRIGGER stored_events_in_order ON stored_events",
            "CREATE TABLE mine (a int)",
        ],
    )
    def test_nobody_writes_a_table(self, server: PostgresBackend, what: str, statement: str) -> None:
        """Not even who records: the owner's function does."""
        with server.connected() as connection:
            connection.execute(f"SET ROLE {schema_of(server)}_{what}")
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException)):
                connection.execute(statement)

    @pytest.mark.parametrize("what", ["reader", "auditor"])
    def test_who_reads_cannot_record(self, server: PostgresBackend, what: str) -> None:
        """The message says what is missing; nothing was recorded."""
        with Ledger.open(as_role(server, what), actor="kim") as ledger:
            assert ledger.answer("deals").rows == []
            with pytest.raises(
                ReadOnlyLedger, match=r"permission denied for function append_events.*Nothing was recorded"
            ):
                ledger.record("lead-captured", company="Acme")

    def test_an_auditor_seals_and_checks(self, server: PostgresBackend) -> None:
        """What others recorded."""
        with Ledger.open(server.place, actor="kim", seals=False) as ledger:
            ledger.seal()
            ledger.record("lead-captured", company="Acme")
        with Ledger.open(as_role(server, "auditor"), actor="ann") as ledger:
            place_of(ledger.path).keep_seal(2, "a note", [])  # an older one is left out
            assert ledger.verify().ok
            assert ledger.check() == []

    @pytest.mark.parametrize(
        "given",
        [
            "3, 'junk', '{}', '{}', '{}'",
            "3, '', '{}', '{}', '{}'",
            "3, NULL, '{}', '{}', '{}'",
            "NULL, NULL, '{}', '{}', '{}'",
            "260, note_of(259), '{1}', '{0}', array[sha256('x')]",
            "260, replace(note_of(260), 'salesledger/', 'another/'), '{1}', '{0}', array[sha256('x')]",
            "260, note_of(260) || 'more', '{1}', '{0}', array[sha256('x')]",
            "260, note_of(260), '{}', '{}', '{}'",
            "260, note_of(260), NULL, NULL, NULL",
            "260, note_of(260), '{1}', '{0}', array['x'::bytea]",
            "260, note_of(260), '{1}', '{0}', array[NULL::bytea]",
            "260, note_of(260), '{1,1}', '{0,1}', array[sha256('x'), sha256('y')]",
            "260, note_of(260), '{1,2}', '{0,0}', array[sha256('x'), sha256('y')]",
            "260, note_of(260), '{1,0}', '{0,0}', array[sha256('x'), sha256('y')]",
            "260, note_of(260), '{1,1}', '{0,0}', array[sha256('x'), sha256('y')]",
            "260, note_of(260), '{1,1}', '{0}', array[sha256('x')]",
        ],
    )
    def test_what_is_no_seal_is_not_kept(self, sealed: PostgresBackend, given: str) -> None:
        """An auditor can't stop sealing with a note that is none or with blocks that there are not."""
        with sealed.connected() as connection:
            connection.execute(f"SET ROLE {schema_of(sealed)}_auditor")
            with pytest.raises(psycopg.errors.InvalidParameterValue):
                connection.execute(f"SELECT keep_seal({given.replace('note_of', 'pg_temp.note_of')})".encode())
            kept = connection.execute("SELECT max(size), (SELECT count(*) FROM seal_blocks) FROM seal_checkpoints")
            assert kept.fetchone() == (2, 0)

    def test_a_seal_may_come_late(self, sealed: PostgresBackend) -> None:
        """Blocks that somebody else has kept meanwhile are left as they are."""
        with sealed.store() as store:
            store.app.recorder.append([stored("deal:b", version + 1) for version in range(300)])
        with sealed.connected() as connection:
            for call in (
                "260, pg_temp.note_of(260), '{1}', '{0}', array[sha256('x')]",
                "520, pg_temp.note_of(520), '{1,1}', '{0,1}', array[sha256('y'), sha256('z')]",
            ):
                connection.execute(f"SELECT keep_seal({call})".encode())
            held = connection.execute("SELECT number, hash FROM seal_blocks ORDER BY number").fetchall()
        assert held == [(0, sha256(b"x").digest()), (1, sha256(b"z").digest())]

    @pytest.fixture
    def sealed(self, server: PostgresBackend, monkeypatch: pytest.MonkeyPatch) -> PostgresBackend:
        """The ledger, with a seal over two of its 263 entries; `note_of` gives the note that a seal of a size has."""
        with server.store() as store:
            store.app.recorder.append([stored("deal:a", version + 1) for version in range(260)])
        connect = server.connected
        with connect() as connection:
            told = connection.execute("SELECT convert_from(state, 'UTF8')::json ->> 'ledger_id' FROM stored_events")
            note = f"salesledger/{(told.fetchone() or ('',))[0]}\n%s\n{'A' * 43}=\n\n\u2014 x {'A' * 91}=\n"
            connection.execute("SELECT keep_seal(2, %s, '{}', '{}', '{}')", (note.replace("%s", "2"),))

        def connected() -> psycopg.Connection[Any]:
            made = connect()
            made.execute(
                "CREATE FUNCTION pg_temp.note_of(size bigint) RETURNS text LANGUAGE sql "
                f"AS $$SELECT replace('{note}', '%s', size::text)$$".encode()
            )
            return made

        monkeypatch.setattr(server, "connected", connected)
        return server

    def test_what_is_as_it_should_be_is_not_told(self, server: PostgresBackend) -> None:
        """Roles that are there are made once."""
        assert server.place.migrate(roles=True) == []

    def test_a_right_that_was_revoked_is_given_back(self, server: PostgresBackend) -> None:
        """`check` names it, `migrate --roles` says that it gave it."""
        auditor = f"{schema_of(server)}_auditor"
        server.execute(f"REVOKE EXECUTE ON FUNCTION keep_seal FROM {auditor}")
        assert [(f.rule, f"{auditor} has no EXECUTE on keep_seal" in f.problem) for f in check(server.place)] == [
            ("roles", True)
        ]
        assert server.place.migrate(roles=True) == [("right", f"EXECUTE on keep_seal for {auditor}")]
        assert list(check(server.place)) == []

    @pytest.mark.parametrize("what", ["recorder", "reader", "auditor"])
    def test_only_the_owner_makes_roles(self, server: PostgresBackend, what: str) -> None:
        """Nobody else is told that it was done."""
        with pytest.raises(StoreError, match=r"only its owner makes roles.*Nothing was changed"):
            as_role(server, what).migrate(roles=True)

    def test_a_login_without_a_role_is_told_what_to_ask_for(self, server: PostgresBackend) -> None:
        """It may not even read."""
        name = f"{schema_of(server)}_stranger"
        server.execute(f"CREATE ROLE {name}")
        try:
            with pytest.raises(StoreError, match=rf"no right to read the ledger .*GRANT {schema_of(server)}_reader TO"):
                Ledger.open(as_role(server, "stranger"))
        finally:
            server.execute(f"DROP ROLE {name}")


class TestRolesOfTwoDatabases:
    """A server's databases share their roles."""

    @pytest.fixture
    def other(self, server: PostgresBackend) -> Iterator[PostgresPlace]:
        """The same schema in another database."""
        told = PostgresUrl.of(server.url)
        name = schema_of(server)
        with psycopg.connect(told.conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield PostgresPlace.of(f"{server.url}&dbname={name}")
        with psycopg.connect(told.conninfo, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def test_a_role_of_another_ledger_is_not_shared(self, server: PostgresBackend, other: PostgresPlace) -> None:
        """Whoever may record there could record here as well; no ledger is made."""
        server.place.migrate(roles=True)
        with pytest.raises(StoreError, match=r"reader.*wasn't made for this ledger.*Name another schema"):
            Store.create(other, timezone="UTC", currency=None, recorded_by="kim", roles=True)
        with pytest.raises(NoLedger):
            connect_to_read(other)

    @pytest.mark.parametrize("has_members", [False, True])
    def test_a_role_without_a_mark(self, server: PostgresBackend, has_members: bool) -> None:
        """Is taken where it has no members, such as one that an administrator made for the owner."""
        name = schema_of(server)
        server.execute(f"CREATE ROLE {name}_recorder NOLOGIN")
        server.execute(f"CREATE ROLE {name}_member NOLOGIN")
        try:
            if has_members:
                server.execute(f"GRANT {name}_recorder TO {name}_member")
                with pytest.raises(StoreError, match="it has members and no right here"):
                    server.place.migrate(roles=True)
            else:
                server.place.migrate(roles=True)
                server.execute(f"GRANT {name}_recorder TO {name}_member")
                server.execute(f"COMMENT ON ROLE {name}_recorder IS NULL")
                assert server.place.migrate(roles=True) == []
        finally:
            server.execute(f"DROP ROLE {name}_member")


class TestGuards:
    @pytest.mark.parametrize("table", ["layout", "stored_events", "seal_blocks", "seal_checkpoints"])
    def test_no_table_is_emptied(self, server: PostgresBackend, table: str) -> None:
        """Not by the owner either, nor where triggers are turned off for a session."""
        with server.connected() as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in (f"TRUNCATE {table}", f"DELETE FROM {table}"):
                with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                    connection.execute(statement)

    @pytest.mark.parametrize(
        ("statement", "rule", "problem"),
        [
            (
                "ALTER TABLE stored_events DISABLE TRIGGER stored_events_in_order",
                "append-only",
                "trigger stored_events_in_order",
            ),
            (
                "DROP TRIGGER stored_events_no_change ON stored_events",
                "append-only",
                "stored_events_no_change is missing",
            ),
            (
                "CREATE OR REPLACE FUNCTION check_order() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                "append-only",
                "the function check_order is not the one",
            ),
            ("CREATE VIEW beside AS SELECT 1", "schema", "the view 'beside' is not salesledger's"),
            ("CREATE RULE quiet AS ON DELETE TO stored_events DO INSTEAD NOTHING", "schema", "the rule 'quiet'"),
            (
                "ALTER TABLE stored_events DROP CONSTRAINT stored_events_key_key",
                "append-only",
                "the table stored_events",
            ),
        ],
    )
    def test_a_changed_structure_is_found(
        self, server: PostgresBackend, statement: str, rule: str, problem: str
    ) -> None:
        """By `check`; and `migrate` puts functions and triggers right."""
        server.execute(statement)
        found = list(check(server.place))
        assert [(f.rule, problem in f.problem) for f in found] == [(rule, True)]
        assert ("salesledger migrate" in found[0].remedy) == (rule == "append-only" and "table" not in problem)
        made = server.place.migrate(roles=False)
        left = [f.problem for f in check(server.place)]
        assert bool(made) == (not left)

    @pytest.mark.parametrize(
        ("statement", "rule", "problem", "remedy"),
        [
            ("ALTER TABLE stored_events SET UNLOGGED", "schema", "stored_events is unlogged", ""),
            ("ALTER TABLE layout ENABLE ROW LEVEL SECURITY", "schema", "layout has row security", ""),
            ("ALTER TABLE stored_events FORCE ROW LEVEL SECURITY", "schema", "stored_events has row security", ""),
            (
                "ALTER TABLE stored_events ADD COLUMN more int",
                "schema",
                "the column 'more' of the table stored_events",
                "",
            ),
            (
                "ALTER TABLE seal_checkpoints ALTER COLUMN note TYPE varchar",
                "schema",
                "seal_checkpoints has no column 'note text'",
                "ALTER TABLE seal_checkpoints ALTER COLUMN note TYPE text",
            ),
            (
                "CREATE FUNCTION append_events(a text) RETURNS void LANGUAGE sql AS ''",
                "schema",
                "append_events is there a second time",
                "",
            ),
            (
                "CREATE TABLE pg_temp.other () INHERITS (stored_events)",
                "schema",
                "other are read as if they were those of stored_events",
                "",
            ),
            (
                "GRANT INSERT ON stored_events TO pg_monitor",
                "roles",
                "pg_monitor has INSERT on the table stored_events",
                "",
            ),
            (
                "GRANT UPDATE (topic) ON stored_events TO pg_monitor",
                "roles",
                "pg_monitor has UPDATE (topic) on the table stored_events",
                "",
            ),
            (
                "GRANT EXECUTE ON FUNCTION add_events TO pg_monitor",
                "roles",
                "pg_monitor has EXECUTE on the function add_events",
                "",
            ),
            (
                "GRANT EXECUTE ON FUNCTION keep_seal TO PUBLIC",
                "roles",
                "PUBLIC has EXECUTE on the function keep_seal",
                "",
            ),
            (
                "GRANT CREATE ON SCHEMA {schema} TO pg_monitor",
                "roles",
                "pg_monitor has CREATE on the schema {schema}",
                "",
            ),
        ],
    )
    def test_what_guards_less_is_found(
        self, server: PostgresBackend, statement: str, rule: str, problem: str, remedy: str
    ) -> None:
        """By `check` and `verify`; the statement that is named puts it right, and `migrate` breaks nothing."""
        with server.connected() as connection:
            connection.execute(statement.format(schema=schema_of(server)).encode())
            found = [f for f in check(server.place) if f.rule != "file"]
            assert [(f.rule, problem.format(schema=schema_of(server)) in f.problem) for f in found] == [(rule, True)]
            told = [f for f in verify(server.place).findings if f.remedy == found[0].remedy]
            assert [f.rule for f in told] == ["schema"]
            assert server.place.migrate(roles=False) == []
            connection.execute((remedy or found[0].remedy.partition("psql: ")[2].removesuffix(".")).encode())
        assert list(check(server.place)) == []

    def test_functions_are_put_right_beside_others_of_their_names(self, server: PostgresBackend) -> None:
        """Those with other parameters stay, and are told."""
        server.execute("CREATE FUNCTION hold_ledger(a text) RETURNS void LANGUAGE sql AS ''")
        server.execute("CREATE OR REPLACE FUNCTION hold_ledger() RETURNS void LANGUAGE plpgsql AS 'BEGIN END'")
        made = server.place.migrate(roles=True)
        assert ("function", "hold_ledger") in made
        assert ["DROP FUNCTION" in f.remedy for f in check(server.place)] == [True]

    @pytest.mark.parametrize("state", [r"'\xff'", "'no json'", "''", r"""'{"note": "\\u0000"}'"""])
    def test_what_no_report_could_read_is_refused(self, server: PostgresBackend, state: str) -> None:
        """Whoever may record can't put the reports out by calling the function themselves."""
        server.place.migrate(roles=True)
        before = server.log()
        with server.connected() as connection:
            connection.execute(f"SET ROLE {schema_of(server)}_recorder")
            with pytest.raises(psycopg.errors.DataError):
                connection.execute(
                    f"SELECT append_events(ARRAY['deal:x'], ARRAY[1::bigint], ARRAY['lead-captured/1'], ARRAY[{state}::bytea], "
                    "ARRAY[NULL], 0, gen_random_uuid(), true)"
                )
        assert server.log() == before

    @pytest.mark.parametrize(
        ("topic", "why"),
        [("'nonsense/1'", "does not know"), ("NULL", "does not know"), ("'ledger-opened/1'", "a ledger begins once")],
    )
    def test_what_is_no_event_is_refused(self, server: PostgresBackend, topic: str, why: str) -> None:
        """Also from whoever calls the function themselves: a type that no salesledger knows, a second beginning."""
        before = server.log()
        with server.connected() as connection, pytest.raises(psycopg.Error, match=why):
            connection.execute(
                f"SELECT append_events(ARRAY['settings:ledger'], ARRAY[9::bigint], ARRAY[{topic}], ARRAY['{{}}'::bytea], "
                "ARRAY[NULL], 0, gen_random_uuid(), true)".encode()
            )
        assert server.log() == before

    def test_a_newer_salesledger_asks_for_migrate(
        self, server: PostgresBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where the server's function knows fewer types of events than what records."""
        before = server.log()
        monkeypatch.setattr("salesledger.ledger.postgres_schema._known_topics", lambda: "'lead-touched/1'")
        assert server.place.migrate(roles=False) == [("function", "append_events")]
        monkeypatch.undo()
        with server.store() as store:
            with pytest.raises(StoreError, match=r"'salesledger migrate' with the newer one.*Nothing was recorded"):
                store.app.recorder.append([stored("deal:a", 1)])
            assert server.log() == before
            assert server.place.migrate(roles=False) == [("function", "append_events")]
            assert store.app.recorder.append([stored("deal:a", 1)])[0] == 4

    def test_a_clock_ahead_of_the_server_s_is_refused(self, server: PostgresBackend) -> None:
        """Every later entry would be stamped so, too."""
        before = server.log()
        with (
            clock(datetime.now(UTC) + timedelta(days=3)),
            Ledger.open(server.place, actor="kim") as ledger,
            pytest.raises(StoreError, match=r"ahead of the server's by more than a day.*Nothing was recorded"),
        ):
            ledger.record("lead-captured", company="Acme", on="2026-01-05")
        assert server.log() == before

    def test_an_emptied_layout_is_told(self, server: PostgresBackend, tmp_path: Path) -> None:
        """By whatever looks at the ledger, with what puts it right."""
        server.execute("ALTER TABLE layout DISABLE TRIGGER layout_no_change")
        server.execute("DELETE FROM layout")
        assert ["its table layout is empty" in f.problem for f in check(server.place)] == [True]
        for look in (
            lambda: back_up(server.place, tmp_path / "b.ledger"),
            lambda: server.place.migrate(roles=False),
            lambda: Ledger.open(server.place),
            lambda: PostgresPlace.of(server.url).mirror,
        ):
            with pytest.raises(DamagedLedger, match="its table layout is empty"):
                look()
        server.execute(f"INSERT INTO {schema_of(server)}.layout VALUES (1, gen_random_uuid())")
        assert server.place.migrate(roles=False) == [("trigger", "layout_no_change")]
        assert list(check(server.place)) == []

    def test_what_a_foreign_trigger_keeps_out_is_not_acknowledged(self, server: PostgresBackend) -> None:
        """Nothing of the append is recorded."""
        before = server.log()
        server.execute("CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        server.execute(
            "CREATE TRIGGER foreign_one BEFORE INSERT ON stored_events FOR EACH ROW WHEN (NEW.originator_version = 3) "
            "EXECUTE FUNCTION skip()"
        )
        with server.store() as store, pytest.raises(DamagedLedger, match="did not come into the log as it is"):
            store.app.recorder.append([stored("deal:a", version) for version in (1, 2, 3)])
        assert server.log() == before

    def test_an_append_that_fails_leaves_no_gap(self, server: PostgresBackend) -> None:
        """Entries are counted without holes, whatever was rolled back."""
        with server.store() as store:
            store.app.recorder.append([stored("deal:a", 1)])
            with pytest.raises(Exception, match="duplicate key"):
                store.app.recorder.append([stored("deal:b", 1), stored("deal:a", 1)])
            assert store.app.recorder.append([stored("deal:b", 1)])[0] == 5


class TestTogether:
    """Appends that wait for the lock are made by who holds it."""

    def test_who_waits_is_served_by_who_does_not(self, server: PostgresBackend) -> None:
        """Each once, behind who had the lock, each told its own entries."""
        told: list[tuple[int, int]] = []
        with server.store() as store, server.store() as other, server.connected() as look:

            def wait() -> None:
                told.append(other.app.recorder.append([stored("deal:b", 1, key="k"), stored("deal:b", 2)]))

            waiting = Thread(target=wait)
            with store.app.recorder.exclusively():
                waiting.start()
                self.until(look, "append_requests")
                assert store.app.recorder.append([stored("deal:a", 1)])[0] == 4
            waiting.join()
        assert [first for first, _ in told] == [5]
        assert [row[:3] for row in server.log()[3:]] == [(4, "deal:a", 1), (5, "deal:b", 1), (6, "deal:b", 2)]

    def test_who_gives_up_takes_it_back(self, server: PostgresBackend, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing was recorded, and nobody records it later."""
        with server.store() as store:
            monkeypatch.setenv("SALESLEDGER_LOCK_SECONDS", "0.05")
            with server.store() as other, store.app.recorder.exclusively(), pytest.raises(LockedLedger):
                other.app.recorder.append([stored("deal:b", 1)])
            store.app.recorder.append([stored("deal:a", 1)])
        assert [row[1] for row in server.log()[3:]] == ["deal:a"]

    @pytest.mark.parametrize("is_recorded", [False, True])
    def test_who_is_interrupted_takes_it_back(self, server: PostgresBackend, *, is_recorded: bool) -> None:
        """Nobody records it later; where somebody has done it just now, the command says so."""
        script = (
            "import signal, sys\nfrom salesledger.cli.main import run\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "sys.exit(run(['-f', sys.argv[1], 'lead', 'capture', 'Acme']))\n"
        )
        with server.store() as store, server.connected() as look:
            with store.app.recorder.exclusively():
                command = subprocess.Popen(
                    [sys.executable, "-c", script, server.url], stderr=subprocess.PIPE, text=True
                )
                self.until(look, "append_requests")
                if is_recorded:
                    store.app.recorder.append([stored("deal:a", 1)])
                command.send_signal(signal.SIGINT)
                if is_recorded:
                    self.until(
                        look, "pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%withdraw_append%'"
                    )
                else:
                    command.wait(60)
            told = command.communicate(timeout=60)[1]
            if not is_recorded:
                store.app.recorder.append([stored("deal:a", 1)])
        assert command.returncode == 130
        assert told.strip().startswith("salesledger: stopped.")
        assert ("It was recorded all the same" in told) == is_recorded
        assert [row[1] for row in server.log()[3:]] == ["deal:a", *(["deal:acme"] if is_recorded else [])]

    @staticmethod
    def until(look: psycopg.Connection[Any], held: str) -> None:
        """Wait until there is a row."""
        while not look.execute(f"SELECT 1 FROM {held}".encode()).fetchone():
            sleep(0.01)

    def test_what_cannot_be_appended_stops_nobody(self, server: PostgresBackend) -> None:
        """A version that is taken, an event that the table refuses, a request that nobody waits for any more."""
        placed = "INSERT INTO append_requests VALUES (gen_random_uuid(), clock_timestamp() - interval '{age}', "
        with server.store() as store:
            store.app.recorder.append([stored("deal:a", 1)])
            for age, stream, version in (
                ("0", "deal:a", 1),
                ("0", "deal:b", 0),
                ("2 min", "deal:c", 1),
                ("0", "deal:d", 1),
            ):
                server.execute(
                    f"{placed.format(age=age)} ARRAY['{stream}'], ARRAY[{version}], ARRAY['t'], ARRAY['{{}}'::bytea], "
                    "ARRAY[NULL], 0)"
                )
            store.app.recorder.append([stored("deal:e", 1)])
        assert [row[1] for row in server.log()[3:]] == ["deal:a", "deal:e", "deal:d"]
        with server.connected() as look:
            assert look.execute("SELECT 1 FROM append_requests").fetchone() is None


class TestPlaces:
    def test_no_password_is_told(self) -> None:
        """Wherever in the URL it stands."""
        place = PostgresPlace.of(
            "postgresql://kim:se%20cret@localhost:1/sales?password=hidden&schema=acme&sslmode=disable"
        )
        assert str(place) == "postgresql://kim@localhost:1/sales?sslmode=disable&schema=acme"
        with pytest.raises(Exception, match="can't be reached") as refusal:
            connect_to_read(place)
        assert not any(word in str(refusal.value) for word in ("se%20cret", "se cret", "hidden"))

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("postgresql://h/d?schema=Big", "'Big' can't be the schema of a ledger"),
            ("postgresql://h/d?schema=pg_catalog", "not beginning with pg_"),
            ("postgresql://h/d?schema=a;drop", "can't be the schema"),
            ("postgresql://h/d?nonsense=1", "can't be read as a PostgreSQL URL"),
            ("postgresql://h:secret@x:port/d", "can't be read as a PostgreSQL URL"),
            ("postgresql://kim:secret/x@h/d", "%2F for a /"),
            ("postgresql://kim:1/secret@h/d", "%2F for a /"),
            ("postgresql://kim:1/x?secret@h/d", "%3F for a"),
            ("postgresql://kim:sec@secret@h/d", "%40 for an @"),
            ("postgresql://h?password=secret@x/d", "%3F for a"),
            ("postgresql://kim@h/d?password=x&secret=1", "can't be read as a PostgreSQL URL"),
            ("postgresql:/kim:secret@h/d", "begins with postgresql://"),
            ("postgresql://h/\x00", "NUL"),
        ],
    )
    def test_a_url_that_is_none_is_refused(self, url: str, words: str) -> None:
        """In one sentence, without what may be secret in it."""
        with pytest.raises(Exception, match=words) as refusal:
            Ledger.open(url)
        assert "secret" not in str(refusal.value)

    def test_a_password_may_hold_a_question_mark(self) -> None:
        """As the server's own library takes it: it ends at the first @."""
        told = PostgresUrl.of("postgresql://kim:se?cret@/sales?host=/run&schema=acme")
        assert told.conninfo == "postgresql://kim:se?cret@/sales?host=/run"
        assert told.shown == "postgresql://kim@/sales?host=/run&schema=acme"
        assert told.schema == "acme"

    @pytest.mark.parametrize("line", ["restore {url}", "backup {url}", "log -o {url}"])
    def test_a_url_in_a_files_place_is_not_repeated(
        self, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Not its password, that is."""
        file = str(new_ledger(tmp_path / "sales.ledger"))
        assert run(["-f", file, *line.format(url="postgresql://kim:sec@ret@h/x").split()]) > 0
        told = capsys.readouterr().err
        assert told.startswith("salesledger: ")
        assert "sec" not in told
        assert "ret" not in told.replace("restore", "")

    def test_the_driver_is_asked_for_where_it_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the command that installs it."""
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(UsageError, match=r"pip install 'salesledger\[postgres\]'"):
            Ledger.open("postgresql://h/d")

    def test_a_ledger_in_a_file_needs_no_driver(self, tmp_path: Path) -> None:
        """It is recorded into and asked without loading what speaks to servers."""
        script = (
            "import sys\nfrom salesledger.cli.main import run\n"
            "for line in (['init', '--currency', 'EUR'], ['lead', 'capture', 'Acme'], ['pipeline'], ['verify']):\n"
            "    assert run(['-f', sys.argv[1], *line]) == 0\n"
            "assert not {'psycopg', 'adbc_driver_postgresql'} & {name.partition('.')[0] for name in sys.modules}\n"
        )
        subprocess.run([sys.executable, "-c", script, tmp_path / "sales.ledger"], check=True, capture_output=True)

    def test_what_is_no_ledger_is_told(self, server: PostgresBackend) -> None:
        """No schema, another program's, a later version's, one that is there."""
        nowhere = new_schema()
        with pytest.raises(NoLedger, match=r"Make one with `salesledger -f '[^`]*' init`, or"):
            Ledger.open(nowhere)
        with pytest.raises(LedgerExists, match=r"\?schema=NAME"):
            Store.create(server.place, timezone="UTC", currency=None, recorded_by="kim")
        server.execute("ALTER TABLE layout DISABLE TRIGGER layout_no_change")
        server.execute("UPDATE layout SET format = 9")
        with pytest.raises(NewerLedger, match="format 9"):
            Ledger.open(server.url)
        server.execute("DROP TABLE layout")
        with pytest.raises(NotALedger, match="another program's tables"):
            Ledger.open(server.url)

    @pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
    def test_a_database_that_does_not_hold_every_letter_is_refused(
        self, encoding: str, server: PostgresBackend, tmp_path: Path
    ) -> None:
        """Before anything is made there, with the statement that makes one that does."""
        name = f"{schema_of(server)}_{encoding.lower()}"
        with server.connected() as connection:
            connection.execute(
                f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
            )
        place = PostgresPlace.of(f"{server.url}&dbname={name}")
        back_up(server.place, tmp_path / "b.ledger")
        try:
            for make in (
                lambda: Store.create(place, timezone="UTC", currency=None, recorded_by="kim"),
                lambda: restore(tmp_path / "b.ledger", place),
            ):
                with pytest.raises(
                    StoreError, match=rf"{encoding}.*ENCODING 'UTF8' TEMPLATE template0.*No ledger was made"
                ):
                    make()
            with psycopg.connect(place.url.conninfo) as look:
                assert look.execute("SELECT to_regnamespace(%s)", (place.url.schema,)).fetchone() == (None,)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def test_a_ledger_that_cannot_be_made_leaves_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """All of it is one transaction."""
        url = new_schema()
        monkeypatch.setattr(Store, "_begin", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Store.create(PostgresPlace.of(url), timezone="UTC", currency=None, recorded_by="kim")
        with pytest.raises(NoLedger):
            Ledger.open(url)


class TestCopies:
    def test_a_backup_is_a_ledger_in_a_file(self, server: PostgresBackend, tmp_path: Path) -> None:
        """With the same rows and the same seals; it can be put back into a schema."""
        with Ledger.open(server.place, actor="kim") as ledger:
            ledger.seal()
            ledger.record("lead-captured", company="Acme", amount="5", key="k1")
        copied = back_up(server.place, tmp_path / "b.ledger")
        assert rows(tmp_path / "b.ledger") == server.log()
        assert copied.sealed == copied.entries == 5
        url = new_schema()
        try:
            again = restore(tmp_path / "b.ledger", PostgresPlace.of(url))
            assert (again.entries, again.sealed, again.ledger_id) == (5, 5, copied.ledger_id)
            with Ledger.open(url, actor="kim") as ledger:
                assert ledger.verify().ok
                assert ledger.record("deal-won", deal="acme").recorded[0].entry == 6
            assert mirror_of(PostgresPlace.of(url)) != server.place.mirror
        finally:
            drop(url)

    def test_a_person_who_is_forgotten_can_be_read_nowhere(self, server: PostgresBackend) -> None:
        """The keys lie on this machine, never on the server."""
        with Ledger.open(server.place, actor="kim") as ledger:
            ledger.record("person-added", name="Ann Example")
            assert [row[1] for row in ledger.project("persons").select("person, name").fetchall()] == ["Ann Example"]
            assert "Ann" not in repr(server.log())
            ledger.record("person-forgotten", person="p-1", reason="asked for it")
        with Ledger.open(server.place) as ledger:
            assert "Ann" not in repr(ledger.project("persons").fetchall())
        assert server.place.beside(".keys").exists()


class TestMirror:
    def test_segments_are_written_and_read(self, server: PostgresBackend, monkeypatch: pytest.MonkeyPatch) -> None:
        """Keys, texts of any letters, and what was recorded since, as from a file."""
        monkeypatch.setattr("salesledger.readmodel.mirror.SMALL", 4)
        monkeypatch.setattr("salesledger.readmodel.mirror.BIG", 8)
        with server.store() as store:
            record(store, "deal:a", captured(1, company="Żółw's \U0001f422"))
            for number in range(2, 9):
                propose(store, "deal:a", contacted(number), key=f"k{number}" if number % 2 else None)
        with Engine.open(server.place) as engine:
            ((company,),) = engine.ask("SELECT company FROM deals").rows
            keys = engine.ask("SELECT entry, key FROM events WHERE stream = 'deal' ORDER BY entry").rows
        assert company == "Żółw's \U0001f422"
        assert keys == [(row[0], row[6]) for row in server.log() if row[1] == "deal:a"]
        held = sorted(file.name for file in server.place.mirror.rglob("*.parquet"))
        assert [name[:25] for name in held] == ["000000000000-000000000008"]
        assert list(check(server.place)) == []

    def test_the_environment_s_encoding_changes_no_text(
        self, server: PostgresBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is read as Arrow comes as UTF-8 whatever PGCLIENTENCODING says."""
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
        with server.store() as store:
            record(store, "deal:a", captured(1, company="\u00c3\u00bcber \u017b\u00f3\u0142w"))
        with Engine.open(server.place) as engine:
            assert engine.ask("SELECT company FROM deals").rows == [("\u00c3\u00bcber \u017b\u00f3\u0142w",)]

    def test_a_reader_outlives_a_lost_connection(self, server: PostgresBackend) -> None:
        """It asks again on a new one."""
        with closing(connect_to_read(server.place)) as log:
            (process,) = log.execute("SELECT pg_backend_pid()").fetchone()
            server.execute(f"SELECT pg_terminate_backend({process})")
            assert log.execute("SELECT count(*) FROM stored_events").fetchone()[0] == 3
