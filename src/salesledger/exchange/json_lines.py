"""JSON lines in: one event a line, for machines."""

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from salesledger.errors import NOTHING_RECORDED, BadFile, BadValue, SalesledgerError

if TYPE_CHECKING:
    from salesledger.ledger.batch import Outcome, Proposal

MAX_LINE = 1_000_000
"""Bytes in a line."""

_BY_THE_LEDGER = ("entry", "recorded_at", "stream", "id", "version", "rank", "replaces", "effective_on", "struck_by")
_EXPORTED = {"entry", "recorded_at", "stream", "id"}
"""What only an export has all of."""


class Recorder(Protocol):
    """What makes proposals and records them: the ledger."""

    def proposal(self, type: str, /, **fields: Any) -> "Proposal":
        """See `salesledger.api.Ledger.proposal`."""

    def record_all(self, groups: Sequence[Sequence["Proposal"]], *, dry_run: bool = False) -> list[list["Outcome"]]:
        """See `salesledger.api.Ledger.record_all`."""

    def moment(self, text: Any, *, end_of_day: bool) -> Any:
        """See `salesledger.api.Ledger.moment`."""


def record_lines(
    ledger: Recorder, lines: Iterable[bytes], *, actor: str | None = None, dry_run: bool = False
) -> list["Outcome"]:
    """Record the event of each line: all of them or none.

    Args:
        ledger: what records them.
        lines: UTF-8, one JSON object each; empty ones are passed over.
        actor: who records, where a line names nobody.
        dry_run: decide only.

    Raises:
        BadFile: a line is no JSON object.
        SalesledgerError: the ledger refuses a line; the message begins with the line's number.
    """
    numbers: list[int] = []
    groups: list[list[Proposal]] = []
    for number, proposal in proposals(ledger, lines, actor=actor):
        numbers.append(number)
        groups.append([proposal])
    try:
        return [outcome for group in ledger.record_all(groups, dry_run=dry_run) for outcome in group]
    except SalesledgerError as e:
        if e.group is not None:
            _say_line(numbers[e.group], e)
        raise


def proposals(
    ledger: Recorder, lines: Iterable[bytes], *, actor: str | None = None
) -> Iterator[tuple[int, "Proposal"]]:
    """Read events, each with the number of its line; see `record_lines`."""
    currency: str | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fields = _object(number, line)
        # In a ledger without a currency the first one holds, for the lines behind it as well.
        currency = currency or fields.get("currency")
        if currency is not None and any(fields.get(name) is not None for name in ("amount", "recurring_amount")):
            fields.setdefault("currency", currency)
        try:
            yield number, _proposal(ledger, fields, actor)
        except SalesledgerError as e:
            _say_line(number, e)
            raise


def _say_line(number: int, error: SalesledgerError) -> None:
    error.args = (f"Line {number}: {error.also(NOTHING_RECORDED)}",)


def _object(number: int, line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise BadFile(f"Line {number} has {len(line)} bytes; at most {MAX_LINE} are read. {NOTHING_RECORDED}")
    try:
        value = json.loads(
            line.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=each_once
        )
    except (ValueError, ArithmeticError, RecursionError) as e:
        raise BadFile(f"Line {number} is no JSON: {e}. {NOTHING_RECORDED}") from e
    if not isinstance(value, dict):
        raise BadFile(f'Line {number} is no JSON object, such as {{"type": "deal-won", ...}}. {NOTHING_RECORDED}')
    return value


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, for `json.loads`.

    Raises:
        ValueError: a name stands in it twice.
    """
    told = dict(pairs)
    if len(told) < len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise ValueError(f"{twice!r} is said twice")
    return told


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number that a ledger can hold")


def _proposal(ledger: Recorder, fields: dict[str, Any], actor: str | None) -> "Proposal":
    type_name = fields.pop("type", None)
    if not isinstance(type_name, str):
        raise BadValue(f'A line needs a "type", such as "deal-won". {NOTHING_RECORDED}')
    if fields.keys() >= _EXPORTED:
        raise BadValue(
            f"This line was exported. To record it again, leave out what the ledger gives ({', '.join(_BY_THE_LEDGER)}), and write "
            f'"{fields["stream"]}" with the id in the place of "stream" and "id". {NOTHING_RECORDED}'
        )
    for name in _BY_THE_LEDGER:
        if name in fields:
            raise BadValue(f"{name!r} is given by the ledger, never by a line; leave it out. {NOTHING_RECORDED}")
    on = fields.pop("on", None)
    effective_at = fields.pop("effective_at", None)
    if on is not None and effective_at is not None:
        raise BadValue(f'Give "on" or "effective_at", not both. {NOTHING_RECORDED}')
    if fields.get("actor") is not None and fields.get("recorded_by") is not None:
        raise BadValue(f'Give "actor" or "recorded_by", not both. {NOTHING_RECORDED}')
    who = fields.pop("actor", None) or fields.pop("recorded_by", None) or actor
    fields.pop("recorded_by", None)
    known_at = fields.pop("known_at", None)
    for name in ("deal", "account", "process", "person", "key"):
        if name in fields and not isinstance(fields[name], str):
            raise BadValue(f"{name!r} must be text. {NOTHING_RECORDED}")
    return ledger.proposal(
        type_name,
        on=on if on is not None else effective_at,
        known_at=ledger.moment(known_at, end_of_day=False),
        actor=None if who is None else str(who),
        **fields,
    )
