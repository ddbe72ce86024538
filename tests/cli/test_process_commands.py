"""Processes on the command line: versions by date, criteria that judge, reasons that count, deals that move."""

import json

import pytest

from support.console import Console

GALLERY = """
name = "gallery"
loss_reasons = ["price"]
stages = [{name = "visitor", probability = 0.1, entered_by = ["lead-captured"]}]
criteria = [{attribute = "budget", at_least = 1000}]
"""
STRICTER = GALLERY.replace("1000", "5000").replace('"price"', '"price", "taste"')


@pytest.fixture
def gallery(console: Console) -> Console:
    """A console beside a gallery's process: a first version of January, a stricter one of March."""
    for day, text in (("2026-01-01", GALLERY), ("2026-03-01", STRICTER)):
        (console.folder / "gallery.toml").write_text(text)
        console.ok(f"process define gallery.toml --on {day}")
    return console


def rows(console: Console, line: str) -> list[dict[str, object]]:
    """What a command prints as JSON."""
    return list(json.loads(console.ok(f"{line} -O json")))


def defining(console: Console) -> list[int]:
    """The entries that define the gallery's process."""
    sql = "SELECT entry FROM events WHERE type = 'process-defined' AND id = 'gallery' ORDER BY entry"
    return [row["entry"] for row in json.loads(console.ok(["query", sql, "-O", "json"]))]


class TestShow:
    @pytest.mark.parametrize(("as_of", "version"), [("2026-01-01", 1), ("2026-02-28", 1), ("2026-03-01", 2)])
    def test_gives_the_version_in_force(self, gallery: Console, as_of: str, version: int) -> None:
        """From its day on."""
        shown = rows(gallery, f"process show gallery --as-of {as_of}")
        assert [row["process_version"] for row in shown] == [version]

    @pytest.mark.parametrize("part", ["stages", "criteria", "reasons"])
    def test_before_the_first_version_says_that_there_was_none(self, gallery: Console, part: str) -> None:
        """Not a later one; with --all there is nothing to refuse."""
        line = f"process show gallery --as-of 2025-12-31 --part {part}"
        assert gallery.no(line, code=1) == (
            "No version of the process 'gallery' was in force as of the end of 2025-12-31: the first came into force on "
            "2026-01-01, and deals from before follow that one. Ask for a later --as-of, or for --all."
        )
        assert {row["process_version"] for row in rows(gallery, f"{line} --all")} == {1, 2}

    def test_knows_what_was_known_and_recorded(self, gallery: Console) -> None:
        """A version that was defined later is not there; before the first, it says so."""
        first, second = defining(gallery)
        for upto, version in ((first, 1), (second, 2)):
            shown = rows(gallery, f"process show gallery --upto {upto}")
            assert [row["process_version"] for row in shown] == [version]
        assert "No version of the process 'gallery' was there" in gallery.no(f"process show gallery --upto {first - 1}")
        assert "as known at the end of 2025-12-31" in gallery.no("process show gallery --all --known-at 2025-12-31")

    def test_of_every_process_leaves_out_what_was_not_in_force(self, gallery: Console) -> None:
        """Where none was, it is refused."""
        gallery.ok("process define licence.toml --on 2026-02-01")
        assert {row["process"] for row in rows(gallery, "process show --as-of 2026-01-15")} >= {"gallery"}
        assert "licence" not in {row["process"] for row in rows(gallery, "process show --as-of 2026-01-15")}
        assert "No version of any process was in force" in gallery.no("process show --as-of 2001-01-01", code=1)

    def test_gives_every_version_where_asked(self, gallery: Console) -> None:
        """With the day from which each is in force."""
        shown = rows(gallery, "process show gallery --all --part reasons")
        told = [(row["process_version"], row["in_force_from"], row["reason"]) for row in shown]
        assert told == [(1, "2026-01-01", "price"), (2, "2026-03-01", "price"), (2, "2026-03-01", "taste")]

    def test_tells_in_words_what_else_the_process_says(self, gallery: Console) -> None:
        """Below the table of its stages."""
        shown = gallery.ok("process show gallery")
        assert "gallery 2, criteria: budget at least 5000." in shown
        assert "gallery 2, loss reasons: price; taste." in shown


class TestDefine:
    def test_wants_a_file_or_a_template(self, console: Console) -> None:
        """One of the two."""
        assert "one of the two" in console.no("process define")
        assert "one of the two" in console.no("process define licence.toml --template b2b")

    def test_of_what_is_in_force_already_records_nothing(self, gallery: Console) -> None:
        """It says so, in JSON too; under a key, or with another title, it is a version of its own."""
        told = gallery.ok("process define gallery.toml --on 2026-04-01")
        assert "recorded before: process-defined gallery on 2026-03-01" in told
        assert "That is the version of 'gallery' in force, 2. Nothing was recorded." in told
        (row,) = json.loads(gallery("process define gallery.toml -O json").out)
        assert (row["already_recorded"], row["process_version"]) == (True, 2)
        assert {row["process_version"] for row in rows(gallery, "process show gallery --all")} == {1, 2}
        assert "process_version=3" in gallery.ok("process define gallery.toml --key k1")
        (gallery.folder / "gallery.toml").write_text('title = "Gallery"' + STRICTER)
        assert "process_version=4" in gallery.ok("process define gallery.toml")

    def test_takes_a_version_that_came_into_force_before_another(self, gallery: Console) -> None:
        """It holds from its day up to that of the next: leads, moves and what is shown follow the one that began last."""
        assert "process_version=3" in gallery.ok("process define gallery.toml --on 2026-02-01")
        for day, version in (("2026-01-31", 1), ("2026-02-02", 3), ("2026-03-05", 2)):
            (shown,) = rows(gallery, f"process show gallery --as-of {day}")
            captured = gallery.ok(f"lead capture Of-{day} --process gallery --on {day}")
            assert shown["process_version"] == version
            assert f"process_version={version}" in captured
        assert [row["process_version"] for row in rows(gallery, "process show gallery")] == [2]
        (gallery.folder / "gallery.toml").write_text(GALLERY)
        assert "That is the version of 'gallery' in force, 1." in gallery.ok(
            "process define gallery.toml --on 2026-01-31"
        )
        assert "process_version=4" in gallery.ok("process define gallery.toml --on 2026-02-02")


class TestReasons:
    def test_that_the_process_does_not_list_are_refused(self, gallery: Console) -> None:
        """By the version that the deal follows."""
        gallery.ok("lead capture Zed --process gallery --on 2026-02-01")
        refusal = gallery.no("deal lose zed --reason taste --on 2026-03-05")
        assert "choose from price" in refusal
        gallery.ok("deal move zed gallery --on 2026-03-02")
        gallery.ok("deal lose zed --reason taste --on 2026-03-05")


def test_a_lead_is_handed_over_by_its_owner_unless_somebody_else_is_named(console: Console) -> None:
    """The pair is what hand-overs are counted by."""
    console.ok("lead hand-over delta --to ann --on 2026-02-03")
    console.ok("lead hand-over beta --to lee --from max --on 2026-03-02")
    pairs = [(row["handed_by"], row["handed_to"]) for row in rows(console, "handovers -p 2026Q1")]
    assert pairs == [("kim", "ann"), ("max", "lee"), ("sue", "ann")]


class TestCriteria:
    @pytest.fixture
    def judged(self, gallery: Console) -> Console:
        """Three leads of February with budgets below, between and above what the two versions ask."""
        for name, budget in (("Low", "500"), ("Mid", "2000"), ("Top", "9000")):
            gallery.ok(f"lead capture {name} --process gallery --attr budget={budget} --owner {name} --on 2026-02-01")
        return gallery

    def verdicts(self, console: Console, line: str) -> list[tuple[object, object]]:
        """Each lead's, in order."""
        return [(row["deal"], row["judged"]) for row in rows(console, line)]

    def test_are_those_of_the_capture_unless_others_are_asked_for(self, judged: Console) -> None:
        """A version by its number is one of the lead's own process: other leads are not judged."""
        assert self.verdicts(judged, "leads process:gallery") == [("low", "unmet"), ("mid", "met"), ("top", "met")]
        again = self.verdicts(judged, "leads process:gallery --criteria 2")
        assert again == [("low", "unmet"), ("mid", "unmet"), ("top", "met")]
        assert ("acme-gmbh", None) in self.verdicts(judged, "leads --criteria 2")
        assert ("acme-gmbh", "unknown") in self.verdicts(judged, "leads --criteria gallery/2")

    def test_can_be_filtered_by(self, judged: Console) -> None:
        """By the verdict that is shown, beside filters on the deals."""
        assert self.verdicts(judged, "leads judged:met") == [("mid", "met"), ("top", "met")]
        assert self.verdicts(judged, "leads --criteria 2 judged:met") == [("top", "met")]
        assert self.verdicts(judged, "leads --criteria 2 judged:met owner:low judged:unmet") == [("low", "unmet")]
        assert self.verdicts(judged, "leads --criteria gal/2 not:judged:unknown not:owner:top") == [
            ("low", "unmet"),
            ("mid", "unmet"),
        ]

    def test_that_came_later_are_not_there(self, judged: Console) -> None:
        """Neither by the entry, nor by what was known, nor in what SQL reads; stages follow the entry too."""
        first, second = defining(judged)
        assert f"up to entry {second - 1}. Those that have: gallery/1." in judged.no(
            f"leads --criteria 2 --upto {second - 1}"
        )
        assert "Those that have: none yet." in judged.no("leads --criteria 2 --known-at 2026-01-05")
        assert rows(judged, "show judgements --known-at 2026-01-05") == []
        for upto, versions in ((first - 1, []), (first, [1]), (second, [1, 2])):
            asked = f"--upto {upto}"
            for relation in ("process_stages", "process_criteria"):
                sql = f"SELECT process_version AS v FROM {relation} WHERE process = 'gallery' ORDER BY v"
                told = json.loads(judged.ok(["query", sql, *asked.split(), "-O", "json"]))
                assert [row["v"] for row in told] == versions

    def test_that_are_not_there_are_refused(self, judged: Console) -> None:
        """With those that are."""
        for version in ("3", "gallery/3", "b2b/1"):
            assert "Those that have: gallery/1, gallery/2" in judged.no(f"leads --criteria {version}")
        for text in ("two", "gallery/", "/2", "-1", "²"):
            assert "names no version" in judged.no(["leads", f"--criteria={text}"])
