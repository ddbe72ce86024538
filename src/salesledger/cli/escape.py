"""Text from outside made inert for the place where it is shown: a terminal, Markdown, a spreadsheet or JSON."""

import re
import unicodedata

# GFM's inline markers, its column separator, and what makes it link a bare address.
_MARKDOWN = re.compile(r"[\\`*_\[\]~|$]|:(?=//)|(?<=www)\.", re.IGNORECASE)
# What a spreadsheet would take for a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Valid in JSON as they are, but a terminal would obey or hide them, and a lone surrogate has no UTF-8.
_JSON_HIDDEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


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


def spreadsheet_text(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def json_text(document: str) -> str:
    r"""A line of JSON that means the same and holds nothing that steers a terminal: \x9b has become \u009b."""
    if document.isprintable():
        return document
    return _JSON_HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
