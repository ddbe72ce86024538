"""How a CSV file falls into rows: each with the line that it starts on, nothing lost in silence."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.importing import HEADER, rules
from salesledger.errors import BadFile
from salesledger.exchange.csv_rows import MOST_LINES, Row, Table

A, B, C = "a1,kim,Acme,Chair,Talking,x,,", "b2,lee,Bolt,Desk,Talking,x,,", "c3,kim,Cork,Lamp,Talking,x,,"


def table(tmp_path: Path, data: bytes | str, **changes: Any) -> Table:
    """A file of these bytes, read by the rules of the tests."""
    file = tmp_path / "rows.csv"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return Table.read(file, rules(**changes))


def read(tmp_path: Path, *lines: str) -> list[Row]:
    """The rows of a file of these lines."""
    return list(table(tmp_path, "\n".join([HEADER, *lines])).rows())


def problems(rows: list[Row]) -> list[tuple[int, str | None]]:
    """Line and problem of each row."""
    return [(row.line, row.problem.reason if row.problem else None) for row in rows]


def test_rows_start_on_physical_lines(tmp_path: Path) -> None:
    """A cell with a line break moves what follows; blank lines count as lines, not as rows."""
    rows = read(tmp_path, A, "", 'b2,lee,"Bolt\nSons",Desk,Talking,x,,', C, "")
    assert problems(rows) == [(2, None), (4, None), (6, None)]
    assert rows[1].cells[2] == "Bolt\nSons"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_will_do(end: str, tmp_path: Path) -> None:
    """Also in one file with others, and with or without one at the end."""
    assert [row.line for row in table(tmp_path, end.join([HEADER, A, B])).rows()] == [2, 3]
    assert [row.line for row in table(tmp_path, end.join([HEADER, A, B + "\n", ""])).rows()] == [2, 3]


def test_separators_that_python_takes_for_line_ends_are_text(tmp_path: Path) -> None:
    """Form feeds and Unicode's line separators stay in their cells."""
    (row,) = read(tmp_path, A.replace("Acme", "Ac\x0cme\u2028\x85"))
    assert row.cells[2] == "Ac\x0cme\u2028\x85"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_shows_the_needed_columns(delimiter: str, tmp_path: Path) -> None:
    """Commas in cells and other columns' names don't mislead it."""
    other = delimiter + '"a,b;c|d\te"'
    found = table(tmp_path, HEADER.replace(",", delimiter) + other + "\n" + A.replace(",", delimiter) + other)
    assert found.delimiter == delimiter
    assert [row.problem for row in found.rows()] == [None]


def test_a_delimiter_of_the_rules_is_not_questioned(tmp_path: Path) -> None:
    """'tab' is the tabulator."""
    assert table(tmp_path, HEADER.replace(",", "\t"), delimiter="tab").delimiter == "\t"
    with pytest.raises(BadFile, match="there is no column"):
        table(tmp_path, HEADER, delimiter=";")


def test_names_of_columns_are_compared_without_case_and_blanks(tmp_path: Path) -> None:
    """A byte order mark is no part of a name either, and columns that nobody asked for are passed over."""
    header = "\ufeff Notes, ID ,Rep,CLIENT,\titem,Phase,begun , Ended,Price,,"
    assert table(tmp_path, header).places["id"] == 1


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "id,rep,client,item,phase,begun,ended,prize",
            r"no column 'price' \(events.3.fields.amount .*perhaps 'prize' is meant",
        ),
        ("id,rep,client", "no column 'item' .*its columns are: 'id', 'rep', 'client'"),
        (HEADER + ",ID", "the column 'id' occurs 2 times"),
        ("", "is empty"),
        ("\n \n\r\n", "is empty"),
        ('"id,rep,client', "there is no column 'id'"),
    ],
)
def test_a_header_without_the_needed_columns_is_refused(header: str, expected: str, tmp_path: Path) -> None:
    """Once, with what is missing."""
    with pytest.raises(BadFile, match=expected):
        table(tmp_path, header)


def test_ragged_rows_say_how_many_cells_they_have(tmp_path: Path) -> None:
    """Too few, too many, or only delimiters: the neighbours are not harmed."""
    assert problems(read(tmp_path, A, "b2,lee", C, C + ",more", ",,,,,,,")) == [
        (2, None),
        (3, "too few cells: 2, and the header has 8 (line 3)"),
        (4, None),
        (5, "too many cells: 9, and the header has 8 (line 5)"),
        (6, None),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        'b2,lee,"Bolt,Desk,Talking,x,,',
        'b2,lee,"Bolt" Ltd,Desk,Talking,x,,',
        'b2,lee,"Bolt ""Ltd"",Desk,Talking,x,,',
        '"',
        'b2,lee,"' + "x" * 200_000,
    ],
)
def test_a_broken_quote_costs_its_own_line_only(broken: str, tmp_path: Path) -> None:
    """What it would have swallowed is read."""
    assert problems(read(tmp_path, A, broken, C, A)) == [
        (2, None),
        (3, "a quote is opened and not closed properly: line 3"),
        (4, None),
        (5, None),
    ]


def test_a_quote_that_is_closed_in_a_later_row_is_not_taken_for_a_cell(tmp_path: Path) -> None:
    """Two broken quotes that happen to fit each other hide whole rows: all of them are refused, by their lines."""
    rows = read(tmp_path, 'a1,kim,"Acme,Chair,Talking,x,,', B, 'c3,kim,Cork",Lamp,Talking,x,,', A)
    assert problems(rows) == [(2, "a quote runs over what looks like other rows: lines 2 to 4"), (5, None)]


def test_a_quote_is_not_looked_for_without_end(tmp_path: Path) -> None:
    """A cell of more than a thousand lines is none."""
    lines = ["text"] * MOST_LINES
    rows = read(tmp_path, 'a1,kim,"Acme', *lines, 'end",Chair,Talking,x,,', B)
    assert rows[0].problem is not None
    assert rows[0].problem.kind == "a quote is opened and not closed properly"
    assert len(rows) == 1 + MOST_LINES + 2
    assert rows[-1].problem is None


def test_bytes_that_are_no_text_spoil_their_own_row(tmp_path: Path) -> None:
    """A NUL, and a byte of another encoding."""
    data = "\n".join([HEADER, A, B, C]).encode().replace(b"Acme", b"Ac\xfcme").replace(b"Bolt", b"Bo\0lt")
    rows = list(table(tmp_path, data).rows())
    assert problems(rows) == [
        (2, "a cell is not in the file's encoding: byte 0xfc, line 2"),
        (3, "a cell holds a NUL byte: line 3"),
        (4, None),
    ]


def test_another_encoding_is_read_where_the_rules_name_it(tmp_path: Path) -> None:
    """UTF-16 with its mark, or one byte a letter."""
    text = "\n".join([HEADER, A.replace("Acme", "Äcme")])
    for encoding in ("utf-16", "cp1252", "utf-8", "utf-8-sig"):
        (row,) = table(tmp_path, text.encode(encoding), encoding=encoding).rows()
        assert row.cells[2] == "Äcme"


def test_utf_16_is_recognised_where_the_rules_say_nothing(tmp_path: Path) -> None:
    """The remedy is the line of the rules."""
    with pytest.raises(BadFile, match='is UTF-16; write encoding = "utf-16" in the rules'):
        table(tmp_path, HEADER.encode("utf-16"))
    with pytest.raises(BadFile, match="is not in utf-16"):
        table(tmp_path, b"abc", encoding="utf-16")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """And so is a folder."""
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(BadFile, match="can't be read"):
            Table.read(path, rules())


CELLS = st.lists(
    st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=8), min_size=8, max_size=8
)


@given(st.lists(CELLS, max_size=8), st.sampled_from(",;|\t"))
def test_well_formed_files_give_back_their_cells(rows: list[list[str]], delimiter: str) -> None:
    """Whatever they hold: what Python's csv writes is what is read."""
    import tempfile

    told = io.StringIO(newline="")
    writer = csv.writer(told, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([HEADER.split(","), *rows])
    with tempfile.TemporaryDirectory() as folder:
        found = list(table(Path(folder), told.getvalue()).rows())
    assert [row.cells for row in found] == rows


@given(st.lists(st.text(alphabet='ab",\n', max_size=12), max_size=12))
def test_every_line_that_is_not_blank_is_in_some_row(lines: list[str]) -> None:
    """However the quotes lie: the rows' spans cover the file, in order and without overlap."""
    import tempfile

    text = "\n".join([HEADER, *lines])
    with tempfile.TemporaryDirectory() as folder:
        found = list(table(Path(folder), text).rows())
    starts = [row.line for row in found] + [len(text.split("\n")) + 1]
    covered: set[int] = set()
    for row, following in zip(found, starts[1:], strict=False):
        span = 1 + sum(cell.count("\n") for cell in row.cells)
        assert row.line + span <= following
        covered |= set(range(row.line, row.line + span))
    for number, line in enumerate(text.split("\n"), start=1):
        assert number == 1 or number in covered or not line.strip()
