"""Text from outside made safe to show: nothing in it can steer, reorder or hide what a terminal prints."""

import unicodedata


def safe_text(text: str) -> str:
    r"""One line of `text` in which everything that isn't printable stands as an escape such as \x1b, \u202e or \n.

    Escaped are Unicode's categories Cc, Cf, Cs, Co, Cn, Zl and Zp: control, bidi and zero-width characters, lone
    surrogates, private-use and unassigned ones. Letters, marks, symbols, emoji and spaces of any script stay, and so
    does the backslash: the result is for reading, it can't be turned back.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or unicodedata.category(char) == "Zs" else _escaped(char) for char in text
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
