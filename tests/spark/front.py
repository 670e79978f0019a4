# SPDX-License-Identifier: Apache-2.0
"""Stands where the playground catalog stands: takes its token, notes each request, passes it on to a real catalog.

As a program (for benches, which must not share an interpreter with it): reads {"port","secret"} from standard input,
prints its URI, and ends when standard input does.
"""

import contextlib
import http.client
import http.server
import json
import sys
import threading

import stack

TOKEN = "token-of-the-playground"
# A held request ends by itself, should a test forget to let it go.
HOLD_SECONDS = 60


class Front:
    def __init__(self, port, secret, token=TOKEN):
        self.seen = []
        self.held = threading.Event()  # a request waits
        self.passing = threading.Event()
        self.passing.set()
        self.hold = ""  # which requests wait: those whose path has this in it
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes: without this each answer waits for a delayed acknowledgement.
            disable_nagle_algorithm = True

            def forward(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                front.seen.append(f"{self.command} {self.path}")
                if not front.passing.is_set() and front.hold in self.path:
                    front.held.set()
                    front.passing.wait(HOLD_SECONDS)
                if self.headers.get("x-pretzel-token") != token:
                    status, text = 401, json.dumps(
                        {"error": {"message": "unknown token", "type": "NotAuthorizedException", "code": 401}}).encode()
                else:
                    headers = {stack.SECRET_HEADER: secret, "content-type": "application/json"}
                    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
                        connection.request(self.command, self.path, body or None, headers)
                        answer = connection.getresponse()
                        status, text = answer.status, answer.read()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # who asked may have given up
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(text)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(text)

            do_GET = do_HEAD = do_POST = do_DELETE = forward

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @contextlib.contextmanager
    def holding(self, part=""):
        """Within, requests whose path has `part` in it are taken and not answered."""
        self.hold = part
        self.held.clear()
        self.passing.clear()
        try:
            yield
        finally:
            self.passing.set()

    def stop(self):
        self.passing.set()
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    front = Front(**json.loads(sys.stdin.readline()))
    print(front.uri, flush=True)
    sys.stdin.read()
    front.stop()
