# SPDX-License-Identifier: Apache-2.0
"""Disks that are full, descriptors that run out, and commands that meet: an error that names the cause, and recovery."""

import contextlib
import json
import os
import re
import resource
import socket
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import daemon as daemons
import pytest
from daemon import until

LIMIT_FILES = 160  # a quiet dcpd has about 60 open
RESERVED = 64  # kDescriptorsReserved of the catalog's server
HELD_CONNECTIONS = 300
MANIFEST = """\
apiVersion: dcp/v1
kind: DerivedDataset
metadata: {{name: {name}, namespace: lab}}
spec:
  sql: SELECT 1 AS one
  schema: {{columns: [{{name: one, type: int}}]}}
"""


@pytest.fixture
def small_disk(tmp_path_factory):
    """A file system of a few megabytes. The tests run as root in CI; elsewhere nobody may mount."""
    mounted = []

    def make(megabytes):
        folder = tmp_path_factory.mktemp("disk")
        answer = subprocess.run([
            "mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "pretzel-test", folder,
        ], capture_output=True, text=True)
        if answer.returncode != 0:
            if os.geteuid() == 0 and os.environ.get("CI"):
                raise AssertionError(f"CI must be able to mount: {answer.stderr}")
            pytest.skip(f"mounting a small file system needs CAP_SYS_ADMIN: {answer.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    """Takes every free byte; answers the file to remove."""
    path = folder / "ballast"
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        while True:
            os.write(file, bytes(4096))
    except OSError:
        pass
    finally:
        os.close(file)
    return path


class Light(daemons.Daemon):
    """A dcpd without services: what fails here is its own."""

    def __init__(self, folder, state, log=None):
        folder.mkdir(exist_ok=True)
        config = folder / "dcpd.yaml"
        text = daemons.CONFIG.read_text()
        config.write_text(text[: text.index("\n# A closed session")])
        super().__init__(folder, config=config)
        self.state = state
        self.log_file = log or folder / "dcpd.log"

    @property
    def log(self):
        return self.log_file


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_full_disk_under_the_store(small_disk, tmp_path):
    disk = small_disk(16)
    daemon = Light(tmp_path, disk / "state")
    with daemons.started(daemon):
        daemon.cli("playground", "create", "before", "--ttl", "1h")
        ballast = fill(disk)
        refused = daemon.cli("playground", "create", "during", "--ttl", "1h", check=False)
        path = tmp_path / "m.yaml"
        path.write_text(MANIFEST.format(name="m"))
        run = daemon.cli("derived-dataset", "test", path, "-p", "before", check=False)
        # SQLite may still find a page or two in what it has; a thousand rows it does not.
        for number in range(40):
            if refused.returncode != 0:
                break
            refused = daemon.cli("playground", "create", f"during-{number}", "--ttl", "1h", check=False)
        assert refused.returncode in (5, 6), refused.stdout + refused.stderr
        assert re.search(r"full|no space", refused.stderr, re.IGNORECASE), refused.stderr
        assert run.returncode != 0
        # Reading goes on.
        assert "before" in daemon.cli("playground", "list").stdout
        ballast.unlink()
        daemon.cli("playground", "create", "after", "--ttl", "1h")
        names = daemon.cli("playground", "list", "-o", "name").stdout.split()
        assert {"before", "after"} <= {name.split("/")[-1] for name in names}
    # What was refused left nothing that a restart would trip over.
    with daemons.started(daemon):
        assert "after" in daemon.cli("playground", "list").stdout


def test_a_full_disk_under_the_log(small_disk, tmp_path):
    """dcpd's own log and those of its services: lines are lost, the daemon is not."""
    disk = small_disk(2)
    daemon = Light(tmp_path, tmp_path / "state", log=disk / "dcpd.log")
    log = daemon.log
    with daemons.started(daemon):
        ballast = fill(disk)
        for number in range(5):
            daemon.cli("playground", "create", f"quiet-{number}", "--ttl", "1h")
        assert daemon.process.poll() is None
        ballast.unlink()
        size = log.stat().st_size
        # The catalogs behind it are not there: such an answer is worth a line.
        access = daemon.json("playground", "connect", "quiet-0")
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(urllib.request.Request(f"{access['uri']}/v1/namespaces", headers={"x-pretzel-token": access["token"]}))
        until(lambda: log.stat().st_size > size, "a line in the log after there is room again")


def test_descriptors_run_out_and_come_back(tmp_path):
    daemon = Light(tmp_path, tmp_path / "state")
    with daemons.started(daemon):
        daemon.cli("playground", "create", "before", "--ttl", "1h")
        pid = daemon.process.pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (LIMIT_FILES, LIMIT_FILES))
        port = int(daemon.json("playground", "connect", "before")["uri"].split(":")[2].split("/")[0])
        held = []
        start = time.monotonic()
        try:
            for _ in range(HELD_CONNECTIONS):
                connection = socket.socket()
                connection.settimeout(1)
                connection.connect_ex(("127.0.0.1", port))
                held.append(connection)
            # Connections to the catalog leave the rest of the process what it needs: nothing else suffers.
            assert daemon.cli("whoami", check=False).returncode == 0
            daemon.cli("playground", "create", "during", "--ttl", "1h")
            assert len(os.listdir(f"/proc/{pid}/fd")) < LIMIT_FILES
            before = cpu_seconds(pid)
            until(lambda: daemon.cli("whoami").returncode == 0 and time.monotonic() > start + 3, "three seconds of this")
            assert cpu_seconds(pid) - before < 2, "it asks for what is not there again and again"
        finally:
            for connection in held:
                connection.close()
        assert daemon.process.poll() is None
        until(lambda: daemon.cli("whoami", check=False).returncode == 0, "dcpd answers again", 60)
        until(lambda: len(os.listdir(f"/proc/{pid}/fd")) < LIMIT_FILES - RESERVED, "descriptors are given back", 60)
        daemon.cli("playground", "create", "after", "--ttl", "1h")


def test_a_reload_that_waits_holds_up_neither_a_list_nor_the_end(tmp_path):
    slow = tmp_path / "slow"
    worker = tmp_path / "worker"
    # A plugin's worker that does not get ready, as one under a loaded machine does.
    worker.write_text(f"#!/bin/sh\n[ -e {slow} ] && sleep 100\nexec {daemons.BIN}/dcp-plugin-worker \"$@\"\n")
    worker.chmod(0o700)
    daemon = Light(tmp_path / "daemon", tmp_path / "state")
    text = daemon.config.read_text().replace("plugins:\n", f"plugins:\n  worker: {worker}\n  start_timeout: 60s\n", 1)
    daemon.config.write_text(text + "drain_timeout: 2s\n")
    with daemons.started(daemon):
        before = daemon.json("plugin", "list")
        slow.touch()
        daemon.config.write_text(daemon.config.read_text().replace(
            "  instances:\n", "  instances:\n    - {id: late, plugin: derived_dataset}\n", 1))
        reload = daemon.start_cli("config", "reload")
        until(lambda: children(daemon.process.pid, "sleep"), "the reload waits")
        start = time.monotonic()
        assert daemon.json("plugin", "list") == before
        assert "derived_dataset" in daemon.cli("plugin", "get", "derived_dataset").stdout
        assert time.monotonic() - start < 2, "it waits for the reload"
        assert reload.poll() is None, "the reload does not wait: this shows nothing"
        start = time.monotonic()
        daemon.process.terminate()
        assert daemon.process.wait(60) == 0
        assert time.monotonic() - start < 6, "the reload holds up the end"
        reload.communicate(timeout=20)
        assert reload.returncode != 0


def children(pid, name):
    """Those below a process that run a program of that name."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            for child in (thread / "children").read_text().split():
                found += children(child, name)
                if Path(f"/proc/{child}/comm").read_text().strip() == name:
                    found.append(child)
    return found


def test_two_daemons_on_one_state(tmp_path):
    daemon = Light(tmp_path, tmp_path / "state")
    with daemons.started(daemon):
        second = Light(tmp_path / "second", tmp_path / "state")
        second.spawn()
        assert second.process.wait(60) == 1
        assert re.search(r"another (daemon|dcpd)", second.log.read_text()), second.log.read_text()
        assert daemon.cli("whoami").returncode == 0


def test_two_applies_of_one_manifest_at_once(tmp_path_factory, tmp_path):
    """Over real catalogs: one makes the table, the other finds it or is told to come again; never two, never half of one."""
    text = daemons.CONFIG.read_text()
    # Without Spark: apply of declared columns asks the catalogs alone.
    text = text[: text.index("\n  # The shared test server.")].replace("recycle: {service: spark-connect, after_sessions: 500}", "")
    config = tmp_path / "dcpd.yaml"
    config.write_text(text)
    with daemons.running(tmp_path_factory.mktemp("applies"), config=config) as daemon:
        daemon.cli("playground", "create", "both", "--ttl", "1h")
        for number in range(5):
            path = tmp_path / f"t{number}.yaml"
            path.write_text(MANIFEST.format(name=f"t{number}"))
            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda _: daemon.cli("derived-dataset", "apply", path, "-o", "json", check=False), range(4)))
            # One that came while another was at work has no report: it was refused.
            statuses = [json.loads(answer.stdout)["datasets"][0]["status"] for answer in answers if answer.returncode == 0]
            assert statuses.count("CREATED") == 1, (statuses, [answer.stderr for answer in answers])
            assert set(statuses) <= {"CREATED", "UNCHANGED"}, statuses
            for answer in answers:
                if answer.returncode != 0:
                    assert f"t{number}" in answer.stdout + answer.stderr and answer.returncode == 5, (answer.stdout, answer.stderr)
            again = daemon.json("derived-dataset", "apply", path)
            assert again["datasets"][0]["status"] == "UNCHANGED"
        assert len([table for table in daemon.playground("both").list_tables("lab") if table[1].startswith("t")]) == 5


def test_a_full_disk_under_the_warehouse(small_disk, tmp_path_factory, tmp_path):
    """The overlay's warehouse: apply says so and leaves no half of a table; with room again it works."""
    disk = small_disk(2)
    (disk / "warehouse").mkdir()
    text = daemons.CONFIG.read_text()
    text = text[: text.index("\n  # The shared test server.")].replace("recycle: {service: spark-connect, after_sessions: 500}", "")
    # As a warehouse, and as a folder that the catalog, which is confined, may write.
    text = text.replace("${state_dir}/overlay/warehouse", f"{disk}/warehouse")
    config = tmp_path / "dcpd.yaml"
    config.write_text(text)
    path = tmp_path / "m.yaml"
    path.write_text(MANIFEST.format(name="m"))
    with daemons.running(tmp_path_factory.mktemp("warehouse"), config=config) as daemon:
        daemon.cli("playground", "create", "small", "--ttl", "1h")
        ballast = fill(disk)
        answer = daemon.cli("derived-dataset", "apply", path, "-o", "json", check=False)
        assert answer.returncode != 0
        assert "overlay catalog" in answer.stdout + answer.stderr, answer.stdout + answer.stderr
        ballast.unlink()
        assert daemon.json("derived-dataset", "apply", path)["datasets"][0]["status"] == "CREATED"
        assert daemon.playground("small").load_table("lab.m").schema().fields[0].name == "one"
