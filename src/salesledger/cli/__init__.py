"""The command line. This module is what starts: it imports nothing but click, and each command's module only when it runs."""

from salesledger.cli.main import main

__all__ = ["main"]
