# SPDX-License-Identifier: Apache-2.0
"""A real dcpd with the embedded stack in a folder of its own, and the real `pretzel` in front of it."""

import contextlib
import getpass
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

from pyiceberg.catalog import load_catalog

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
BIN = Path(os.environ.get("PRETZEL_BUILD", ROOT / "build" / "release")) / "bin"
PYTHON = LOCAL / "venv" / "bin" / "python"
SPARK_HOME = next((LOCAL / "venv" / "lib").glob("python3*"), LOCAL) / "site-packages" / "pyspark"
CONFIG = ROOT / "examples" / "stack" / "dcpd.yaml"
START_SECONDS = 120
STOP_SECONDS = 60


def iceberg_jar():
    return next((LOCAL / "jars" / "spark").glob("iceberg-spark-runtime-*.jar"))


def until(condition, what, seconds=60.0):
    """The first true answer of `condition`; a condition is waited for, never a time."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


class Daemon:
    def __init__(self, folder, config=CONFIG):
        self.folder = Path(folder)
        self.state = self.folder / "state"
        self.config = config
        self.bin_dir = BIN
        self.process = None

    def environment(self, **extra):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PRETZEL_", "SPARK_", "PYSPARK_"))}
        return {
            **kept,
            "PATH": f"{self.bin_dir}:{os.environ['PATH']}",
            "PRETZEL_ROOT": str(ROOT),
            "PRETZEL_STATE": str(self.state),
            "PRETZEL_SPARK_HOME": str(SPARK_HOME),
            "PRETZEL_PYTHON": str(PYTHON),
            "PRETZEL_PYTHON_BASE": sys.base_prefix,
            "PRETZEL_ICEBERG_JAR": str(iceberg_jar()),
            "PRETZEL_CATALOG_JARS": str(LOCAL / "jars" / "catalog"),
            "PRETZEL_ENDPOINT": f"unix:{self.state}/run/dcpd.sock",
            "PRETZEL_TOKEN_FILE": str(self.state / "token"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            **extra,
        }

    @property
    def log(self):
        return self.folder / "dcpd.log"

    @property
    def pretzel(self):
        return BIN / "pretzel"

    def principals(self, *others):
        """Before the first start: these users beside the one that a first start would make, each with a token file."""
        self.state.mkdir(parents=True, mode=0o700)
        lines = []
        for user, name in [(getpass.getuser(), "token"), *((other, f"token-{other}") for other in others)]:
            token = secrets.token_hex(32)
            self.private(name, token + "\n")
            entry = {"user": user, "team": "", "environment": "local", "token_sha256": hashlib.sha256(token.encode()).hexdigest()}
            if name == "token":
                entry["role"] = "operator"  # as the first start makes it
            lines.append(json.dumps(entry) + "\n")
        self.private("principals.jsonl", "".join(lines))
        return self

    def private(self, name, text):
        with open(self.state / name, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)

    def spawn(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.bin_dir / "dcpd", "--config", self.config], env=self.environment(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )

    def start(self):
        self.spawn()
        until(self.answers, f"dcpd ({self.log})", START_SECONDS)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"dcpd ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
        return self.cli("whoami", check=False).returncode == 0

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def kill(self):
        """As a crash would: no warning, no clean-up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def cli(self, *arguments, check=True, stdin=None, env=None, cwd=ROOT):
        answer = subprocess.run(
            [BIN / "pretzel", *map(str, arguments)], env=self.environment(**(env or {})), cwd=cwd,
            input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True, timeout=300,
        )
        if check and answer.returncode != 0:
            raise AssertionError(f"pretzel {' '.join(map(str, arguments))}: {answer.returncode}\n{answer.stdout}\n{answer.stderr}")
        return answer

    def json(self, *arguments, **options):
        return json.loads(self.cli(*arguments, "-o", "json", **options).stdout)

    def start_cli(self, *arguments):
        return subprocess.Popen(
            [BIN / "pretzel", *map(str, arguments)], env=self.environment(), cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

    def status(self):
        """`status` exits with 6 while a part is not ready, and answers all the same."""
        return self.json("status", check=False)

    def service(self, name):
        return next(service for service in self.status()["services"] if service["name"] == name)

    def plugin(self, instance):
        return next(plugin for plugin in self.status()["plugins"] if plugin["instance"] == instance)

    def secret(self, name):
        return (self.state / "secrets" / name).read_text().strip()

    def upstream(self, name="production-catalog"):
        """Stock PyIceberg with the operator's access."""
        return load_catalog(name, **{
            "type": "rest", "uri": f"http://{self.service(name)['endpoint']}",
            "header.x-pretzel-secret": self.secret(name), "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
        })

    def playground(self, name, write=False):
        """Stock PyIceberg through the playground's endpoint, with what `playground connect` prints."""
        access = self.json("playground", "connect", name, *(["--write"] if write else []))
        return load_catalog(access["catalog"], **{
            "type": "rest", "uri": access["uri"], "header.x-pretzel-token": access["token"],
            "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
        })

    def load_flights(self):
        endpoint = self.service("production-catalog")["endpoint"]
        subprocess.run(
            [PYTHON, ROOT / "stack" / "load_flights.py", "--uri", f"http://{endpoint}",
             "--secret-file", self.state / "secrets" / "production-catalog"],
            check=True, capture_output=True, timeout=300,
        )

    def listing(self, *names):
        """Everything a write could change: tables with their metadata location, and every file of the warehouses."""
        found = []
        for name in names or ("production-catalog", "overlay-catalog"):
            root = self.state / name.removesuffix("-catalog") / "warehouse"
            found += sorted((name, str(path.relative_to(root))) for path in root.rglob("*"))
            catalog = self.upstream(name)
            for namespace in sorted(walk(catalog)):
                found.append((name, namespace))
                for table in sorted(catalog.list_tables(namespace)):
                    found.append((name, table, catalog.load_table(table).metadata_location))
        return found

    def spark_sql(self, queries, access=None):
        """By name, the rows (JSON arrays, sorted) of each query by plain PySpark (a batch JVM for all), over production with the
        operator's access."""
        script = ROOT / "tests" / "integration" / "plain_spark.py"
        endpoint = self.service("production-catalog")["endpoint"]
        request = access or {"uri": f"http://{endpoint}", "header": "x-pretzel-secret", "token": self.secret("production-catalog")}
        answer = subprocess.run(
            [PYTHON, script], input=json.dumps({**request, "queries": queries, "jar": str(iceberg_jar())}), text=True,
            env={**self.environment(), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": str(PYTHON)},
            capture_output=True, timeout=300,
        )
        if answer.returncode != 0:
            raise AssertionError(answer.stderr[-3000:])
        return json.loads(answer.stdout.splitlines()[-1])


def walk(catalog, parent=()):
    for namespace in catalog.list_namespaces(parent):
        yield namespace
        yield from walk(catalog, namespace)


@contextlib.contextmanager
def running(folder, **options):
    with started(Daemon(folder, **options)) as daemon:
        yield daemon


@contextlib.contextmanager
def started(daemon):
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.stop()
