# SPDX-License-Identifier: Apache-2.0
"""The gate itself: each fault does what it is called, and an end of the fault is an end of it."""

import contextlib
import socket
import threading

import pytest
import tcp_gate


@pytest.fixture
def echo():
    """A server that answers what it is sent, behind a gate."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(4096):
                connection.sendall(data)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    gate = tcp_gate.Gate()
    gate.target = listener.getsockname()
    yield gate
    gate.stop()
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def ask(gate, text=b"hello, gate", seconds=1.0):
    with socket.create_connection(("127.0.0.1", gate.port), timeout=seconds) as connection:
        connection.sendall(text)
        answer = b""
        while len(answer) < len(text):
            piece = connection.recv(4096)
            if not piece:
                break
            answer += piece
        return answer


def test_without_a_fault_it_is_not_there(echo):
    assert ask(echo) == b"hello, gate"
    assert ask(echo, b"x" * 300_000, 10) == b"x" * 300_000


@pytest.mark.parametrize(("fault", "options", "answer"), [
    ("refuse", {}, ConnectionRefusedError), ("reset", {}, (ConnectionResetError, BrokenPipeError)), ("silent", {}, TimeoutError),
    ("half_open", {}, TimeoutError), ("limit", {"size": 3}, TimeoutError), ("cut", {"size": 3}, b"hel"),
    ("close_on_data", {}, (b"", ConnectionResetError)), ("corrupt", {"every": 5}, b"hell\x90, ga\x8be"),
    ("slice", {"size": 2}, b"hello, gate"), ("delay", {"seconds": 0.1}, b"hello, gate"),
])
def test_each_fault_and_its_end(echo, fault, options, answer):
    with echo.fault(fault, **options):
        try:
            came = ask(echo)
        except OSError as error:
            came = type(error)
    wanted = answer if isinstance(answer, tuple) else (answer,)
    assert came in wanted or (isinstance(came, type) and any(isinstance(one, type) and issubclass(came, one) for one in wanted)), came
    assert ask(echo) == b"hello, gate"


def test_garbage_is_no_protocol(echo):
    with echo.fault("garbage"):
        with socket.create_connection(("127.0.0.1", echo.port), timeout=1) as connection:
            connection.sendall(b"hello")
            assert b"no protocol" in connection.recv(4096)


def test_a_connection_that_is_open_is_spoiled_too(echo):
    with socket.create_connection(("127.0.0.1", echo.port), timeout=0.5) as connection:
        connection.sendall(b"one")
        assert connection.recv(10) == b"one"
        with echo.fault("silent"):
            connection.sendall(b"two")
            with pytest.raises(TimeoutError):
                connection.recv(10)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while connection.recv(10):
                pass
