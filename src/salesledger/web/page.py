"""What a page is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from salesledger.web.roles import Right
from salesledger.web.view import View


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        path: its address.
        title: its name in the navigation, and above it.
        template: the template that shows it.
        build: gives the values of the template.
        key: the key that leads there, behind 'g'; empty where it is not in the navigation.
        right: what a visitor needs to see it.
        about: what it shows whatever the filter says, such as 'all deals'; empty where filters choose.
        periods: whether it shows periods.
        above: the path of the page under which it stands, where it is none of the navigation's own.
    """

    path: str
    title: str
    template: str
    build: Callable[[View], dict[str, Any]]
    key: str = ""
    right: Right = Right.LOOK
    about: str = ""
    periods: bool = False
    above: str = ""
