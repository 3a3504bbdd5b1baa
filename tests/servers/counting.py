"""A real local server that counts who connects, on both loopback addresses, and closes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Counting:
    """Who has connected so far: the addresses that they came to."""

    def __init__(self, addresses: tuple[str, ...], port: int) -> None:
        self.port = port
        self.came: list[tuple[str, int]] = []
        self._addresses = addresses

    def arrived(self) -> list[str]:
        """Return where somebody came, in order; who connects now comes after all who have before."""
        ours = set[int]()
        for address in self._addresses:
            with socket.create_connection((address, self.port), 5) as last:
                ours.add(last.getsockname()[1])
                last.shutdown(socket.SHUT_WR)
                while last.recv(65536):
                    pass
        self.came = [one for one in self.came if one[1] not in ours]
        return [address for address, _ in self.came]


@contextmanager
def counting(*addresses: str, port: int = 0, says: bytes = b"") -> Iterator[Counting]:
    """Run a server at addresses of this machine, all at one port, that says the same to everybody and hangs up."""
    listening = [_listening(addresses[0], port)]
    found = Counting(addresses, listening[0].getsockname()[1])
    listening += [_listening(address, found.port) for address in addresses[1:]]
    threads = [threading.Thread(target=_answer, args=(one, found, says), daemon=True) for one in listening]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        for one in listening:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in threads:
            thread.join()


def _listening(address: str, port: int) -> socket.socket:
    return socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)


def _answer(listening: socket.socket, found: Counting, says: bytes) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        found.came.append((connection.getsockname()[0], connection.getpeername()[1]))
        with suppress(OSError), connection:
            connection.settimeout(5)
            connection.recv(65536) if says else None
            connection.sendall(says)
