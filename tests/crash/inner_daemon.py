# SPDX-License-Identifier: Apache-2.0
"""The daemon under test beside servers that outlive it: an outer dcpd supervises the catalogs (and Spark), the inner one is killed.

So a restart of the daemon takes a second, and what is lost is what the daemon lost.
"""

import os
import shutil
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import daemon as daemons  # noqa: E402
from daemon import until  # noqa: E402, F401

LIGHT = Path(__file__).resolve().parent / "light"

CONFIG = """\
state_dir: ${{env.PRETZEL_STATE}}
secrets: [production-catalog, overlay-catalog, spark-connect]
ports: [catalog]
catalog:
  port: ${{port.catalog}}
  production: {{uri: "http://{production}", secret: "${{secret.production-catalog}}"}}
  overlay:
    uri: http://{overlay}
    secret: ${{secret.overlay-catalog}}
    warehouse: file://{outer}/overlay/warehouse
playground: {{default_ttl: 1h, expiry_poll: 100ms, tombstone_period: 0s}}
runs:
  jobs: 2
  sandbox:
    read: ["${{env.PRETZEL_ROOT}}", "{venv}", "${{env.PRETZEL_PYTHON_BASE}}", "${{env.PRETZEL_ICEBERG_JAR}}",
           "{outer}/production/warehouse"]
plugins:
  directories: ["${{bin_dir}}/../plugins"]
  instances:
    - id: derived-dataset
      plugin: derived_dataset
    - id: local-batch
      plugin: spark_runner
      config:
        mode: local
        sparkHome: {spark_home}
        python: ${{env.PRETZEL_PYTHON}}
        jars: ["${{env.PRETZEL_ICEBERG_JAR}}"]
        coreetl: ${{env.PRETZEL_ROOT}}/spark/coreetl.py
        master: local[2]
        driverMemory: 512m
{test_backend}
  routes:
    resource: {{default: derived-dataset}}
    run_backend: {{default: local-batch}}
{test_route}
"""
TEST_BACKEND = """\
    - id: shared-test-cluster
      plugin: spark_connect
      sandbox: {{network: true}}
      config: {{endpoint: "{spark}", token: "${{secret.spark-connect}}"}}"""
TEST_ROUTE = "    test_backend: {default: shared-test-cluster, batch: local-batch}"


class Servers:
    """What the daemon under test finds there: two catalogs, and with `spark` the shared test server."""

    def __init__(self, folder, spark=False):
        self.spark = spark
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        text = daemons.CONFIG.read_text()
        if not spark:
            head, _, _ = text.partition("  # The shared test server.")
            text = "\n".join(line for line in head.splitlines() if not line.startswith("recycle:"))
        # The daemons under test have catalogs on ports of their own.
        text = text.replace('      connect: ["${port.catalog}", "${port.spark-driver}", "${port.spark-blocks}"]\n', "")
        config = folder / "servers.yaml"
        config.write_text(text)
        self.outer = daemons.Daemon(folder, config=config)

    def __enter__(self):
        self.outer.start()
        return self

    def __exit__(self, *_):
        self.outer.stop()

    def inner(self, folder, bin_dir=None):
        """A daemon with a new, empty state folder that knows these servers' secrets."""
        folder = Path(folder)
        shutil.rmtree(folder, ignore_errors=True)
        secrets = folder / "state" / "secrets"
        secrets.mkdir(parents=True, mode=0o700)
        (folder / "state").chmod(0o700)
        for name in ("production-catalog", "overlay-catalog", "spark-connect"):
            shutil.copy(self.outer.state / "secrets" / name, secrets / name)
        endpoint = {service["name"]: service["endpoint"] for service in self.outer.status()["services"]}
        config = folder / "dcpd.yaml"
        config.write_text(CONFIG.format(
            production=endpoint["production-catalog"], overlay=endpoint["overlay-catalog"], outer=self.outer.state,
            venv=daemons.LOCAL / "venv",
            spark_home=daemons.SPARK_HOME if self.spark else LIGHT,
            test_backend=TEST_BACKEND.format(spark=endpoint["spark-connect"]) if self.spark else "",
            test_route=TEST_ROUTE if self.spark else "",
        ))
        return Inner(folder, config, bin_dir)


class Inner(daemons.Daemon):
    """The daemon under test."""

    def __init__(self, folder, config, bin_dir=None):
        super().__init__(folder, config=config)
        self.armed = {}
        self.bin_dir = Path(bin_dir or daemons.BIN)

    @property
    def database(self):
        return self.state / "pretzel.db"

    def environment(self, **extra):
        return super().environment(**{**self.armed, **extra})

    def arm(self, point, witness):
        self.armed = {"PRETZEL_CRASH_POINT": point, "PRETZEL_CRASH_WITNESS": str(witness)}

    def disarm(self):
        self.armed = {}

    def dead(self):
        return self.process is not None and self.process.poll() is not None

    def await_api(self, seconds=daemons.START_SECONDS):
        until(lambda: self.cli("whoami", check=False).returncode == 0, f"dcpd ({self.log})", seconds)


class Reviver(threading.Thread):
    """What an init system does: a daemon that died is started again at once; once its point was met, unarmed."""

    def __init__(self, daemon, witness):
        super().__init__(daemon=True)
        self.watched, self.witness = daemon, witness
        self.deaths = 0
        self.step = ""
        self.died_in = ""
        self.over = threading.Event()
        self.strange = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        if self.strange is not None:
            raise AssertionError(self.strange)

    def run(self):
        while not self.over.wait(0.01):
            if not self.watched.dead():
                continue
            code = self.watched.process.returncode
            if code != -signal.SIGKILL:
                self.strange = f"dcpd ended with {code}: {self.watched.log.read_text()[-2000:]}"
                return
            if self.witness.exists():
                self.watched.disarm()
                self.died_in = self.died_in or self.step
            self.watched.spawn()
            self.deaths += 1


def end_tidily_on_sigterm():
    """The servers end with us, also when we are told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False
