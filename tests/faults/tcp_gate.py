# SPDX-License-Identifier: Apache-2.0
"""A TCP gate: a port in front of another one, whose traffic can be spoiled while it flows.

    gate = Gate()                         listens on gate.port
    gate.target = ("127.0.0.1", 8181)     where connections lead
    with gate.fault("slice", size=1):     for new connections and for those that are open
        ...

Faults: refuse (nobody listens), reset (accepted, then reset), silent (accepted, nothing is ever read or answered), half_open
(requests go through, answers never come), delay (each piece waits `seconds`), slice (pieces of `size` bytes), limit (silent
after `size` bytes of answers), cut (closed after `size` bytes of answers), corrupt (every `every`-th byte of answers is
inverted), close_on_data (closed as soon as the client sends anything), garbage (answers something that is no protocol).
"""

import contextlib
import select
import socket
import struct
import threading
import time

PIECE = 65536
FAULTS = ("refuse", "reset", "silent", "half_open", "delay", "slice", "limit", "cut", "corrupt", "close_on_data", "garbage")


def reset(connection):
    """Closes so that the other side sees a reset, not an end."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        connection.close()


class Gate:
    def __init__(self):
        self.target = None
        self.name, self.options = "", {}
        self.lock = threading.Lock()
        self.open = set()
        self.stopped = threading.Event()
        self.listener = self._listen(0)
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _listen(self, port):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        return listener

    @contextlib.contextmanager
    def fault(self, name, **options):
        assert name in FAULTS, name
        self._set(name, options)
        try:
            yield self
        finally:
            self._set("", {})

    def _set(self, name, options):
        refuses = self.name == "refuse"
        self.name, self.options = name, options
        if name == "refuse":
            with self.lock:
                listener, self.listener = self.listener, None
            # Closing alone would leave a thread in accept() with the port.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        elif refuses:
            self.listener = self._listen(self.port)
        # What a fault has swallowed or spoiled cannot be mended: the pair is reset, as a router that comes back would.
        if name in ("refuse", "reset") or not name:
            self._reset_all()

    def _reset_all(self):
        with self.lock:
            connections, self.open = self.open, set()
        for connection in connections:
            reset(connection)

    def stop(self):
        self.stopped.set()
        with self.lock:
            listener, self.listener = self.listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self._reset_all()

    def _accept(self):
        while not self.stopped.is_set():
            listener = self.listener
            if listener is None:
                self.stopped.wait(0.01)
                continue
            try:
                client, _ = listener.accept()
            except OSError:
                continue
            self.accepted += 1
            if self.name in ("reset", "refuse"):
                reset(client)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        if self.target is None:  # nobody stands behind it yet
            reset(client)
            return
        try:
            server = socket.create_connection(self.target, timeout=5)
            server.settimeout(None)
        except OSError:
            reset(client)
            return
        pair = {client, server}
        with self.lock:
            self.open |= pair
        answered = 0
        try:
            while True:
                readable, _, _ = select.select([client, server], [], [], 0.2)
                if client in readable and not self._forward(client, server):
                    return
                if server in readable:
                    count = self._answer(server, client, answered)
                    if count < 0:
                        return
                    answered += count
                if not readable and client.fileno() < 0:
                    return
        except (OSError, ValueError):  # reset under the select
            return
        finally:
            with self.lock:
                self.open -= pair
            if self.name == "cut":  # an end that looks like any other
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_WR)
                client.close()
            for connection in pair:
                reset(connection)

    def _forward(self, client, server):
        """From the client to the server; False ends the connection."""
        if self.name == "silent":
            self.stopped.wait(0.05)
            return True
        data = client.recv(PIECE)
        if not data or self.name == "close_on_data":
            return False
        if self.name == "garbage":
            client.sendall(b"\x15\x03\x03\x00\x02\x02\x28 this is no protocol that you know\r\n\r\n" * 8)
            return False
        self._send(server, data)
        return True

    def _answer(self, server, client, answered):
        """From the server to the client: how many bytes, or -1 for the end."""
        name = self.name
        if name in ("silent", "half_open"):
            self.stopped.wait(0.05)
            return 0
        room = PIECE
        if name in ("limit", "cut"):
            room = max(0, self.options.get("size", 10) - answered)
            if room == 0 and name == "cut":
                return -1
            if room == 0:
                self.stopped.wait(0.05)
                return 0
        data = server.recv(min(room, PIECE))
        if not data:
            return -1
        if name == "corrupt":
            every = self.options.get("every", 7)
            data = bytes(byte ^ 0xFF if (answered + at) % every == every - 1 else byte for at, byte in enumerate(data))
        self._send(client, data)
        return len(data)

    def _send(self, to, data):
        if self.name == "delay":
            time.sleep(self.options.get("seconds", 0.2))
        size = self.options.get("size", 1) if self.name == "slice" else len(data)
        for at in range(0, len(data), size):
            to.sendall(data[at:at + size])
