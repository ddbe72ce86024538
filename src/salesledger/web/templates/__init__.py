"""Templates, in which every value is escaped, and what isn't printable is shown as what it is."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from salesledger.shown.escape import safe_text
from salesledger.web import assets

_LAID_OUT = re.compile(r"([\r\n\t]+)")


@cache
def environment() -> Environment:
    """The templates' surroundings: everything is escaped, and what isn't there is an error."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=inert,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = assets.address
    return made


def inert(value: Any) -> Any:
    """A value in which no character is at work that isn't seen, such as one that turns the order of letters; ends of lines stay."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(part if i % 2 else safe_text(part) for i, part in enumerate(_LAID_OUT.split(value)))


def render(name: str, **values: Any) -> str:
    """A template with its values."""
    return environment().get_template(name).render(**values)
