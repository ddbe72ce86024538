"""A sales process written down as a TOML file: the user's own, or one of the templates that ship."""

import tomllib
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from salesledger.domain.process import Definition
from salesledger.domain.values import to_id, to_text
from salesledger.errors import NOTHING_RECORDED, BadFile, NotFound
from salesledger.ledger.intake import describe

TEMPLATES = Path(__file__).parent.parent / "templates"
"""Where the processes that ship with the package lie."""

_PARTS = tuple(Definition.model_fields)
_KEYS = ("name", "title", *_PARTS)


def read_process(file: Path) -> tuple[str, str | None, Definition]:
    """Read a process: its name, its title and what it holds.

    Raises:
        BadFile: it can't be read, or is no process; the message says where.
    """
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=str)
    except OSError as e:
        raise BadFile(f"{str(file)!r} can't be read: {e.strerror}. {NOTHING_RECORDED}") from e
    except ValueError as e:
        raise BadFile(f"{str(file)!r} is no TOML: {e}. {NOTHING_RECORDED}") from e
    unknown = set(told) - set(_KEYS)
    if unknown:
        raise BadFile(
            f"{str(file)!r} has an unknown key {min(unknown)!r}; a process has {', '.join(_KEYS)}. {NOTHING_RECORDED}"
        )
    where = "name"
    try:
        name = to_id(str(told.get("name", "")))
        where = "title"
        title = to_text(str(told["title"])) if "title" in told else None
    except ValueError as e:
        raise BadFile(f"{str(file)!r}: {where}: {e}. {NOTHING_RECORDED}") from e
    if not told.get("stages"):
        raise BadFile(
            f"{str(file)!r} has no stages; a process needs one or more [[stages]], each with a name and a probability. "
            f"{NOTHING_RECORDED}"
        )
    try:
        definition = Definition.model_validate({"stages": [], **{part: told[part] for part in _PARTS if part in told}})
    except ValidationError as e:
        raise BadFile(f"{str(file)!r}: {describe(e, 'process')} {NOTHING_RECORDED}") from e
    return name, title, definition


def templates() -> list[str]:
    """The names of the processes that ship."""
    return sorted(file.stem for file in TEMPLATES.glob("*.toml"))


def template(name: str) -> Path:
    """The file of a process that ships.

    Raises:
        NotFound: there is none of that name.
    """
    names = templates()
    if name in names:
        return TEMPLATES / f"{name}.toml"
    close = get_close_matches(name, names, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise NotFound(f"There is no template {name!r}.{hint} The templates are {', '.join(names)}. {NOTHING_RECORDED}")
