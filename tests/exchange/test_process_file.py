"""A process written down as TOML: what is read, and what is refused with the place and the reason."""

from decimal import Decimal
from pathlib import Path

import pytest

from salesledger.errors import NOTHING_RECORDED, BadFile, NotFound
from salesledger.exchange.process_file import read_process, template, templates

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
    name, title, definition = read_process(file)
    return name, title, [(stage.name, stage.probability, stage.entered_by) for stage in definition.stages]


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
        ('name = "licence"', "has no stages; a process needs one or more"),
        ("name = 'a b'\nstages = []", "'a b' is not an id"),
        ('name = "licence', "is no TOML"),
        (b"name = '\xff'", "is no TOML"),
        (GOOD.replace("title", "titel"), "unknown key 'titel'"),
        (GOOD.replace("0.45", "1.5"), "stages.1.probability: it should be less than or equal to 1"),
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
        (GOOD.replace("entered_by", "entered"), "there is no field 'stages.0.entered'"),
        (GOOD.replace("[[stages]]", "[stages]", 1), "is no TOML"),
        ("title = ''\n" + GOOD.replace('title = "Licences"', ""), "title: the text is empty"),
        (GOOD + '[[criteria]]\nattribute = "size"', "the criterion on 'size' asks for nothing"),
        (GOOD + '[[criteria]]\nattribute = "size"\nat_least = "many"', "criteria.0.at_least"),
        (GOOD.replace("probability = 0.45", "probability = 0.45\nrot_days = 0"), "stages.1.rot_days"),
        ("loss_reasons = 'price'\n" + GOOD, "loss_reasons"),
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


def test_holds_all_that_a_process_says(tmp_path: Path) -> None:
    """Exit criteria, waiting times, criteria with exact bounds, reasons."""
    file = tmp_path / "whole.toml"
    file.write_text(
        """
name = "whole"
disqualify_reasons = ["no need"]
loss_reasons = ["price", "timing"]
criteria = [{attribute = "size", at_least = 10, at_most = 99.5}, {attribute = "plan", one_of = ["a", 7], none_of = ["c"]}]
stages = [{name = "only", probability = 0.5, exit_criteria = ["all is said"], rot_days = 14}]
"""
    )
    _, _, definition = read_process(file)
    size, plan = definition.criteria
    assert (size.at_least, size.at_most) == (Decimal(10), Decimal("99.5"))
    assert (plan.one_of, plan.none_of) == (("a", "7"), ("c",))
    assert (definition.stages[0].exit_criteria, definition.stages[0].rot_days) == (("all is said",), 14)
    assert (definition.disqualify_reasons, definition.loss_reasons) == (("no need",), ("price", "timing"))


@pytest.mark.parametrize("name", ["b2b", "counter", "gallery", "license"])
def test_a_template_is_a_sound_process_of_its_name(name: str) -> None:
    """Each that ships, and a lead knows where it enters."""
    read, title, definition = read_process(template(name))
    assert (read, bool(title)) == (name, True)
    assert definition.entered_by("lead-captured") == definition.names[0]


def test_another_template_is_refused_by_name() -> None:
    """With what there is."""
    assert templates() == ["b2b", "counter", "gallery", "license"]
    with pytest.raises(NotFound, match="Did you mean 'license'"):
        template("licence")
