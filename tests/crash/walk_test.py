# SPDX-License-Identifier: Apache-2.0
"""A sample of the crash walk, and proof that its checker sees what it is there for. All of it: scripts/crash-walk."""

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import history
import pytest
import walk

# The most delicate moments, and a few by chance: PRETZEL_SEED draws others.
ALWAYS = ["run.create.after_commit", "job.submit.answered", "job.launch.done"]
SEED = int(os.environ.get("PRETZEL_SEED", "1"))
DRAWN = 4


def sample():
    others = [point for point in walk.points() if point not in ALWAYS]
    return ALWAYS + random.Random(SEED).sample(others, DRAWN)


@pytest.mark.parametrize("point", sample())
def test_a_death_at(point, servers):
    # Not pytest's folder: a socket's path has 107 bytes.
    with tempfile.TemporaryDirectory(prefix="walk-") as folder:
        result = walk.Walk(servers, Path(folder) / "w").visit(point)
    assert result["violations"] == []
    assert result["died"], "the path does not pass this point"


def test_a_pattern_that_matches_no_point_is_refused():
    done = subprocess.run([sys.executable, walk.__file__, "--points", "no.such.point"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no crash point matches no.such.point" in done.stderr


@pytest.fixture
def database(tmp_path):
    """A history as it should be: one run with one job."""
    path = tmp_path / "pretzel.db"
    connection = sqlite3.connect(path)
    connection.executescript("""
      CREATE TABLE run (id TEXT, state TEXT);
      CREATE TABLE node (run_id TEXT, id TEXT, state TEXT, capability TEXT, job_json TEXT);
      CREATE TABLE run_transition (run_id TEXT, sequence INT, node_id TEXT, from_state TEXT, to_state TEXT, detail TEXT);
      INSERT INTO run VALUES ('r', 'SUCCEEDED');
      INSERT INTO node VALUES ('r', 'job', 'SUCCEEDED', 'run_backend', '{"attempt": 1}');
      INSERT INTO run_transition VALUES
        ('r', 1, '', '', 'PENDING', ''), ('r', 2, 'job', '', 'PENDING', ''), ('r', 3, '', 'PENDING', 'RUNNING', ''),
        ('r', 4, 'job', 'PENDING', 'RUNNING', ''), ('r', 5, 'job', 'RUNNING', 'RUNNING', 'leased'),
        ('r', 6, 'job', 'RUNNING', 'RUNNING', 'prepared'), ('r', 7, 'job', 'RUNNING', 'RUNNING', 'launched'),
        ('r', 8, 'job', 'RUNNING', 'SUCCEEDED', ''), ('r', 9, '', 'RUNNING', 'SUCCEEDED', '');
    """)
    connection.commit()
    yield connection
    connection.close()


def checked(connection, *statements):
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    return history.check_store(connection.execute("PRAGMA database_list").fetchone()[2])


def test_the_checker_lets_pass_what_is_right(database):
    assert checked(database) == []


@pytest.mark.parametrize("fault, words", [
    ("DELETE FROM run_transition WHERE sequence = 6", "was expected"),
    ("UPDATE run_transition SET from_state = 'PENDING' WHERE sequence = 8", "it was RUNNING"),
    ("UPDATE run_transition SET to_state = 'PENDING' WHERE sequence = 3", "it was PENDING"),
    ("UPDATE run_transition SET to_state = 'SKIPPED' WHERE sequence = 8", "no such step"),
    ("UPDATE run_transition SET detail = 'launched' WHERE sequence = 6", "launched twice"),
    ("UPDATE run_transition SET detail = 'launched' WHERE sequence = 5", "prepared after launched"),
    ("INSERT INTO run_transition VALUES ('r', 10, 'job', 'SUCCEEDED', 'RUNNING', '')", "had ended"),
    ("UPDATE run SET state = 'RUNNING'", "its history says SUCCEEDED"),
    ("UPDATE node SET state = 'RUNNING'", "its history says something else"),
    ("INSERT INTO run VALUES ('q', 'RUNNING')", "has not ended"),
])
def test_the_checker_sees(database, fault, words):
    assert any(words in violation for violation in checked(database, fault)), checked(database)


def test_the_checker_sees_a_job_that_was_started_twice(database, tmp_path):
    folder = tmp_path / "jobs" / "r" / "job"
    folder.mkdir(parents=True)
    assert history.check_jobs(tmp_path) == []
    (folder / "work").mkdir()
    (folder / "work" / "light-starts").write_text("1\n2\n")
    (tmp_path / "jobs" / "r" / "job~2").mkdir()
    assert [word in violation for word, violation in zip(["belongs to no attempt", "started 2 times"], sorted(
        history.check_jobs(tmp_path), key=lambda violation: "started" in violation))] == [True, True]
