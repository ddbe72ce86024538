"""A sales process written down as a TOML file."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from salesledger.domain.process import Definition
from salesledger.domain.values import to_id
from salesledger.errors import NOTHING_RECORDED, BadFile
from salesledger.ledger.intake import describe


def read_process(file: Path) -> tuple[str, str | None, tuple[Any, ...]]:
    """Read a process: its name, its title and its stages.

    Raises:
        BadFile: it can't be read, or is no process; the message says where.
    """
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=str)
    except OSError as e:
        raise BadFile(f"{str(file)!r} can't be read: {e.strerror}. {NOTHING_RECORDED}") from e
    except ValueError as e:
        raise BadFile(f"{str(file)!r} is no TOML: {e}. {NOTHING_RECORDED}") from e
    unknown = set(told) - {"name", "title", "stages"}
    if unknown:
        raise BadFile(
            f"{str(file)!r} has an unknown key {min(unknown)!r}; a process has name, title and [[stages]]. {NOTHING_RECORDED}"
        )
    try:
        name = to_id(str(told.get("name", "")))
    except ValueError as e:
        raise BadFile(f"{str(file)!r}: name: {e}. {NOTHING_RECORDED}") from e
    try:
        definition = Definition.model_validate({"stages": told.get("stages", [])})
    except ValidationError as e:
        raise BadFile(f"{str(file)!r}: {describe(e, 'process')} {NOTHING_RECORDED}") from e
    title = told.get("title")
    return name, str(title) if title is not None else None, definition.stages
