"""Does in threads what a start would otherwise wait for, one thing after the other."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from threading import Thread
from typing import Any

# Of MLlib: each new SparkSession has it register two functions, for which Scala's reflection takes a second to come up.
_SLOW_CLASS = "org.apache.spark.sql.ml.InternalFunctionRegistration$"


def import_meanwhile(*modules: str) -> None:
    """Imports `modules`, in this order, in a thread; returns at once.

    An import statement of one of them waits, and raises the error if there is one: Python runs a module once.
    """
    Thread(target=_import, args=(modules,), name="imports").start()


def _import(modules: tuple[str, ...]) -> None:
    for module in modules:
        with suppress(Exception):
            import_module(module)


def initialize_meanwhile(jvm: Any) -> None:
    """Has the new JVM initialize a class beside the SparkContext, which takes as long; the session waits for both.

    Where there is no such class, a start is as it would be without this.
    """
    Thread(target=_initialize, args=(jvm,), name="initialize", daemon=True).start()


def _initialize(jvm: Any) -> None:
    with suppress(Exception):
        loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
        jvm.java.lang.Class.forName(_SLOW_CLASS, True, loader)
