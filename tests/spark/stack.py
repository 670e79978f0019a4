# SPDX-License-Identifier: Apache-2.0
"""Starts the real parts of the embedded stack for the tests: catalog servers, a Spark Connect server, batch jobs.

Each process gets its own folder, a free loopback port and a secret; each is ended by its process id.
"""

import contextlib
import http.client
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
BIN = Path(os.environ.get("PRETZEL_BUILD", ROOT / "build" / "release")) / "bin"
PYTHON = LOCAL / "venv" / "bin" / "python"
SPARK_HOME = next((LOCAL / "venv" / "lib").glob("python3*"), LOCAL) / "site-packages" / "pyspark"
SPARK_DEFAULTS = ROOT / "stack" / "spark-defaults"
SECRET_HEADER = "x-pretzel-secret"
# A loaded machine with two cores; on an idle one the catalog needs 1.5 s and Spark 5 s.
START_SECONDS = 90
STOP_SECONDS = 20


def iceberg_jar():
    return next((LOCAL / "jars" / "spark").glob("iceberg-spark-runtime-*.jar"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_private(path, text):
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


def end(process):
    """SIGTERM, and SIGKILL only for what does not listen; returns the exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


class CatalogServer:
    """The embedded catalog, on a port that stays the same over restarts."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.warehouse = self.folder / "warehouse"
        self.secret = secrets.token_hex(32)
        self.secret_file = write_private(self.folder / "secret", self.secret + "\n")
        self.port = 0
        self.process = None

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.port}"

    def environment(self):
        return {
            **os.environ,
            "CATALOG_SECRET_FILE": str(self.secret_file),
            "CATALOG_WAREHOUSE": self.warehouse.as_uri(),
            "CATALOG_DB": str(self.folder / "catalog.db"),
            "CATALOG_PORT": str(self.port),
        }

    def command(self):
        jars = LOCAL / "jars" / "catalog" / "*"
        source = ROOT / "stack" / "catalog" / "CatalogServer.java"
        return ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", str(jars), str(source)]

    def start(self):
        with open(self.folder / "stderr", "ab") as log:
            self.process = subprocess.Popen(self.command(), env=self.environment(), stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening 127.0.0.1:"):
            end(self.process)
            raise RuntimeError(f"the catalog did not start: {(self.folder / 'stderr').read_text()[-2000:]}")
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def stop(self):
        if self.process is None:
            return None
        status = end(self.process)
        self.process.stdout.close()
        self.process = None
        return status

    def request(self, method, path, body=None, secret=None):
        """(status, decoded body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {SECRET_HEADER: self.secret if secret is None else secret, "content-type": "application/json"}
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        return answer.status, (json.loads(text) if text.startswith(b"{") else text)

    def listing(self):
        """Everything that a write could change: namespaces, tables with their metadata location, files."""
        found = {}
        for (name,) in self.request("GET", "/v1/namespaces")[1]["namespaces"]:
            status, body = self.request("GET", f"/v1/namespaces/{name}/tables")
            for table in body["identifiers"]:
                _, loaded = self.request("GET", f"/v1/namespaces/{name}/tables/{table['name']}")
                found[f"{name}.{table['name']}"] = loaded["metadata-location"]
            found[name] = json.dumps(self.request("GET", f"/v1/namespaces/{name}")[1], sort_keys=True)
        files = sorted(str(path.relative_to(self.folder)) for path in self.warehouse.rglob("*"))
        return found, files


def mount(catalog_uri, secret, name="prod", header=SECRET_HEADER):
    """The session confs that put a catalog under production's name."""
    prefix = f"spark.sql.catalog.{name}"
    return {
        prefix: "org.apache.iceberg.spark.SparkCatalog",
        f"{prefix}.type": "rest",
        f"{prefix}.uri": catalog_uri,
        f"{prefix}.rest.auth.type": "none",
        f"{prefix}.header.{header}": secret,
        f"{prefix}.cache-enabled": "false",
    }


# The walls behind the SQL screen: Java's options, Hadoop's file systems, and the process itself.
WALLS = frozenset({"options", "files", "process"})
REFUSED = "pretzel.refuses.this.FileSystem"
# Classes that Hadoop registers without saying for which scheme.
SCHEMES = {
    "org.apache.hadoop.fs.LocalFileSystem": "file",
    "org.apache.hadoop.fs.viewfs.ViewFileSystem": "viewfs",
    "org.apache.hadoop.hive.ql.io.NullScanFileSystem": "nullscan",
    "org.apache.hadoop.hive.ql.io.ProxyLocalFileSystem": "pfile",
    "org.apache.hadoop.fs.HarFileSystem": "har",
    "org.apache.hadoop.fs.http.HttpFileSystem": "http",
    "org.apache.hadoop.fs.http.HttpsFileSystem": "https",
    "org.apache.hadoop.hdfs.DistributedFileSystem": "hdfs",
    "org.apache.hadoop.hdfs.web.WebHdfsFileSystem": "webhdfs",
    "org.apache.hadoop.hdfs.web.SWebHdfsFileSystem": "swebhdfs",
}


def registered_file_systems():
    """Schemes that Hadoop opens in this Spark: by its service entries, and by its defaults."""
    found = set()
    for jar in sorted((SPARK_HOME / "jars").glob("*.jar")):
        with zipfile.ZipFile(jar) as archive:
            names = set(archive.namelist())
            if "META-INF/services/org.apache.hadoop.fs.FileSystem" in names:
                lines = archive.read("META-INF/services/org.apache.hadoop.fs.FileSystem").decode().splitlines()
                found |= {SCHEMES[line.strip()] for line in lines if line.strip() and not line.startswith("#")}
            if "core-default.xml" in names:
                for entry in ElementTree.fromstring(archive.read("core-default.xml")).iter("property"):
                    name = re.fullmatch(r"fs\.((?:AbstractFileSystem\.)?[a-z0-9]+)\.impl", entry.findtext("name").strip())
                    found |= {name.group(1)} if name else set()
    return found


def kept(line, walls):
    return not ((line.startswith("spark.hadoop.fs.") and REFUSED in line and "files" not in walls)
                or (line.startswith("spark.driver.defaultJavaOptions") and "options" not in walls))


def confined(command, walls, read=(), write=(), connect=None, listen=(0,), own_network=False):
    """The command behind the wall that a process is, as dcpd starts it."""
    if "process" not in walls:
        return command
    # The links of a worktree lead to where the files are.
    read = [*read, SPARK_DEFAULTS, sys.base_prefix, *((LOCAL / name).resolve() for name in ("venv", "jars"))]
    words = [BIN / "dcp-confine"]
    words += [word for path in read for word in ("--read", path)]
    words += [word for path in write for word in ("--write", path)]
    if connect is not None:
        words += ["--ports-only", *(word for port in connect for word in ("--connect", port))]
    words += [word for port in listen for word in ("--listen", port)]
    words += ["--own-network"] if own_network else []
    return [*map(str, words), "--", *command]


def properties_file(path, base, extra, walls=WALLS):
    text = (SPARK_DEFAULTS / base).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if kept(line, walls)]
    lines += [f"{key} {value}" for key, value in extra.items()]
    return write_private(path, "\n".join(lines) + "\n")


def spark_environment(**extra):
    # Nothing of the caller's own Spark set-up may leak in.
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_"))}
    return {
        **kept,
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_CONF_DIR": str(SPARK_DEFAULTS),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": str(PYTHON),
        **extra,
    }


class ConnectServer:
    """All the walls are there but for the process's, which would need to know each test's catalogs."""

    def __init__(self, folder, walls=WALLS - {"process"}):
        self.walls = walls
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = free_port()
        self.token = secrets.token_hex(32)
        self.process = None
        self.seconds_to_port = None
        self.sessions = []

    @property
    def log(self):
        return self.folder / "stderr"

    def start(self):
        scratch = self.folder / "local"
        scratch.mkdir(exist_ok=True)
        driver_port, blocks_port = free_port(), free_port()
        properties = properties_file(
            self.folder / "server.conf",
            "test-server.conf",
            {
                "spark.connect.grpc.binding.port": self.port,
                "spark.driver.port": driver_port,
                "spark.driver.blockManager.port": blocks_port,
                "spark.driver.extraJavaOptions": f"-XX:+UseSerialGC -Xms512m -XX:+PerfDisableSharedMem -Djava.io.tmpdir={scratch}",
                "spark.driver.extraClassPath": iceberg_jar(),
                "spark.local.dir": scratch,
                "spark.sql.warehouse.dir": self.folder / "warehouse",
            },
            self.walls,
        )
        command = [
            SPARK_HOME / "bin" / "spark-submit", "--properties-file", properties,
            "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal",
        ]
        command = confined(command, self.walls, write=[self.folder], connect=[driver_port, blocks_port],
                           listen=[self.port, driver_port, blocks_port])
        started = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=spark_environment(SPARK_CONNECT_AUTHENTICATE_TOKEN=self.token),
            )
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - started > START_SECONDS:
                end(self.process)
                raise RuntimeError(f"Spark Connect did not start: {self.log.read_text()[-4000:]}")
            time.sleep(0.1)
        self.seconds_to_port = time.monotonic() - started
        return self

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def stop(self):
        # Sessions first: a client whose server is gone tries for minutes to release its session when Python exits.
        for session in self.sessions:
            session.stop()
        return end(self.process) if self.process else None

    def status(self):
        """The process's own figures: {"Threads": ..., "VmRSS": ...} (VmRSS in kB)."""
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return {name: int(fields[name].split()[0]) for name in ("Threads", "VmRSS")}

    def url(self, token=None):
        # "localhost" by name: only then does PySpark send a token without TLS (it takes gRPC's local credentials).
        return f"sc://localhost:{self.port}/;token={token or self.token};user_id=tests"

    def session(self, confs=None, token=None):
        from pyspark.sql import SparkSession

        session = SparkSession.builder.remote(self.url(token)).create()
        # Kept until stop(): SparkSession.__del__ joins a thread under a lock of its class. The garbage collector may run it on
        # gRPC's thread for the token, which the joined thread waits for, and then no session of the process gets on.
        self.sessions.append(session)
        for key, value in (confs or {}).items():
            session.conf.set(key, value)
        return session


def submit(folder, spec, confs, name="job", program=None, walls=WALLS - {"process"}, write=(), connect=()):
    """Starts coreetl.py (or another program) under spark-submit in a process group of its own, as dcp-launch does. `write` and
    `connect` are for the wall that the process is."""
    folder = Path(folder)
    properties = properties_file(
        folder / f"{name}.conf", "batch.conf",
        {"spark.driver.extraClassPath": iceberg_jar(), "spark.local.dir": folder / "local", **confs}, walls,
    )
    if program is None:
        spec_file = write_private(folder / f"{name}.json", json.dumps(spec))
        program = [ROOT / "spark" / "coreetl.py", "--spec", spec_file]
    command = [SPARK_HOME / "bin" / "spark-submit", "--properties-file", properties, *program]
    if "process" in walls:
        with open(properties, "a", encoding="utf-8") as file:
            file.write(f"spark.driver.extraJavaOptions -Djava.io.tmpdir={folder}\n")
    command = confined(command, walls, read=[Path(program[0]).parent], write=[folder, *write], connect=connect, own_network=True)
    with open(folder / f"{name}.log", "ab") as log:
        return subprocess.Popen(
            command, env=spark_environment(), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )
