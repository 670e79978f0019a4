# SPDX-License-Identifier: Apache-2.0
"""The playground catalog as a program (catalog_serve) over real catalog servers, and one playground of it."""

import contextlib
import http.client
import json
import os
import subprocess
from pathlib import Path

import stack

BUILD = Path(os.environ.get("PRETZEL_BUILD", stack.ROOT / "build" / "release"))


class Facade:
    """catalog_serve, driven over its stdin."""

    def __init__(self, folder, production, overlay, **settings):
        folder.mkdir(mode=0o700, exist_ok=True)
        self.warehouse = overlay.folder / "warehouse"
        text = json.dumps({
            "production": {"uri": production.uri, "secret": production.secret},
            "overlay": {"uri": overlay.uri, "secret": overlay.secret},
            "warehouse": self.warehouse.as_uri(),
            "store": str(folder / "state.db"),
            **settings,
        })
        self.process = subprocess.Popen(
            [BUILD / "bin" / "catalog_serve", stack.write_private(folder / "settings.json", text)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.port = json.loads(self.process.stdout.readline())["port"]

    def call(self, verb, **arguments):
        self.process.stdin.write(json.dumps({"call": verb, **arguments}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        status = self.process.wait(20)
        self.process.stdout.close()
        return status


class Playground:
    def __init__(self, facade, name, **row):
        self.facade, self.name = facade, name
        created = facade.call("create", name=name, **row)
        self.endpoint, self.generation = created["endpoint"], created["generation"]
        self.rw = self.token()
        self.ro = self.token(mode="ro")

    def token(self, **claims):
        claims = {"generation": self.generation, **claims}
        return self.facade.call("token", playground=self.name, **claims)["token"]

    def call(self, verb, **arguments):
        return self.facade.call(verb, playground=self.name, generation=self.generation, **arguments)

    def http(self, method, path, body=None, token=None, headers=None):
        """(status, decoded body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.facade.port, timeout=60)
        sent = {"x-pretzel-token": self.rw if token is None else token, **(headers or {})}
        with contextlib.closing(connection):
            data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request(method, f"/pg/{self.name}{path}", data, sent)
            answer = connection.getresponse()
            text = answer.read()
        return answer.status, (json.loads(text) if text else None)

    def folder(self):
        return self.facade.warehouse / "pg" / f"{self.name}-{self.generation}"

    def pyiceberg(self, token=None):
        from pyiceberg.catalog.rest import RestCatalog

        return RestCatalog("prod", uri=self.endpoint, **{"header.x-pretzel-token": token or self.rw})

    def confs(self, token=None):
        return stack.mount(self.endpoint, token or self.rw, header="x-pretzel-token")
