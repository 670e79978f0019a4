# SPDX-License-Identifier: Apache-2.0
"""A reverse proxy that writes down what an Iceberg client sends to a catalog, and passes it on."""

import contextlib
import http.client
import http.server
import json
import threading

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class RecordingProxy:
    def __init__(self, port):
        self.upstream_port = port
        self.calls = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP}
                upstream = http.client.HTTPConnection("127.0.0.1", proxy.upstream_port, timeout=30)
                with contextlib.closing(upstream):
                    upstream.request(self.command, self.path, body or None, headers)
                    answer = upstream.getresponse()
                    data = answer.read()
                proxy.calls.append(Call(self.command, self.path, dict(self.headers.items()), body, answer.status, data))
                self.send_response(answer.status)
                for key, value in answer.getheaders():
                    if key.lower() not in HOP_BY_HOP:
                        self.send_header(key, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_HEAD = do_POST = do_DELETE = forward

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @contextlib.contextmanager
    def recording(self):
        """The calls made inside the block."""
        first = len(self.calls)
        taken = []
        yield taken
        taken.extend(self.calls[first:])


class Call:
    def __init__(self, method, path, headers, body, status, answer):
        self.method = method
        self.path = path
        self.headers = {key.lower(): value for key, value in headers.items()}
        self.body = json.loads(body) if body.startswith(b"{") else None
        self.status = status
        self.answer = json.loads(answer) if answer.startswith(b"{") else None

    @property
    def line(self):
        return f"{self.method} {self.path} {self.status}"

    @property
    def actions(self):
        return [update["action"] for update in self.body["updates"]]

    @property
    def requirements(self):
        return [requirement["type"] for requirement in self.body["requirements"]]

    def updates(self, action):
        return [update for update in self.body["updates"] if update["action"] == action]

    def __repr__(self):
        text = self.line
        if self.body and "updates" in self.body:
            text += f" requirements={self.requirements} updates={self.actions}"
        elif self.body:
            text += f" {sorted(self.body)}"
        return text
