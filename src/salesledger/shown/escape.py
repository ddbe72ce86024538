"""Text from outside made inert where people read it: on a terminal and in Markdown."""

import re
import unicodedata

# GFM's inline markers, its column separator, and what makes it link a bare address.
_MARKDOWN = re.compile(r"[\\`*_\[\]~|$]|:(?=//)|(?<=www)\.", re.IGNORECASE)


# Up to the last @ of the word; or of the message, where what follows the colon is no port: a password may hold spaces.
_PASSWORD = re.compile(
    r"(postgres(?:ql)?:/+[^:@\s'\"]*):(?:[^\s'\"]*@|(?!\d+(?:[/?,\s'\"]|$)).*@)", re.IGNORECASE | re.DOTALL
)


def without_password(text: str) -> str:
    """A message in which the password of a server's address, which somebody gave where it doesn't belong, stands as dots."""
    return _PASSWORD.sub(r"\1:...@", text)


def safe_text(text: str) -> str:
    r"""One line of `text` in which everything that isn't printable stands as an escape such as \x1b, \u202e or \n.

    Escaped are Unicode's categories Cc, Cf, Cs, Co, Cn, Zl and Zp: control, bidi and zero-width characters, lone
    surrogates, private-use and unassigned ones. Letters, marks, symbols, emoji and spaces of any script stay, and so
    does the backslash: the result is for reading, it can't be turned back.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char.isprintable() or unicodedata.category(char) == "Zs":
        return char
    return char.encode("unicode_escape").decode("ascii")


def markdown_text(text: str) -> str:
    """One line that GitHub's Markdown shows as `safe_text(text)`, in a table's cell too."""
    escaped = _MARKDOWN.sub(lambda found: f"\\{found[0]}", safe_text(text).strip())
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def terminal_lines(text: str) -> str:
    """Text of several lines in which only the ends of lines are what they are; all else as in `safe_text`."""
    return "".join(line if line in "\r\n" else safe_text(line) for line in re.split("([\r\n])", text))
