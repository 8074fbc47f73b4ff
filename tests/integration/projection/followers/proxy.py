"""A proxy before a TCP server that can lose an answer: what the client sent arrives, what the server says does not."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # PostgreSQL's simple query


class LosingProxy:
    """Passes everything on, but while `losing` is above 0 the answer to a COMMIT ends the connection instead."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.losing = 0
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._port))
        losing = threading.Event()

        def answers() -> None:
            with suppress(OSError):
                while told := server.recv(65536):
                    if losing.is_set():  # the server has committed: that is its answer
                        self.lost += 1
                        break
                    client.sendall(told)
            for end in (client, server):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

        threading.Thread(target=answers, daemon=True).start()
        with suppress(OSError):
            while said := client.recv(65536):
                if COMMIT in said and self.losing > 0 and not losing.is_set():
                    self.losing -= 1
                    losing.set()
                server.sendall(said)
            server.shutdown(socket.SHUT_WR)
