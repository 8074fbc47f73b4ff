"""Runs a call with a time limit, whatever it does: a client library may ignore its own time-outs."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from castro_spark.channels.channel import Unavailable

_MOST_HANGING = 3


class BoundedCalls:
    """Runs each call in a thread of its own. One that takes too long is left behind, and may still end.

    No memory or connections without bound: while three calls hang, `is_stuck` is true, and none may be started.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._hanging: list[Thread] = []

    @property
    def is_stuck(self) -> bool:
        """Whether too many calls hang."""
        self._hanging = [thread for thread in self._hanging if thread.is_alive()]
        return len(self._hanging) >= _MOST_HANGING

    def run(self, call: Callable[[], None], seconds: float) -> None:
        """Runs the call and raises what it raises; Unavailable if it takes longer than `seconds`."""
        raised: list[BaseException] = []

        def run() -> None:
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - for the caller
                raised.append(error)

        thread = Thread(target=run, name=f"castro send {self._name}", daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            self._hanging.append(thread)
            raise Unavailable(f"no result after {seconds:g} s: the attempt was given up, though it may still succeed")
        if raised:
            raise raised[0]
