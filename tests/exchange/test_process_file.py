"""A process written down as TOML: what is read, and what is refused with the place and the reason."""

from decimal import Decimal
from pathlib import Path

import pytest

from salesledger.errors import NOTHING_RECORDED, BadFile
from salesledger.exchange.process_file import read_process

GOOD = """
name = "licence"
title = "Licences"

[[stages]]
name = "inquiry"
entered_by = ["lead-captured"]
probability = 0.1

[[stages]]
name = "trial"
probability = 0.45
"""


def read(tmp_path: Path, text: str | bytes) -> tuple[str, str | None, list[tuple[str, Decimal, tuple[str, ...]]]]:
    """The process of a file with this text."""
    file = tmp_path / "process.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    name, title, stages = read_process(file)
    return name, title, [(stage.name, stage.probability, stage.entered_by) for stage in stages]


def test_is_read_with_exact_probabilities(tmp_path: Path) -> None:
    """Stages in order; a probability is the decimal that was written."""
    assert read(tmp_path, GOOD) == (
        "licence",
        "Licences",
        [("inquiry", Decimal("0.1"), ("lead-captured",)), ("trial", Decimal("0.45"), ())],
    )


def test_needs_no_title(tmp_path: Path) -> None:
    """A name and one stage are enough."""
    assert read(tmp_path, 'name = "a"\nstages = [{name = "only", probability = 1}]') == (
        "a",
        None,
        [("only", Decimal(1), ())],
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "name"),
        ('name = "licence"', "stages"),
        ("name = 'a b'\nstages = []", "'a b' is not an id"),
        ('name = "licence', "is no TOML"),
        (b"name = '\xff'", "is no TOML"),
        (GOOD.replace("title", "titel"), "unknown key 'titel'"),
        (GOOD.replace("0.45", "1.5"), "less than or equal to 1"),
        (GOOD.replace("0.45", "-0.1"), "greater than or equal to 0"),
        (GOOD.replace("0.45", "nan"), "stages.1.probability"),
        (GOOD.replace("0.45", "inf"), "stages.1.probability"),
        (GOOD.replace("0.45", "1e-9"), "stages.1.probability"),
        (GOOD.replace("0.45", "1e1000000"), "stages.1.probability"),
        (GOOD.replace("0.45", "'much'"), "stages.1.probability"),
        (GOOD.replace("probability = 0.45", ""), "needs 'stages.1.probability'"),
        (GOOD.replace('"trial"', '"inquiry"'), "the stage 'inquiry' occurs twice"),
        (GOOD.replace('"trial"', '"won"'), "'won' is how a deal ends"),
        (GOOD.replace("lead-captured", "lead-caught"), "entered by 'lead-caught', which moves no deal"),
        (GOOD.replace("entered_by", "entered"), "stages.0.entered"),
        (GOOD.replace("[[stages]]", "[stages]", 1), "is no TOML"),
        ('name = "a"\nstages = "b"', "stages"),
        ('name = "a"\nstages = [5]', "stages.0"),
        ('name = "a"\nstages = [' + '{name = "x", probability = 0},' * 51 + "]", "at most 50"),
    ],
)  # fmt: skip
def test_is_refused_with_the_reason(tmp_path: Path, text: str | bytes, words: str) -> None:
    """The message names the file and the place in it."""
    with pytest.raises(BadFile) as refusal:
        read(tmp_path, text)
    message = str(refusal.value)
    assert words in message
    assert "process.toml" in message
    assert message.endswith(NOTHING_RECORDED)


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    """A missing file, and a folder."""
    with pytest.raises(BadFile, match="can't be read"):
        read_process(tmp_path / name)
