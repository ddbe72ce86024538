"""salesledger: an event-sourced sales ledger."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Ledger", "__version__"]

if TYPE_CHECKING:
    from salesledger.api import Ledger


def __getattr__(name: str) -> Any:
    """Import the Python face only when it is asked for: the command line starts faster without it."""
    if name == "Ledger":
        from salesledger.api import Ledger

        return Ledger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
