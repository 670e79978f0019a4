# SPDX-License-Identifier: Apache-2.0
"""scripts/stack, with a daemon that starts nothing beside itself: whatever state the last one is in, `up` ends with one that serves."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from daemon import BIN, ROOT, until

CONFIG = """\
state_dir: {state}
catalog:
  production: {{uri: "http://127.0.0.1:9", secret: none}}
  overlay: {{uri: "http://127.0.0.1:9", secret: none, warehouse: "file://{state}/warehouse"}}
plugins: {{directories: []}}
drain_timeout: 1s
"""


class Stack:
    def __init__(self, folder):
        self.state = folder / "state"
        config = folder / "dcpd.yaml"
        config.write_text(CONFIG.format(state=self.state))
        self.environment = {**os.environ, "PRETZEL_STATE": str(self.state), "PRETZEL_CONFIG": str(config), "PRETZEL_BUILD": str(BIN.parent)}

    def run(self, *arguments):
        return subprocess.run([ROOT / "scripts" / "stack", *arguments], capture_output=True, text=True, env=self.environment, timeout=120)

    def up(self):
        done = self.run("up", "--no-setup", "--no-data")
        assert done.returncode == 0, done.stderr
        return self.pid()

    def pid(self):
        return int((self.state / "run" / "dcpd.pid").read_text().split()[0])

    def client_environment(self):
        return {
            **self.environment,
            "PRETZEL_ENDPOINT": f"unix:{self.state}/run/dcpd.sock",
            "PRETZEL_TOKEN_FILE": f"{self.state}/token",
        }

    def answers(self):
        whoami = subprocess.run([BIN / "pretzel", "whoami"], capture_output=True, env=self.client_environment(), timeout=60)
        return whoami.returncode == 0


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path)
    yield stack
    stack.run("down")


def test_up_is_repeated_without_effect(stack):
    first = stack.up()
    assert stack.up() == first


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_up_right_after_the_end_of_the_last_daemon(stack, how):
    for _ in range(3):
        pid = stack.up()
        os.kill(pid, how)
        assert stack.up() != pid or not Path(f"/proc/{pid}").exists()
        assert stack.answers()


def test_up_beside_a_daemon_that_stands_still_says_so(stack):
    pid = stack.up()
    os.kill(pid, signal.SIGSTOP)
    try:
        stack.environment["STACK_START_SECONDS"] = "1"
        done = stack.run("up", "--no-setup", "--no-data")
        assert done.returncode != 0
        assert "did not answer within" in done.stderr
    finally:
        os.kill(pid, signal.SIGCONT)
    until(stack.answers, "the daemon goes on")
    assert stack.pid() == pid


def test_down_ends_it_and_is_repeated_without_effect(stack):
    pid = stack.up()
    assert stack.run("down").returncode == 0
    assert not stack.answers()
    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(") ")[1][:1], "its end")
    assert stack.run("down").returncode == 0


def test_a_service_that_cannot_start_leaves_the_rest_serving(stack, tmp_path):
    config = Path(stack.environment["PRETZEL_CONFIG"])
    there = tmp_path / "there"
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    serve = f"test -e {there} && exec {sys.executable} -m http.server --bind 127.0.0.1 {port}"
    config.write_text(config.read_text() + f"""\
services_ready: 30s
services:
  - name: late
    command: [/bin/sh, -c, "{serve}"]
    ready: "127.0.0.1:{port}"
""")
    done = stack.run("up", "--no-setup", "--no-data")
    assert done.returncode == 1, done.stderr
    assert "service late is FAILED: ended with exit code 1" in done.stderr, done.stderr
    assert stack.answers(), "what needs no service is served"
    pid = stack.pid()
    there.touch()
    subprocess.run([BIN / "pretzel", "service", "restart", "late"], check=True, timeout=60, env=stack.client_environment())
    until(lambda: stack.run("up", "--no-setup", "--no-data").returncode == 0, "the service is up")
    assert stack.pid() == pid
