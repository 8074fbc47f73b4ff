"""What is done in threads beside the JVM's start."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from threading import enumerate as threads

import pytest
from pyspark.sql import SparkSession

from castro_spark.jvm import meanwhile
from castro_spark.jvm.meanwhile import import_meanwhile, initialize_meanwhile


def end(name: str) -> None:
    """Waits for the thread of that name, if it runs still."""
    for thread in threads():
        if thread.name == name:
            thread.join(30)


def test_modules_are_imported_in_their_order_and_an_error_is_that_of_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "castro_first.py").write_text("import sys\nAFTER = 'castro_last' in sys.modules\n")
    (tmp_path / "castro_broken.py").write_text("raise ImportError('no libpq')\n")
    (tmp_path / "castro_last.py").write_text("")
    import_meanwhile("castro_first", "castro_broken", "castro_last")
    end("imports")
    assert not sys.modules["castro_first"].AFTER
    assert "castro_last" in sys.modules
    with pytest.raises(ImportError, match="no libpq"):
        import_module("castro_broken")


def test_spark_has_the_slow_class(spark: SparkSession) -> None:
    """Under this name; else sessions would start slowly again, and nothing would say so."""
    jvm = spark._jvm  # type: ignore[attr-defined]
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    found = jvm.java.lang.Class.forName(meanwhile._SLOW_CLASS, True, loader)
    assert found.getName() == meanwhile._SLOW_CLASS


def test_a_jvm_without_it_starts_all_the_same(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meanwhile, "_SLOW_CLASS", "org.apache.spark.NoSuchClass")
    failures: list[object] = []
    monkeypatch.setattr("threading.excepthook", failures.append)
    initialize_meanwhile(spark._jvm)  # type: ignore[attr-defined]
    end("initialize")
    assert failures == []
