"""Rows that can't be imported: why, and where they go."""

import csv
from pathlib import Path

import pytest

from exchange.importing import GONE, HEADER, OPEN, UNDATED, Shop, reasons
from salesledger.errors import StoreError, UsageError
from support.ledgers import log_of


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A ledger without a currency."""
    return Shop.at(tmp_path)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",Max,Bolt,Desk,Talking,2026-01-07,,", "no deal: id is empty"),
        ("a b,Max,Bolt,Desk,Talking,2026-01-07,,", "id is not an id: 'a b'; use letters, digits, '.', '_' and '-'"),
        ("x" * 81 + ",Max,Bolt,Desk,Talking,2026-01-07,,", "id is not an id: 'xxx"),
        ("d,Max,Bolt,Desk,Dreaming,2026-01-07,,", "no rule for such a row: phase is 'Dreaming'"),
        (
            "d,Max,Bolt,Desk,Talking,31.02.2026,,",
            "begun is not a date: '31.02.2026' fits none of iso, %d.%m.%Y, %m/%d/%Y",
        ),
        ("d,Max,Bolt,Desk,Talking,2026-12-31,,", "begun lies in the future: '2026-12-31'"),
        ("d,Max,Bolt,Desk,Sold,2026-02-07,2026-02-06,5", "ended is before begun: 2026-02-06 and 2026-02-07"),
        ("d,Max,Bolt,Desk,Sold,2026-02-07,,5", "no date: ended is empty"),
        ("d,Max,Bolt,Desk,Sold,2026-02-07,2026-02-08,-5", "price is not an amount: '-5'"),
        ("d,Max,Bolt,Desk,Sold,2026-02-07,2026-02-08,NaN", "price is not an amount: 'NaN'"),
        ("d,Max,Bolt,Desk,Sold,2026-02-07,2026-02-08,1E+1000000", "price is not an amount: '1E+1000000'"),
        ('d,Max,Bolt,Desk,Sold,2026-02-07,2026-02-08,"1,234"', "price is not an amount: '1,234'"),
        ("d,Max,Bolt," + "x" * 501 + ",Talking,2026-01-07,,", "item can't be recorded: the text has 501 characters"),
        ("d,Max," + "x" * 501 + ",Desk,Talking,2026-01-07,,", "client can't be recorded: the text has 501 characters"),
        ("d,!!!,Bolt,Desk,Talking,2026-01-07,,", "no id can be made of rep: '!!!' has no letter or digit"),
        ("d,Max,---,Desk,Talking,2026-01-07,,", "no id can be made of client: '---' has no letter or digit"),
        ("d,Max,Bo\0lt,Desk,Talking,2026-01-07,,", "a cell holds a NUL byte: line 3"),
        ("d,Max,Bo\udcfclt,Desk,Talking,2026-01-07,,", "a cell is not in the file's encoding: byte 0xfc, line 3"),
        ("d,Max,Bolt", "too few cells: 3, and the header has 8 (line 3)"),
        ('d,Max,"Bolt,Desk,Talking,2026-01-07,,', "a quote is opened and not closed properly: line 3"),
    ],
)
def test_what_cannot_be_recorded_is_rejected_with_its_line_and_the_reason(shop: Shop, row: str, reason: str) -> None:
    """And its neighbours are imported."""
    report = shop.imports(OPEN, row, GONE)
    assert (report.imported, report.rejected) == (2, 1)
    ((line, found),) = reasons(report)
    assert line == 3
    assert found.startswith(reason)
    ((written_line, written_reason, *_cells),) = shop.rejected()
    assert (written_line, written_reason) == ("3", found)


def test_rejected_rows_keep_their_cells(shop: Shop) -> None:
    """As they stood: mended and imported again, they are rows like any other."""
    shop.imports('d4,"Max ""M"", jr",Bolt,"De\nsk",Dreaming,2026-01-07,,', "e5,Max", OPEN)
    with shop.rejects.open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    assert header == ["import_line", "import_reason", *HEADER.split(",")]
    assert first[2:] == ["d4", 'Max "M", jr', "Bolt", "De\nsk", "Dreaming", "2026-01-07", "", ""]
    assert (second[0], second[2:]) == ("4", ["e5", "Max"])
    mended = shop.folder / "mended.csv"
    mended.write_text(shop.rejects.read_text(encoding="utf-8").replace("Dreaming", "Talking"), encoding="utf-8")
    assert shop.imports_file(mended).imported == 1
    assert shop.state("d4").product == "De\nsk"


def test_bytes_that_are_no_text_are_readable_among_the_rejects(shop: Shop) -> None:
    """The file is UTF-8 in any case."""
    shop.imports("d4,Max,B\udcfclt,Desk,Talking,2026-01-07,,")
    assert "B\\xfclt" in shop.rejects.read_text(encoding="utf-8")


def test_no_rejects_no_file(shop: Shop) -> None:
    """But a file of old rejects is emptied: it would be taken for today's."""
    assert shop.imports(OPEN).rejects is None
    assert not shop.rejects.exists()
    assert shop.imports(UNDATED).rejects == shop.rejects
    assert shop.rejects.stat().st_mode & 0o077 == 0
    shop.imports(OPEN)
    assert shop.rejected() == []


def test_nothing_else_is_overwritten_by_rejects(shop: Shop) -> None:
    """Not the file itself, not the ledger, not anybody's letter."""
    file = shop.write(UNDATED)
    letter = shop.folder / "letter.txt"
    letter.write_text("Dear Ann", encoding="utf-8")
    for path in (file, shop.ledger, letter):
        before = path.read_bytes()
        with pytest.raises(UsageError, match=r"Nothing was recorded\.$"):
            shop.imports_file(file, rejects=path)
        assert path.read_bytes() == before
    with pytest.raises(StoreError, match="the folder is missing or read-only"):
        shop.imports_file(file, rejects=shop.folder / "none" / "rejects.csv")
    assert len(log_of(shop.ledger)) == 2
