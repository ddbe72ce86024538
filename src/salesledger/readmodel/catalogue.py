"""The projections there are: one SQL file each, with a header that says what it answers, needs and gives."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from salesledger.errors import BadFile, NotFound

BASES = ("decoded", "periods", "process_stages", "process_criteria", "rated", "personal")
"""The relations that the engine supplies: the decoded log, the periods that are asked about, stages and criteria of every
process, every exchange rate that was ever set, and what is kept about persons (entry, field, text), which is decrypted for the
question and held in memory only."""

STATUSES = ("open", "won", "lost", "disqualified")
"""How a deal can stand."""

PARAMETERS = ("as_of", "as_of_on", "since", "since_on", "known_at", "late_days", "by", "currency")
"""The parameters that the engine supplies."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_LINE = re.compile(r"--\s?(.*)")
_COLUMN = re.compile(r"\s+([a-z_][a-z0-9_]*):\s+(.+)")
_TEXT_OR_COMMENT = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")


@dataclass(frozen=True)
class Projection:
    """A projection as its file says.

    Attributes:
        name: the file's name, and the view's.
        title: what it answers.
        grain: what one row is.
        needs: the relations that it reads.
        parameters: the parameters that it reads, without the dollar sign.
        columns: each column and what it means, in order.
        sql: the statement without its comments.
        own: True where it comes from the folder beside the ledger.
        problem: why it can't be used, where that is so.
        only: the status of the only deals that it looks at in `deals`, where it says so: no other deal is folded for it then.
        since_periods: whether it looks at no deal that was closed before the first of the periods began.
    """

    name: str
    title: str
    grain: str
    needs: tuple[str, ...]
    parameters: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    sql: str = ""
    own: bool = False
    problem: str = ""
    only: str | None = None
    since_periods: bool = False


def parse(name: str, text: str, *, own: bool = False) -> Projection:
    """Read a projection's file.

    Raises:
        BadFile: the header lacks something, or the statement is missing.
    """
    said: dict[str, str] = {}
    columns: dict[str, str] = {}
    in_columns = False
    for line in text.splitlines():
        match = _LINE.match(line)
        if not match:
            break
        told = match.group(1)
        if in_columns and (column := _COLUMN.fullmatch(told)):
            columns[column.group(1)] = column.group(2)
            continue
        key, colon, value = told.partition(":")
        in_columns = key == "columns"
        if colon:
            said[key.strip()] = value.strip()
    sql = without_comments(text).strip().rstrip(";").strip()
    for wanted in (name, "grain", "needs", "parameters", "columns"):
        if wanted not in said:
            raise BadFile(
                f"The projection {name!r} has no line '-- {wanted}: ...' in its header; see docs/projections.md."
            )
    if not sql:
        raise BadFile(f"The projection {name!r} holds no SQL after its header.")
    return Projection(
        name=name,
        title=said[name],
        grain=said["grain"],
        needs=_names(said["needs"]),
        parameters=tuple(p.removeprefix("$") for p in _names(said["parameters"])),
        columns=columns,
        sql=sql,
        own=own,
        only=_status(name, said.get("only")),
        since_periods=_since(name, said.get("since")),
    )


def without_comments(sql: str) -> str:
    """The statement without its comments; what stands in quotes is none."""
    return _TEXT_OR_COMMENT.sub(lambda m: m[1] or " ", sql)


def _status(name: str, text: str | None) -> str | None:
    if text is None or text in STATUSES:
        return text
    raise BadFile(f"The projection {name!r} looks at 'only: {text}'; a deal's status is one of {', '.join(STATUSES)}.")


def _since(name: str, text: str | None) -> bool:
    if text in (None, "periods"):
        return text is not None
    raise BadFile(f"The projection {name!r} looks at deals 'since: {text}'; it can only be 'since: periods'.")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip() and name.strip() != "none")


def shipped_folder() -> Path:
    """Where the projections that ship with the package lie: beside it when it is installed, else in the checkout."""
    beside = Path(__file__).parent.parent / "projections"
    return beside if beside.is_dir() else Path(__file__).parents[3] / "projections"


def load(own_folder: Path | None = None) -> dict[str, Projection]:
    """Every projection by name: the shipped ones, and those of a folder of the user's, which add to them or override them.

    A file of the user's that is no projection is listed with its problem, which is raised when it is asked for: it does not
    stand in the way of the others.
    """
    found: dict[str, Projection] = {}
    for folder, own in ((shipped_folder(), False), (own_folder, True)):
        if folder is None or not folder.is_dir():
            continue
        for file in sorted(folder.glob("*.sql")):
            try:
                found[file.stem] = _read(file, own=own)
            except BadFile as e:
                problem = f"{e} It is the file {str(file)!r}."
                found[file.stem] = Projection(file.stem, str(e), "?", (), (), own=own, problem=problem)
    return found


def mark_of(own_folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells whether a folder of projections has changed: each file's name, when it was written, and its size."""
    marks = []
    for file in sorted(own_folder.glob("*.sql")):
        with suppress(OSError):  # it may go at any moment
            told = file.stat()
            marks.append((file.name, told.st_mtime_ns, told.st_size))
    return tuple(marks)


def _read(file: Path, *, own: bool) -> Projection:
    if not _NAME.fullmatch(file.stem) or file.stem in BASES:
        raise BadFile(
            f"{file.name!r} can't name a projection; use small letters, digits and '_', and none of {', '.join(BASES)}."
        )
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise BadFile(f"The projection {file.name!r} can't be read: {e}.") from e
    return parse(file.stem, text, own=own)


def named(projections: Mapping[str, Projection], name: str) -> Projection:
    """The projection of that name.

    Raises:
        NotFound: there is none; the message names what is close.
        BadFile: its file is broken.
    """
    if name in projections:
        if projections[name].problem:
            raise BadFile(projections[name].problem)
        return projections[name]
    close = get_close_matches(name, projections, 1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    raise NotFound(f"There is no projection {name!r}. {hint}'salesledger projections' lists them.")


def in_order(projections: Mapping[str, Projection], wanted: Iterable[str]) -> list[Projection]:
    """The wanted projections and all that they need, each behind what it needs.

    Raises:
        NotFound: one needs a relation that isn't there.
        BadFile: they need each other in a circle.
    """
    order: dict[str, Projection] = {}
    open_names: list[str] = []

    def visit(name: str) -> None:
        if name in order or name in BASES:
            return
        if name in open_names:
            raise BadFile(f"The projections {', '.join(open_names)} need each other in a circle.")
        open_names.append(name)
        projection = named(projections, name)
        for need in projection.needs:
            visit(need)
        open_names.pop()
        order[name] = projection

    for name in wanted:
        visit(name)
    return list(order.values())


def named_in(projections: Mapping[str, Projection], sql: str) -> list[Projection]:
    """The projections whose names occur in a statement, and all that they need; what else is called so counts as well.

    Raises:
        NotFound, BadFile: see `in_order`.
    """
    return in_order(projections, [name for name, known in projections.items() if name in sql and not known.problem])


def without_parameters(sql: str) -> str:
    """The statement with NULL in place of each parameter, for what can only be asked of a statement without any."""
    return re.sub(r"'(?:[^']|'')*'|\$[a-z_][a-z0-9_]*", lambda m: m[0] if m[0][0] == "'" else "NULL", sql)


def parameters_of(sql: str) -> set[str]:
    """The parameters that a statement reads, without the dollar sign."""
    return set(_PARAMETER.findall(_TEXT.sub("", without_comments(sql))))
