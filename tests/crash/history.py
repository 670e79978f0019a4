# SPDX-License-Identifier: Apache-2.0
"""The one checker of histories: what must hold in a state folder and in the tables, whatever was killed, and when.

Each function answers a list of violations, one sentence each; an empty list means that all is well. core/graph/simulation_test.cc
has the twin for histories in memory.
"""

import json
import os
import sqlite3
from pathlib import Path

RUN_ID_PROPERTY = "pretzel.run-id"
TERMINAL = {"SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED"}
# A step to the same state is a job's progress, or a cancellation that was asked for.
RUN_STEPS = {
    "": {"PENDING"},
    "PENDING": {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"},
    "RUNNING": {"RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"},
}
NODE_STEPS = {
    "": {"PENDING"},
    "PENDING": {"RUNNING", "SKIPPED", "CANCELLED"},
    "RUNNING": {"RUNNING", "PENDING", "SUCCEEDED", "FAILED", "CANCELLED"},
}
# The order of a job's steps within one attempt; none may come twice.
JOB_STEPS = ["leased", "prepared", "launched"]
LAUNCH_AGAIN = "there is no trace of a launch: launching again"


def rows(database, query, *arguments):
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        connection.row_factory = sqlite3.Row
        return connection.execute(query, arguments).fetchall()
    finally:
        connection.close()


def check_path(run_id, steps):
    """Transitions of one run: numbers without gaps, each step begins where the last one ended, nothing after an end."""
    found, states = [], {}
    for expected, step in enumerate(steps, 1):
        node, before, after = step["node_id"], step["from_state"], step["to_state"]
        place = f"run {run_id} #{step['sequence']} {node or 'itself'} {before or '-'}->{after}"
        if step["sequence"] != expected:
            found.append(f"{place}: number {expected} was expected")
        now = states.get(node, "")
        if now in TERMINAL:
            found.append(f"{place}: it had ended as {now}")
        if states.get("") in TERMINAL:
            found.append(f"{place}: the run had ended")
        if now != before:
            found.append(f"{place}: it was {now or 'nothing'}")
        if after not in (NODE_STEPS if node else RUN_STEPS).get(before, set()):
            found.append(f"{place}: there is no such step")
        states[node] = after
    return found, states


def check_job(run_id, node, steps):
    """Steps of one job: within an attempt each happens at most once, in order."""
    found, done = [], []
    for step in steps:
        words = step["detail"]
        if step["from_state"] != "RUNNING" or step["to_state"] != "RUNNING":
            continue
        if words.startswith("attempt "):
            done = ["leased"]  # the next attempt's lease is stored with the end of the last one
        elif words == LAUNCH_AGAIN:
            done = [word for word in done if word != "launched"]
        elif words in JOB_STEPS:
            if words in done:
                found.append(f"run {run_id} node {node}: {words} twice in one attempt")
            elif done and JOB_STEPS.index(done[-1]) > JOB_STEPS.index(words):
                found.append(f"run {run_id} node {node}: {words} after {done[-1]}")
            done.append(words)
    return found


def check_store(database, ended=True):
    """Every run of the database. `ended`: all of them must have."""
    found = []
    for run in rows(database, "SELECT id, state FROM run"):
        steps = rows(database, "SELECT * FROM run_transition WHERE run_id = ? ORDER BY sequence", run["id"])
        faults, states = check_path(run["id"], steps)
        found += faults
        if states.get("") != run["state"]:
            found.append(f"run {run['id']} is {run['state']}, its history says {states.get('')}")
        if ended and run["state"] not in TERMINAL:
            found.append(f"run {run['id']} has not ended: {run['state']}")
        nodes = rows(database, "SELECT id, state, capability FROM node WHERE run_id = ?", run["id"])
        for node in nodes:
            if states.pop(node["id"], None) != node["state"]:
                found.append(f"run {run['id']} node {node['id']} is {node['state']}, its history says something else")
            if run["state"] in TERMINAL and node["state"] not in TERMINAL:
                found.append(f"run {run['id']} has ended, its node {node['id']} is {node['state']}")
            if node["capability"] == "run_backend":
                found += check_job(run["id"], node["id"], [step for step in steps if step["node_id"] == node["id"]])
        states.pop("", None)
        found += [f"run {run['id']} has steps of a node {node} that it has not" for node in states]
    return found


def check_jobs(state):
    """One folder for each attempt, one launch in each folder, and no folder of nobody's."""
    found = []
    state = Path(state)
    database = state / "pretzel.db"
    attempts = {}
    for node in rows(database, "SELECT run_id, id, job_json FROM node WHERE job_json <> ''"):
        attempts[(node["run_id"], node["id"])] = json.loads(node["job_json"]).get("attempt", 1)
    for run in (state / "jobs").iterdir() if (state / "jobs").exists() else []:
        for folder in run.iterdir():
            node, _, number = folder.name.partition("~")
            if int(number or 1) > attempts.get((run.name, node), 0):
                found.append(f"job folder {run.name}/{folder.name} belongs to no attempt that was stored")
            starts = folder / "work" / "light-starts"
            if starts.exists() and len(starts.read_text().splitlines()) != 1:
                found.append(f"the job in {run.name}/{folder.name} was started {len(starts.read_text().splitlines())} times")
            inside = [*folder.iterdir(), *(folder / "work").glob("*")]
            left = [path.name for path in inside if path.name.endswith(".tmp") or ".tmp." in path.name]
            if left:
                found.append(f"job folder {run.name}/{folder.name} holds {left}")
    return found


def snapshots_of(table, run_id):
    return [s for s in table.metadata.snapshots if s.summary and s.summary.additional_properties.get(RUN_ID_PROPERTY) == run_id]


def check_table(table, runs, expected_rows):
    """`runs`: {run id: state} of all runs that wrote it, one after another. The rows are those of the last that succeeded."""
    found = []
    for run_id, state in runs.items():
        count = len(snapshots_of(table, run_id))
        if state == "SUCCEEDED" and count != 1:
            found.append(f"run {run_id} SUCCEEDED and left {count} snapshots")
        if count > 1:
            found.append(f"run {run_id} wrote {count} times")
    wrote = any(snapshots_of(table, run_id) for run_id in runs)
    count = table.scan().count()
    if wrote and count != expected_rows:
        found.append(f"{'.'.join(table.name())} has {count} rows, {expected_rows} were expected")
    strangers = [s.snapshot_id for s in table.metadata.snapshots
                 if not s.summary or s.summary.additional_properties.get(RUN_ID_PROPERTY) not in runs]
    if strangers:
        found.append(f"{'.'.join(table.name())} has snapshots of no known run: {strangers}")
    return found


def processes_naming(text):
    """{pid: command line} of processes that name `text`; our own and our parents' do not count."""
    found, own = {}, set()
    pid = os.getpid()
    while pid > 1:
        own.add(pid)
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            pid = int(stat.read().rsplit(")", 1)[1].split()[1])
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in own:
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as line:
                words = line.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in words:
            found[int(entry)] = words
    return found
