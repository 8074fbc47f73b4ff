"""Java's classes in the JVM behind a session, through py4j."""

from __future__ import annotations

from typing import Any

from py4j.java_gateway import JavaClass


def java_class(jvm: Any, name: str) -> Any:
    """The class `name`, such as "java.util.ArrayList".

    For what runs again and again: `jvm.java.util.ArrayList` costs milliseconds of a core, because py4j has every jar
    searched for classes named `java` and `java.util` first.
    """
    return JavaClass(name, jvm._gateway_client)
