# SPDX-License-Identifier: Apache-2.0
"""What a hostile input is, and how each kind of it is shown to the program.

A case has a name that is unique in its kind, and what is sent. What must come back stands in expected.jsonl: an exit code or
HTTP or gRPC status, the stable id where there is one, and the message. `says` is a word of the message that names the cause;
it is the author's, so that a golden file that was taken over blindly still has to name it.
"""

import dataclasses
import json

HEAD = "apiVersion: dcp/v1\nkind: DerivedDataset\nmetadata: {name: hostile, namespace: lab}\n"


@dataclasses.dataclass(frozen=True)
class Case:
    kind: str  # manifest, sql, file, line, rest, rpc
    name: str
    says: str = ""
    # manifest, sql, file: bytes by path; a callable makes what is no plain file
    files: dict = dataclasses.field(default_factory=dict)
    # manifest, sql, file, line: words behind `pretzel`; {folder} is where the files are
    line: tuple = ()
    environment: dict = dataclasses.field(default_factory=dict)
    # rest: bytes of a request, or a method, path and the rest; rpc: method and message
    request: tuple = ()
    engine: bool = False  # Spark itself must judge it

    @property
    def id(self):
        return f"{self.kind}/{self.name}"


def manifest(name, text, says="", **extra):
    """`text` is the whole file, as text or bytes."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return Case("manifest", name, says, {"m.yaml": data, **extra}, ("derived-dataset", "test", "{folder}/m.yaml"))


def spec(name, body, says=""):
    """A sound manifest but for its spec."""
    return manifest(name, HEAD + "spec:\n" + body, says)


def sql(name, text, says="", engine=False):
    """The query as a double-quoted scalar: every character arrives."""
    quoted = json.dumps(text)
    return Case("sql", name, says, {"m.yaml": (HEAD + f"spec:\n  sql: {quoted}\n").encode("utf-8", "surrogatepass")},
                ("derived-dataset", "test", "{folder}/m.yaml"), engine=engine)


def line(name, *words, says="", environment=None):
    return Case("line", name, says, line=words, environment=environment or {})
