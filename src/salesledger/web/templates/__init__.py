"""Templates, in which every value is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from salesledger.web import assets


@cache
def environment() -> Environment:
    """The templates' surroundings: everything is escaped, and what isn't there is an error."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = assets.address
    return made


def render(name: str, **values: Any) -> str:
    """A template with its values."""
    return environment().get_template(name).render(**values)
