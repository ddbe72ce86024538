"""What an import did, in counts that add up."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reject:
    """A row that was not imported: the physical line that it starts on, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Report:
    """What an import did, or would do.

    Attributes:
        file: what was read.
        rows: rows of the file, without its header and blank lines: imported + changed + unchanged + rejected.
        imported: rows of deals that the system had not imported before.
        changed: rows that said something else than before.
        unchanged: rows that said the same as before.
        rejected: rows that ended in the rejects file.
        reasons: rejected rows by what was wrong; they sum to `rejected`.
        events: appended events by type, those of accounts, currency and process included.
        first_rejects: the first few of the rejected rows.
        rejects: the file that they are in; None where there are none, or nobody asked.
        date_format: the format that the file's dates were read in, or all that were needed; empty where it has no dates.
        delimiter: what was between the cells.
        dry_run: True where nothing was recorded.
    """

    file: str
    rows: int
    imported: int
    changed: int
    unchanged: int
    rejected: int
    reasons: Mapping[str, int]
    events: Mapping[str, int]
    first_rejects: tuple[Reject, ...]
    rejects: Path | None
    date_format: str
    delimiter: str
    dry_run: bool

    def text(self) -> str:
        """The report for people, in plain lines; what can't be printed is escaped."""
        would = "would be " if self.dry_run else ""
        lines = [
            f"{self.file}: {self.rows} rows",
            f"  {self.imported:>8} imported",
            f"  {self.changed:>8} changed",
            f"  {self.unchanged:>8} unchanged",
            f"  {self.rejected:>8} rejected",
        ]
        lines += [f"    {n:>8} {kind}" for kind, n in sorted(self.reasons.items(), key=lambda r: (-r[1], r[0]))]
        lines += [f"             line {reject.line}: {reject.reason}" for reject in self.first_rejects[:3]]
        lines.append(f"  {sum(self.events.values()):>8} events {would}recorded")
        lines += [f"    {n:>8} {kind}" for kind, n in sorted(self.events.items(), key=lambda r: (-r[1], r[0]))]
        if self.date_format:
            lines.append(f"  Dates were read as {self.date_format}.")
        if self.rejects is not None:
            lines.append(f"  The rejected rows are in {self.rejects}.")
        if not self.rows:
            lines.append("  The file has a header and no rows.")
        if self.dry_run:
            lines.append("  Dry run: nothing was recorded.")
        return "\n".join(map(_printable, lines))


def _printable(line: str) -> str:
    return line if line.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
