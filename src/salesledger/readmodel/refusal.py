"""What an engine complains of, in the ledger's own words."""

import re
from typing import TYPE_CHECKING

import duckdb

from salesledger.errors import BadQuery, MissingRate, SalesledgerError, TooLittleMemory
from salesledger.readmodel.duck import NO_ACCESS

if TYPE_CHECKING:
    from salesledger.readmodel.engine import Question

_NO_RATE = re.compile(r"NO_RATE ([A-Z]{3}) (\d+-\d\d-\d\d)")


def refused(
    error: Exception | str, what: str, question: "Question | None", memory: str | None = None
) -> SalesledgerError:
    """The error to raise where an engine complains: of memory, of a rate that is missing, of a file, of the SQL.

    Args:
        error: what it says.
        what: what can't be done, as the beginning of a sentence.
        question: what was asked.
        memory: what the engine may use, where that was said.
    """
    if isinstance(error, duckdb.OutOfMemoryException):
        return TooLittleMemory(memory)
    if found := _NO_RATE.search(str(error)):
        past = question is not None and (question.known_at is not None or question.upto is not None)
        return MissingRate(found[1], found[2], past=past)
    if NO_ACCESS in str(error):
        found = re.search(r'"(.*?)"', str(error))
        read = repr(found[1]) if found else "a file"
        return BadQuery(
            f"{what}: it reads {read}, and questions see nothing but the ledger: no other file, no network. "
            "Write the answer to a file (-o FILE), and join other data with that."
        )
    return BadQuery(f"{what}: {_first_line(error)}")


def _first_line(error: Exception | str) -> str:
    line = next(iter(str(error).strip().splitlines()), "it gives no reason")
    if "pytz" in line:  # what DuckDB would need to hand one over to Python
        return "A TIMESTAMP WITH TIME ZONE can't be shown; cast it, such as now()::TIMESTAMP, which is in UTC."
    if line.startswith("Catalog Error: Table with name"):
        return f"{line} 'salesledger projections' lists what can be asked."
    return line
