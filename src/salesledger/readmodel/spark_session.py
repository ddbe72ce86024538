"""The one Spark of this process: started when it is first asked for, quiet, and without a network unless it is told of one."""

import logging
import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from salesledger.errors import NoEngine

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MASTER = "SALESLEDGER_SPARK_MASTER"
"""The environment variable that names another Spark than one in this process, such as 'spark://host:7077'."""

_REMEDY = "Install it with 'pip install \"salesledger[spark]\"', or ask with --engine duckdb, which answers the same."

_ELSEWHERE = (
    f"Look whether it runs there, and is of the version of the pyspark installed here; or unset ${MASTER}, and Spark runs in this "
    "process."
)

_LESS = "Give less with --memory (or $SALESLEDGER_MEMORY), or leave it out: Java is then given 4 GB."

_LEAST = 512
"""Megabytes that Spark needs to start: it asks for 450, and Java keeps some of what it is given to itself."""

_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "false",
    "spark.log.level": "OFF",
    "spark.io.encryption.enabled": "true",  # what it writes to disk between two steps may say something about persons
    "spark.sql.ansi.enabled": "true",  # what overflows or can't be read is an error, never NULL
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.cteRecursionLevelLimit": "-1",
    "spark.sql.cteRecursionRowLimit": "-1",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",  # a product that doesn't fit is an error, never rounded
    "spark.sql.maxPlanStringLength": "1000",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
}
_LOCAL = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}


def session(memory: str | None = None) -> "SparkSession":
    """A session of its own in the process's Spark.

    Args:
        memory: what Java may use, such as '4GB'; it counts when Spark is first started.

    Raises:
        NoEngine: there is no pyspark, no sqlglot or no Java, or Spark can't be started.
    """
    return _started(memory).newSession()


@cache
def _started(memory: str | None) -> "SparkSession":
    try:
        import sqlglot  # noqa: F401 - what translates for Spark
        from py4j.protocol import Py4JError
        from pyspark import SparkConf, SparkContext
        from pyspark.errors import PySparkException
        from pyspark.java_gateway import launch_gateway
        from pyspark.sql import SparkSession
    except ImportError as e:
        raise NoEngine("spark", f"the Python package {e.name or 'pyspark'!r} is missing", _REMEDY) from e
    size = _java_megabytes(memory or "4GB")
    if size < _LEAST:
        raise NoEngine(
            "spark",
            f"--memory {memory} is too little for it",
            f"Give at least {_LEAST}MB (--memory, $SALESLEDGER_MEMORY), or ask with --engine duckdb.",
        )
    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    check_java()
    master = os.environ.get(MASTER) or f"local[{len(os.sched_getaffinity(0))}]"
    told = _SETTINGS | (_LOCAL if master.startswith("local") else {})
    told |= {
        "spark.master": master,
        "spark.app.name": "salesledger",
        "spark.driver.memory": f"{size}m",
    }
    if master.startswith("local"):
        told = {"spark.sql.shuffle.partitions": str(2 * len(os.sched_getaffinity(0)))} | told
    logging.getLogger(
        "SQLQueryContextLogger"
    ).disabled = True  # it would repeat every error, SQL and all, on standard error
    conf = SparkConf(loadDefaults=False).setAll(list(told.items()))
    with tempfile.TemporaryFile() as said:
        try:
            gateway = launch_gateway(conf, {"stdout": said, "stderr": said})  # type: ignore[no-untyped-call]
            return SparkSession(SparkContext(conf=conf, gateway=gateway))
        except (PySparkException, Py4JError, OSError, RuntimeError) as e:
            said.seek(0)
            printed = said.read().decode(errors="replace")
            if memory is not None and re.search(r"(?i)heap|memory", printed):
                raise NoEngine("spark", f"Java can't have --memory {memory} on this machine", _LESS) from e
            if not master.startswith("local"):
                raise NoEngine(
                    "spark", f"${MASTER} names {master!r}, where none answers as it should", _ELSEWHERE
                ) from e
            raise NoEngine("spark", _reason(printed) or _first_line(e), _REMEDY) from e


def _reason(said: str) -> str:
    """What Java says of why it didn't start: the line that tells most."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and " WARN " not in line]
    telling = [line for line in lines if "rror" in line or "xception" in line]
    return (telling or lines or [""])[-1][:200]


def check_java() -> None:
    """Make sure that there is a Java.

    Raises:
        NoEngine: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else None
    if (java is None and shutil.which("java") is None) or (java is not None and not java.exists()):
        where = f"$JAVA_HOME is {home!r}, which holds none" if home else "there is none on the PATH, and no $JAVA_HOME"
        raise NoEngine(
            "spark",
            f"it needs Java, and {where}",
            "Install Java 17 or later and set $JAVA_HOME, or ask with --engine duckdb.",
        )


def _first_line(error: Exception) -> str:
    return " ".join(next(iter(str(error).splitlines()), type(error).__name__).split())[:200]


def _java_megabytes(text: str) -> int:
    """'4GB' in megabytes, as Java has them: of 1024 kilobytes."""
    number, unit = text.strip().rstrip("bBiI"), ""
    if number[-1:].isalpha():
        number, unit = number[:-1].strip(), number[-1].lower()
    return int(float(number) * {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}[unit] // 2**20)
