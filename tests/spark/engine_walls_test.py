# SPDX-License-Identifier: Apache-2.0
"""Three walls stand behind the SQL screen, in the shared server and in jobs. Each is tried alone, with nobody screening: a stock
client of the server, a program of its own in a job. What one wall cannot stop alone stands here too, by name."""

import json

import pytest

import reaching
import stack

# With no wall at all: which queries reach the listener. What the control shows is what the walls are for.
JOB_SECONDS = 300  # ten queries and a Spark of its own; 20 s on an idle machine
OVER_HADOOP = {"from_xml http", "from_xml http, DTD, file", "from_xml har"}
OVER_JAVA = {"xpath http", "xpath jar"}
REACHES = {
    # Hadoop's file systems are one way out, Java's own URLs another, which the first cannot close.
    "options": set(),
    "files": OVER_JAVA,
    "process": set(),
    "none": OVER_HADOOP | OVER_JAVA,
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return reaching.plant(tmp_path_factory.mktemp("state") / "secrets")


@pytest.fixture
def listener(planted):
    listener = reaching.Listener(planted[0])
    yield listener
    listener.stop()


def reached(listener, send):
    """Each query by itself: the names of those that the listener heard of."""
    found, answers = set(), {}
    for name in reaching.queries(listener.url, ""):
        before = len(listener.asked)
        answers.update(send(name))
        if len(listener.asked) > before:
            found.add(name)
    return found, answers


@pytest.mark.parametrize("wall", sorted(REACHES))
def test_the_shared_server_behind_one_wall(wall, planted, listener, tmp_path):
    path, text = planted
    server = stack.ConnectServer(tmp_path / "server", walls={wall}).start()
    try:
        session = server.session()
        queries = reaching.queries(listener.url, path)
        found, answers = reached(listener, lambda name: reaching.send_one(session, name, queries[name]))
        assert session.sql("SELECT 1 + 1 AS x").collect()[0].x == 2
    finally:
        server.stop()
    assert found == REACHES[wall], answers
    came_back = [name for name, answer in answers.items() if text in answer]
    went_out = [asked for asked in listener.asked if text in asked]
    if wall == "none":
        assert went_out, "the control: without walls the planted file goes out"
    else:
        assert (came_back, went_out) == ([], [])


def test_a_session_cannot_turn_the_walls_back(planted, listener, tmp_path):
    path, text = planted
    server = stack.ConnectServer(tmp_path / "server", walls={"options", "files"}).start()
    try:
        session = server.session()
        for key in ("fs.http.impl", "spark.hadoop.fs.http.impl", "spark.hadoop.fs.AbstractFileSystem.http.impl"):
            session.conf.set(key, "org.apache.hadoop.fs.http.HttpFileSystem")
        for setting in ("spark.driver.extraJavaOptions", "spark.driver.defaultJavaOptions"):
            try:
                session.conf.set(setting, "-Djavax.xml.accessExternalDTD=all")
            except Exception as error:  # Spark refuses to change it, or takes it for nothing
                assert "CONFIG" in str(error), error
        answers = reaching.send(session, listener.url, path)
        for kind in ("http", "https"):
            for reader in ("text", "binaryFile", "xml"):
                try:
                    rows = session.read.option("rowTag", "a").format(reader).load(f"{listener.url}/plain.xsd".replace("http", kind))
                    answers[f"{kind} {reader}"] = repr(rows.collect())
                except Exception as error:
                    answers[f"{kind} {reader}"] = str(error)
    finally:
        server.stop()
    assert listener.asked == [], answers
    assert not [name for name, answer in answers.items() if text in answer]


@pytest.mark.parametrize("wall", sorted(set(REACHES) - {"none"}))
def test_a_job_behind_one_wall(wall, planted, listener, tmp_path):
    path, text = planted
    answers = tmp_path / "job" / "answers.json"
    answers.parent.mkdir()
    job = stack.submit(
        answers.parent, None, {}, walls={wall}, program=[stack.ROOT / "tests/spark/reaching.py", listener.url, path, answers])
    try:
        assert job.wait(JOB_SECONDS) == 0, (answers.parent / "job.log").read_text()[-3000:]
    finally:
        stack.end(job)
    sent = json.loads(answers.read_text())
    assert sent["1 + 1"] == "[Row(x=2)]"
    wanted = {"from_xml http": "/plain.xsd", "from_xml http, DTD, file": "/out.xsd", "from_xml har": "/x.har",
              "xpath http": "/x.dtd", "xpath jar": "/x.jar"}
    found = {name for name, target in wanted.items() if any(asked.startswith(target) for asked in listener.asked)}
    assert found == REACHES[wall], sent
    assert not [name for name, answer in sent.items() if text in answer]
    assert not [target for target in listener.asked if text in target]


def test_every_registered_file_system_is_refused_by_name():
    """What Hadoop registers, in Spark's own jar: one that a new version brings is met here before a query meets it."""
    registered = stack.registered_file_systems()
    assert "http" in registered and "hdfs" in registered, registered
    for base in ("test-server.conf", "batch.conf"):
        settings = dict(line.split(None, 1) for line in (stack.SPARK_DEFAULTS / base).read_text().splitlines()
                        if line.startswith("spark."))
        left = {scheme for scheme in registered if settings.get(f"spark.hadoop.fs.{scheme}.impl") != stack.REFUSED}
        assert left == {"file", "AbstractFileSystem.file"}, base
