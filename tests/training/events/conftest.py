"""One Spark in this process, where there is a Java for it."""

import gc
import shutil
import warnings
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    """A session in local mode, set up to begin soon: what it computes is small, and compiling it would take longest."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs java, which is not here")
    sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed: pip install audience[spark]")
    folder = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "ERROR",
    }
    builder = sql.SparkSession.builder.master("local[1]").config(map=settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of what a first try leaves open
        try:
            session = builder.getOrCreate()
        except Exception:  # of pyspark, which need not be here: it forks; where gRPC has threads that can fail, seldom
            gc.collect()
            session = builder.getOrCreate()
    yield session
    session.stop()
