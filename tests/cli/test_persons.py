"""Persons on the command line: whom one means, who is asked about before they are forgotten, and who may read what is exported."""

import json

import pytest

from salesledger.cli import person as person_module
from support.console import Console, unchanged


@pytest.fixture
def known(empty: Console) -> Console:
    """A ledger with two persons of one name, and a deal."""
    empty.ok("init --currency EUR --no-seal-key")
    for _ in range(2):
        empty.ok('person add "Ann Example" --on 2026-03-01')
    empty.ok("lead capture Acme --on 2026-03-01")
    return empty


def ids(console: Console) -> list[str]:
    """The persons' ids, in the order in which they were added."""
    return [row["id"] for row in json.loads(console.ok("log type:person-added -O json"))]


class TestForgetting:
    def test_needs_yes_where_nobody_can_be_asked(self, known: Console) -> None:
        """It says so, and records nothing; a dry run needs none."""
        first, _ = ids(known)
        with unchanged(known):
            message = known.no(f"person forget {first} --reason asked", code=2)
            assert "Give --yes" in message
            assert message.endswith("Nobody was forgotten. Nothing was recorded.")
            known.ok(f"person forget {first} --reason asked --dry-run")
        known.ok(f"person forget {first} --reason asked --yes")

    def test_needs_the_whole_id_or_the_whole_name(self, known: Console) -> None:
        """A part is refused with the ids that it fits, even where that is one; the case of letters is all the same."""
        first, second = ids(known)
        known.ok(f'person revise {second} --name "Bea Muster" --on 2026-03-02')
        with unchanged(known):
            for part, fitting in (("p-", f"{first}, {second}"), ("bea", second), ("Exam", first)):
                message = known.no(f"person forget {part} --reason asked --yes")
                assert f"a part of: {fitting}. " in message
                assert "Nobody was forgotten." in message
            assert "no person of that id or name" in known.no('person forget "Cid" --reason asked --yes')
        known.ok('person forget "bea muster" --reason asked --yes')
        known.ok(f"person forget {first} --reason asked --yes")

    def test_asks_with_id_and_name(self, known: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever says no records nothing; whoever says yes forgets."""
        monkeypatch.setattr(person_module, "_on_a_terminal", lambda: True)
        first, _ = ids(known)
        done = known(f"person forget {first} --reason asked", "n\n")
        assert f"Forget {first} (Ann Example)? This can't be undone. [y/N]" in done.err + done.out
        assert done.code == 1
        assert "Nobody was forgotten." in done.err
        assert "Ann Example" in known.ok(f"person show {first}")
        assert known(f"person forget {first} --reason asked", "y\n").code == 0
        assert "Ann Example" not in known.ok(f"person show {first}")


def test_an_export_is_its_owners_alone(known: Console) -> None:
    """Also where it replaces a file that others could read."""
    file = known.folder / "ann.json"
    first, _ = ids(known)
    for _ in range(2):
        known.ok(f"person export {first} -o ann.json")
        assert file.stat().st_mode & 0o777 == 0o600
        file.chmod(0o644)


def test_two_of_a_name_are_told_by_their_ids(known: Console) -> None:
    """Without the name, which is nobody's business in a log."""
    message = known.no("person show 'ann example'", code=1)
    assert message.startswith("Several persons fit that: ")
    assert all(each in message for each in ids(known))
    assert "ann" not in message.casefold()


def test_which_of_several_persons_is_not_there_is_told(known: Console) -> None:
    """By the place, without the name."""
    first, second = ids(known)
    message = known.no(f"meeting hold acme --person {first} --person Carl --person {second} --on 2026-03-02", code=1)
    assert message.startswith("--person number 2 of 3: There is no person")
    assert "Carl" not in message


def test_a_backup_without_keys_says_so(known: Console) -> None:
    """Only where there are keys that could be in it."""
    assert "The keys of persons are not in it" in known.ok("backup one.ledger")
    assert "keys of persons are not" not in known.ok("backup two.ledger --keys")
    known.ok("init -f empty.ledger --no-seal-key")
    assert "keys of persons" not in known.ok("backup three.ledger -f empty.ledger")


def test_what_was_recorded_of_somebody_forgotten_stays(known: Console) -> None:
    """No way to strike it out is named, as there is none."""
    first, _ = ids(known)
    known.ok(f"meeting hold acme --person {first} --on 2026-03-02")
    known.ok(f"person forget {first} --reason asked --yes")
    told = known("void 4 --reason slip")
    assert told.code == 1
    assert "was forgotten on" in told.err
    assert "Void" not in told.err
