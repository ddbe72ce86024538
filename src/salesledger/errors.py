"""Every way in which salesledger says no: one root, one class a failure.

SalesledgerError                exit code 1: the ledger says no
├── UsageError                  exit code 2: the question or the value can't be understood
│   ├── BadDate                 not a date, a time or a smart date
│   ├── BadPeriod               not a period
│   ├── BadFilter               not a filter of this report
│   ├── BadValue                an amount, id, text or field that an event can't hold
│   ├── BadFile                 a file of rules, of a process or of rows that can't be read
│   └── BadQuery                SQL that can't be run, or a parameter that is missing
├── MissingRate                 an amount in a currency that has no exchange rate at the date in question
├── Refused                     a step that the deal's (account's, process's) timeline makes impossible
├── NotFound                    an id, an entry or a projection that isn't there
│   └── AmbiguousId             a prefix that fits several ids
├── KeyReused                   an idempotency key that was already used for something else
├── Conflict                    others kept writing to the same stream
├── NoSeal                      the ledger can't be sealed as it is, or has no seal that was asked for
├── NotProved                   a proof that doesn't prove what it says
├── NoEngine                    the engine that is to answer can't be started
├── TooLittleMemory             a question needs more than its engine may use
└── StoreError                  the file itself
    ├── NoLedger                there is no ledger at that place
    ├── NotALedger              the file is something else
    ├── NewerLedger             written by a later salesledger
    ├── LedgerExists            there is one already
    ├── ReadOnlyLedger          it can be read but not written
    ├── LockedLedger            another program holds it
    ├── UnreachableLedger       the database server can't be reached, or refuses the login
    ├── UnknownOutcome          the server went away in mid-append: whether it was recorded isn't known
    ├── LostKeys                the keys of persons can't be used
    └── DamagedLedger           the database reports damage, or the disk refused the write

A message says what is wrong, which value, what to do about it and, where something was to be recorded, that nothing was.
"""

import shlex
from typing import Self

NOTHING_RECORDED = "Nothing was recorded."


def as_typed(command: str) -> str:
    """A command in quotes, as messages have it; in others where it holds such quotes itself."""
    return f"'{command}'" if "'" not in command else f"`{command}`"


class SalesledgerError(Exception):
    """The root: whatever salesledger raises on purpose.

    Attributes:
        exit_code: what the command line ends with.
        group: which of several groups was refused, from 0, where several were to be recorded together.
    """

    exit_code = 1
    group: int | None = None

    def also(self, sentence: str) -> Self:
        """The same error, its message ending with a sentence that it may end with already."""
        if not str(self).endswith(sentence):
            self.args = (f"{self} {sentence}",)
        return self


class UsageError(SalesledgerError):
    """The question or the value can't be understood."""

    exit_code = 2


class BadDate(UsageError):
    """Not a date, an instant or a smart date."""

    def __init__(self, text: str, why: str = "") -> None:
        super().__init__(
            f"{text!r} is not a date{': ' + why if why else ''}. "
            "Write 2026-03-31, 2026-03-31T14:30, today, yesterday or last friday."
        )


class BadPeriod(UsageError):
    """Not a period of time."""

    def __init__(self, text: str, why: str = "") -> None:
        super().__init__(
            f"{text!r} is not a period{': ' + why if why else ''}. "
            "Write 2026, 2026Q1, 2026-03, last month or 2026-03..2026-06 (the end is exclusive)."
        )


class BadFilter(UsageError):
    """Not a filter that this report understands."""


class BadValue(UsageError):
    """A value that an event can't hold: an amount, an id, a text, a field."""


class BadFile(UsageError):
    """A file of rules, of a process or of rows that can't be read as such."""


class BadQuery(UsageError):
    """SQL that can't be run, or a projection's parameter that is missing."""


class MissingRate(SalesledgerError):
    """An amount is to be converted, and its currency has no exchange rate at that date."""

    def __init__(self, currency: str, day: str, *, past: bool = False) -> None:
        problem = f"{currency} has no exchange rate on {day}"
        remedy = f"Set one: 'salesledger rate set {currency} RATE --on {day}'."
        if past:
            problem += " that was known by then"
            remedy = "Ask for a later --known-at or --upto: a rate that is set now is known from now on only."
        super().__init__(f"{problem}, so an amount in it can't be converted. {remedy}")


class Refused(SalesledgerError):
    """The step is impossible at that place of the timeline."""


class NotFound(SalesledgerError):
    """No such id, entry or projection."""


class AmbiguousId(NotFound):
    """A prefix that fits several ids; None where what was given may be a person's name, which isn't repeated."""

    def __init__(self, kind: str, prefix: str | None, candidates: list[str]) -> None:
        shown = ", ".join(candidates[:5]) + (", ..." if len(candidates) > 5 else "")
        if prefix is None:
            super().__init__(f"Several {kind}s fit that: {shown}. Give the id.")
            return
        super().__init__(f"{prefix!r} could be any of these {kind}s: {shown}. Type more of the id.")


class KeyReused(SalesledgerError):
    """The idempotency key stands for something else already."""


class Conflict(SalesledgerError):
    """Others kept writing to the same stream."""


class NoSeal(SalesledgerError):
    """The ledger can't be sealed: its key isn't at hand, or what is sealed has changed; or a seal that is needed isn't there."""


class NotProved(SalesledgerError):
    """A proof doesn't prove what it says."""


class NoEngine(SalesledgerError):
    """The engine that is to answer can't be started."""

    def __init__(self, engine: str, why: str, remedy: str) -> None:
        super().__init__(f"The engine {engine} can't be started: {why.rstrip('.')}. {remedy}")


class TooLittleMemory(SalesledgerError):
    """A question needs more memory than its engine may use."""

    def __init__(self, memory: str | None) -> None:
        told = (
            f"more memory than --memory {memory}. Give more (--memory, $SALESLEDGER_MEMORY), or leave it out"
            if memory
            else "more memory than there is. Ask for less at a time, such as a shorter period"
        )
        super().__init__(f"The question needs {told}.")


class StoreError(SalesledgerError):
    """The ledger's file can't be used as asked."""


class NoLedger(StoreError):
    """There is no ledger at that place."""

    def __init__(self, place: str, remedy: str | None = None) -> None:
        command = as_typed(f"salesledger -f {shlex.quote(place)} init")
        usual = f"Make one with {command}, or name another with -f or $SALESLEDGER_FILE."
        super().__init__(f"There is no ledger at {place!r}. {remedy or usual}")


class NotALedger(StoreError):
    """The file is something else."""

    def __init__(self, place: str, why: str, remedy: str = "") -> None:
        super().__init__(f"{place!r} is not a salesledger ledger: {why}. It was left as it is. {remedy}".rstrip())


class NewerLedger(StoreError):
    """A later salesledger wrote it."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(
            f"{place!r} was written by a newer salesledger ({what}). Upgrade salesledger to use it. It was left as it is."
        )


class LedgerExists(StoreError):
    """There is a file at that place already."""

    def __init__(self, place: str, remedy: str = "Name another file with -f.") -> None:
        super().__init__(f"{place!r} exists already; it was left as it is. {remedy}")


class ReadOnlyLedger(StoreError):
    """It can be read but not written."""

    def __init__(self, place: str, remedy: str = "Give yourself write access to the file and its folder.") -> None:
        super().__init__(f"{place!r} is read-only: reports work, recording doesn't. {remedy} {NOTHING_RECORDED}")


class LockedLedger(StoreError):
    """Another program holds the ledger."""

    def __init__(self, place: str, seconds: float) -> None:
        super().__init__(
            f"{place!r} is locked: another program held it for {seconds:g} s. Try again when it has finished. "
            f"{NOTHING_RECORDED}"
        )


class UnreachableLedger(StoreError):
    """The database server can't be reached, or refuses the login."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(
            f"{place!r} can't be reached: {why}. See that the server runs and that the URL and the login are right. "
            f"{NOTHING_RECORDED}"
        )


class UnknownOutcome(StoreError):
    """The server went away in mid-append and didn't come back in time."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"{place!r} went away while it recorded, and didn't come back: whether that was recorded isn't known. When the "
            "server is back, look with 'salesledger log'; a command that had a --key can simply be run again."
        )


class LostKeys(StoreError):
    """The keys of persons, or the master key that wraps them, can't be used."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(
            f"The keys of persons in {place!r} can't be used: {why}. Put the files of keys back where they were, from a "
            f"backup of them; all else in the ledger works without. {NOTHING_RECORDED}"
        )


class DamagedLedger(StoreError):
    """The database reports damage, or the disk refused a write."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place!r} could not be read or written: {why}. {NOTHING_RECORDED}")
