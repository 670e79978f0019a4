# SPDX-License-Identifier: Apache-2.0
"""What the shared test server must hold: each session sees the catalog it mounts, and nothing outlives a session for long."""

import concurrent.futures

import grpc
import pytest
import stack
from pyspark.errors import PySparkException

# Measured: 50 sessions, each with a mounted catalog, leave 0 threads once the block manager's two pools have grown to their 100
# threads each, which takes a server's first dozens of queries. A leak of one thread a session would be 50.
SESSIONS = 50
THREADS_LEFT = 25
# Enough sessions for those pools to be full; each runs a handful of block manager calls.
WARM_UP = 25


@pytest.fixture(scope="module")
def two_contents(connect, production, overlay):
    """nyc.shared in both catalogs, same name, different rows."""
    for text, catalog in (("production", production), ("overlay", overlay)):
        session = connect.session(stack.mount(catalog.uri, catalog.secret))
        session.sql(f"CREATE TABLE prod.nyc.shared USING iceberg AS SELECT '{text}' AS origin").collect()
        session.stop()
    yield
    for catalog in (production, overlay):
        catalog.request("DELETE", "/v1/namespaces/nyc/tables/shared")


def origin(session):
    return session.sql("SELECT origin FROM prod.nyc.shared").collect()[0][0]


def test_a_wrong_token_is_refused(connect):
    session = connect.session(token="wrong")
    with pytest.raises(Exception) as caught:
        session.version
    code = getattr(caught.value, "code", lambda: None)()
    assert "UNAUTHENTICATED" in str(caught.value) or code == grpc.StatusCode.UNAUTHENTICATED


def test_the_token_is_not_in_the_process_list(connect):
    with open(f"/proc/{connect.process.pid}/cmdline", encoding="utf-8") as file:
        assert connect.token not in file.read()


def test_the_protos_are_in_the_pinned_jar():
    folder = stack.LOCAL / "protos" / "spark" / "connect"
    names = {path.name for path in folder.glob("*.proto")}
    assert {"base.proto", "commands.proto", "common.proto", "expressions.proto", "relations.proto", "types.proto"} <= names
    assert "rpc AnalyzePlan" in (folder / "base.proto").read_text()


def test_without_a_mount_production_s_name_shows_nothing(connect, two_contents):
    session = connect.session()
    with pytest.raises(PySparkException) as caught:
        origin(session)
    assert "Connection refused" in str(caught.value)
    session.stop()


def test_a_mount_comes_too_late_after_first_use(connect, production, two_contents):
    session = connect.session(stack.mount("http://127.0.0.1:9", "none"))
    with pytest.raises(PySparkException):
        origin(session)
    # A catalog that could not be loaded is not kept: the mount still can be put right.
    for key, value in stack.mount(production.uri, production.secret).items():
        session.conf.set(key, value)
    assert origin(session) == "production"
    # One that was loaded is: changing its address changes nothing, silently.
    session.conf.set("spark.sql.catalog.prod.uri", "http://127.0.0.1:9")
    assert origin(session) == "production"
    session.stop()


def test_two_sessions_mount_two_catalogs_under_one_name_at_once(connect, production, overlay, two_contents):
    sessions = [
        (connect.session(stack.mount(catalog.uri, catalog.secret)), text)
        for _ in range(2)
        for text, catalog in (("production", production), ("overlay", overlay))
    ]
    with concurrent.futures.ThreadPoolExecutor(len(sessions)) as pool:
        for _ in range(5):
            seen = list(pool.map(lambda pair: origin(pair[0]), sessions))
            assert seen == [text for _, text in sessions]
    for session, _ in sessions:
        session.stop()


def test_a_cached_result_stays_with_its_own_catalog(connect, production, overlay, two_contents):
    # Spark's cache is shared by all sessions of a server and keyed by the plan. Two catalogs of one name must not meet in it.
    first = connect.session(stack.mount(production.uri, production.secret))
    second = connect.session(stack.mount(overlay.uri, overlay.secret))
    first.sql("CACHE TABLE prod.nyc.shared").collect()
    try:
        assert origin(first) == "production"
        assert origin(second) == "overlay"
    finally:
        first.sql("UNCACHE TABLE prod.nyc.shared").collect()
        first.stop()
        second.stop()


def test_another_token_is_another_session_s_affair(connect, production, two_contents):
    good = connect.session(stack.mount(production.uri, production.secret))
    bad = connect.session(stack.mount(production.uri, "not-the-secret"))
    assert origin(good) == "production"
    with pytest.raises(PySparkException) as caught:
        origin(bad)
    assert "x-pretzel-secret is missing or wrong" in str(caught.value)
    assert production.secret not in str(caught.value)
    good.stop()
    bad.stop()


def test_fifty_sessions_leave_no_threads_behind(connect, production, two_contents):
    def one():
        session = connect.session(stack.mount(production.uri, production.secret))
        assert origin(session) == "production"
        session.stop()

    for _ in range(WARM_UP):
        one()
    before = connect.status()
    for _ in range(SESSIONS):
        one()
    after = connect.status()
    print(f"threads {before['Threads']} -> {after['Threads']}, resident {before['VmRSS']} -> {after['VmRSS']} kB")
    assert after["Threads"] - before["Threads"] <= THREADS_LEFT
