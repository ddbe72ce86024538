"""The file of rejected rows: line, reason and the cells as they stood, so that they can be mended and imported again."""

import csv
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from salesledger.errors import NOTHING_RECORDED, BadFile, StoreError, UsageError
from salesledger.exchange.csv_rows import Row
from salesledger.exchange.rules import BLANKS
from salesledger.ledger.guard import check_may_write

LINE, REASON = "import_line", "import_reason"
"""The columns before those of the file; the next import passes over them."""

_UNDECODED = re.compile("[\ud800-\udfff]")


class RejectsFile:
    """Rejected rows on their way to a file, which appears whole when the import ends, and only if there are any.

    Args:
        path: the file; one that holds rejects already is replaced.
        header: the columns of the imported file.
        delimiter: the imported file's.
        sources: files that must not be overwritten.

    Raises:
        BadFile: the path is one of the sources, or holds something else than rejects.
        UsageError: a ledger lives on it.
        StoreError: the folder can't be written.
    """

    def __init__(self, path: Path, header: list[str], delimiter: str, sources: tuple[Path, ...]) -> None:
        self.path, self.rows = path, 0
        try:
            check_may_write(path, "--rejects")
        except UsageError as e:
            raise e.also(NOTHING_RECORDED) from None
        self._stale = _may_replace(path, sources)
        self._header, self._delimiter = header, delimiter
        self._draft: Path | None = None
        self._writer: Any = None
        self._file: Any = None
        folder = path.absolute().parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise StoreError(
                f"Rejected rows can't be written to {str(path)!r}: the folder is missing or read-only. "
                f"Name another file with --rejects. {NOTHING_RECORDED}"
            )

    def __enter__(self) -> Self:
        return self

    def add(self, row: Row, reason: str) -> None:
        """Keep a row."""
        if self._writer is None:
            self._begin()
        self._writer.writerow([row.line, readable(reason), *map(readable, row.cells)])
        self.rows += 1

    def _begin(self) -> None:
        descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.absolute().parent)
        self._draft = Path(name)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        csv.writer(self._file, delimiter=self._delimiter).writerow([LINE, REASON, *map(readable, self._header)])
        # Between blanks nothing can be empty, so all cells are quoted there.
        quoted = self._delimiter == BLANKS
        self._writer = csv.writer(
            self._file, delimiter=self._delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
        )

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if exc is None and self._stale and self._writer is None:
            self._begin()
        if self._draft is None:
            return
        self._file.close()
        if exc is None:
            self._draft.replace(self.path)
        else:
            with suppress(OSError):
                self._draft.unlink()


def readable(text: str) -> str:
    """The text with bytes that the file's encoding doesn't know as \\xe9, so that the rejects are always valid UTF-8."""
    return text if text.isascii() else _UNDECODED.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)


def _may_replace(path: Path, sources: tuple[Path, ...]) -> bool:
    """Whether there are old rejects in the file's place."""
    if not path.exists():
        return False
    if any(source.exists() and path.samefile(source) for source in sources):
        raise BadFile(
            f"{str(path)!r} can't take the rejected rows: it is what is read. Name another. {NOTHING_RECORDED}"
        )
    try:
        with path.open("rb") as file:
            begin = file.read(len(LINE))
    except OSError as e:
        raise StoreError(f"{str(path)!r} can't take the rejected rows: {e.strerror}. {NOTHING_RECORDED}") from e
    if begin and begin != LINE.encode():
        raise BadFile(
            f"{str(path)!r} exists and holds no rejected rows; it was left as it is. "
            f"Name another file with --rejects. {NOTHING_RECORDED}"
        )
    return True
