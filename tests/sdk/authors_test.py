# SPDX-License-Identifier: Apache-2.0
"""What an author gets: the SDK installed, moved, and used with nothing of this tree in reach. Debian's own compilers."""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PRETZEL_BUILD", ROOT / "build" / "release"))
TEMPLATES = ROOT / "sdk" / "templates"
PAIRS = sorted((path.parent.name, path.name) for path in TEMPLATES.glob("*/*"))
SECONDS_MAX = 300
GO_SIGNALS = {7, 8, 11, 13, 23}  # BUS, FPE, SEGV, PIPE, URG: Go's own, told in docs/plugins/isolation.md
# Those that the daemon, a terminal or an operator sends; a plugin must not take them.
HOST_SIGNALS = {1, 2, 3, 15, 17}


@pytest.fixture(scope="module")
def sdk(tmp_path_factory):
    """Installed, and then moved: a path that was written down would now lead nowhere."""
    folder = tmp_path_factory.mktemp("sdk")
    subprocess.run(["cmake", "--install", BUILD, "--component", "sdk", "--prefix", folder / "first"], check=True, capture_output=True)
    (folder / "first").rename(folder / "moved")
    return folder / "moved"


def environment(sdk, home):
    return {
        "PATH": f"{sdk}/bin:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "PREFIX": str(sdk), "CMAKE_PREFIX_PATH": str(sdk),
        "PKG_CONFIG_PATH": f"{sdk}/lib/pkgconfig", "GOFLAGS": "-mod=mod", "GOPROXY": "off", "CARGO_NET_OFFLINE": "true",
    }


def run(command, sdk, folder, stdin=None):
    done = subprocess.run(
        command, shell=isinstance(command, str), cwd=folder, env=environment(sdk, folder), input=stdin, capture_output=True,
        text=True, timeout=SECONDS_MAX)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def call(sdk, plugin, config, *requests, write=()):
    """Each request through a real worker, which may write there; its answers."""
    folder = plugin.parent
    (folder / "config.json").write_text(json.dumps(config))
    command = ["dcp-plugin-call", *(f"--write={path}" for path in write), plugin, "config.json"]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    return [json.loads(line) for line in run(command, sdk, folder, lines).splitlines()]


def check(sdk, plugin, folder, config, **calls):
    """The checker finds nothing, at the level that is the default; `calls` are sample requests by method."""
    (folder / "checked.json").write_text(json.dumps(config))
    command = ["dcp-plugin-check", plugin, "--config", "checked.json", "--json", "report.json"]
    for method, request in calls.items():
        (folder / f"{method}.json").write_text(json.dumps(request))
        command += ["--call", f"{method}={method}.json"]
    run(command, sdk, folder)
    report = json.loads((folder / "report.json").read_text())
    assert report["failed"] == 0 and report["passed"] > 70, report
    outcomes = {each["name"]: each["outcome"] for each in report["checks"]}
    assert outcomes["worker-serves"] == "passed" and (not calls or outcomes["response-valid"] == "passed"), outcomes
    return {name for name, outcome in outcomes.items() if outcome == "waived"}


def section(sdk, plugin, folder):
    """The manifest as the plugin's file holds it."""
    run(["objcopy", "--dump-section", ".dcp.manifest=section", plugin, "copy.so"], sdk, folder)
    return (folder / "section").read_text(encoding="utf-8")


def make(sdk, folder, kind, lang):
    """A project of the template, built and tested as `plugin new` says; the plugin's file."""
    steps = run(["pretzel", "plugin", "new", "mine", "--kind", kind, "--lang", lang], sdk, folder)
    run(f"set -e\n{steps}", sdk, folder)
    return next(path for path in (folder / "mine").rglob("*mine.so") if "deps" not in path.parts)


def test_nothing_installed_knows_where_it_was_built(sdk):
    texts = [path for path in sdk.rglob("*") if path.is_file() and path.parent.name != "bin"]
    assert len(texts) > 30
    for path in texts:
        text = path.read_text(encoding="utf-8")
        for known in (str(ROOT), str(sdk.parent), str(BUILD)):
            assert known not in text, f"{path}: {known}"


@pytest.mark.parametrize(("kind", "lang"), PAIRS)
def test_each_template_builds_passes_its_tests_and_the_checker(sdk, tmp_path, kind, lang):
    plugin = make(sdk, tmp_path, kind, lang)
    symbols = run(["nm", "-D", "--defined-only", plugin], sdk, tmp_path).split()
    assert [name for name in symbols if not re.fullmatch("[0-9a-f]{16}|[A-Z]", name)] == ["dcp_plugin_v1"]
    assert "NODELETE" in run(["readelf", "-dW", plugin], sdk, tmp_path)
    source = (tmp_path / "mine" / "manifest.json").read_bytes()
    assert section(sdk, plugin, tmp_path).encode() == source
    assert "@name@" not in "".join(path.read_text() for path in (tmp_path / "mine").glob("*.*") if path.suffix not in {".so", ".o"})
    [config] = json.loads(source)["config_schema"]["examples"]
    calls = {"Submit": {"job": {"table": "prod.a.b"}, "lease": {"directory": "/tmp/job"}}} if kind == "run_backend" else {}
    waived = check(sdk, plugin, tmp_path, config, **calls)
    assert bool(waived) == (lang == "go"), waived
    if kind == "run_backend":
        walk_through_a_run(sdk, plugin, tmp_path)


def walk_through_a_run(sdk, plugin, folder):
    """What the host does with a job, by hand: submit, write the files, run the process, check."""
    directory = folder / "job"
    directory.mkdir()
    job = {"table": "prod.a.b", "sql": "SELECT 'é\"\\' AS x", "runId": "r1"}
    command = 'test "$(stat -c %a $JOB_FILE)" = 600 && echo "{\\"rows\\": 3, \\"snapshotId\\": \\"9007199254740993\\"}" > $RESULT_FILE'
    submit = {"method": "Submit", "request": {"job": job, "lease": {"directory": str(directory)}}}
    [answer] = call(sdk, plugin, {"command": command}, submit)
    process = answer["response"]["process"]
    for file in process["files"]:
        with open(directory / file["path"], "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(base64.b64decode(file["content"]))
    assert json.loads((directory / "job.json").read_text()) == job
    done = subprocess.run(process["argv"], env=process["env"], capture_output=True, text=True, timeout=SECONDS_MAX)
    assert done.returncode == 0, done.stderr
    result = base64.b64encode((directory / process["resultFile"]).read_bytes()).decode()
    ended = {"phase": "EXITED", "result": result}
    answers = call(
        sdk, plugin, {"command": command}, {"method": "Check", "request": {"process": ended}},
        {"method": "Check", "request": {"process": {"phase": "EXITED", "exitCode": 4}}}, {"method": "Check", "request": {}})
    assert answers[0]["response"]["result"] == {"rows": "3", "snapshotId": "9007199254740993"}
    assert answers[1]["response"]["state"] == "JOB_FAILED" and "ended with 4" in answers[1]["response"]["detail"]
    assert answers[2]["error"]["code"] == "INVALID_ARGUMENT"


def test_the_schema_of_the_configuration_may_be_a_file_of_its_own(sdk, tmp_path):
    run(["pretzel", "plugin", "new", "mine", "--kind", "resource", "--lang", "c"], sdk, tmp_path)
    folder = tmp_path / "mine"
    whole = (folder / "manifest.json").read_text()
    manifest = json.loads(whole)
    schema = json.dumps(manifest.pop("config_schema"), indent=1).replace("The kind", "The; kind \\\\ [${x}")
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    (folder / "config.schema.json").write_text(schema + "\n")
    lists = folder / "CMakeLists.txt"
    lists.write_text(lists.read_text().replace("MANIFEST manifest.json", "MANIFEST manifest.json CONFIG_SCHEMA config.schema.json"))
    run("cmake -B build && cmake --build build", sdk, folder)
    plugin = folder / "build" / "mine.so"
    embedded = section(sdk, plugin, folder)
    assert schema in embedded and json.loads(embedded) == {**manifest, "config_schema": json.loads(schema)}
    assert "  kind: text, required, at least 1 characters\n" in run(["dcp-plugin-check", "--describe", plugin], sdk, folder)
    (folder / "manifest.json").write_text(whole)
    twice = subprocess.run(["cmake", "-B", "build"], cwd=folder, env=environment(sdk, folder), capture_output=True, text=True)
    assert twice.returncode != 0 and "one too many" in re.sub(r"\s+", " ", twice.stderr)


def test_go_leaves_the_hosts_signals_alone(sdk, tmp_path):
    plugin = make(sdk, tmp_path, "run_backend", "go")
    probe = tmp_path / "probe.c"
    probe.write_text("""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
/* What loading changes: a shell that starts this in the background has ignored some already. */
int main(int argc, char **argv) {
  struct sigaction before[32], now;
  for (int i = 1; i < 32; ++i) sigaction(i, NULL, &before[i]);
  if (argc != 2 || dlopen(argv[1], RTLD_NOW) == NULL) return 2;
  for (int i = 1; i < 32; ++i) {
    if (sigaction(i, NULL, &now) == 0 && now.sa_handler != before[i].sa_handler) printf("%d ", i);
  }
}
""")
    run(["cc", "-o", "probe", "probe.c", "-ldl"], sdk, tmp_path)
    caught = {int(number) for number in run(["./probe", plugin], sdk, tmp_path).split()}
    assert caught and caught <= GO_SIGNALS and not HOST_SIGNALS & caught, caught


def test_the_c_example_is_short_and_clean():
    example = ROOT / "docs/plugins/example.c"
    assert len(example.read_text().splitlines()) <= 60
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    subprocess.run(["cc", *strict, f"-I{ROOT}/plugin_api/include", "-fsyntax-only", example], check=True)


def test_the_contract_page_is_current():
    subprocess.run([sys.executable, ROOT / "sdk/tools/contract_reference.py", "--check"], check=True)


def test_what_kinds_share_is_the_same():
    for lang, names in {"c": ["plugin.c", "backend.h", "Makefile", "CMakeLists.txt"], "cpp": ["CMakeLists.txt"]}.items():
        for name in names:
            assert len({path.read_bytes() for path in TEMPLATES.glob(f"*/{lang}/{name}")}) == 1, name


def test_debian_has_what_the_templates_need():
    listed = (ROOT / "scripts/lib/debian-packages.txt").read_text().split()
    assert {"golang-go", "rustc", "cargo", "pkg-config"} <= set(listed)
    assert all(shutil.which(tool, path="/usr/bin") for tool in ("go", "cargo", "pkg-config", "make"))


def example(sdk, folder, lang):
    """The template, with the example's files over it; the plugin's file."""
    run(["pretzel", "plugin", "new", f"spool_{lang}", "--kind", "run_backend", "--lang", lang], sdk, folder)
    project = folder / f"spool_{lang}"
    shutil.copytree(sdk / "share/dcp_sdk/examples" / lang, project, dirs_exist_ok=True)
    for unit_test in project.glob("backend_test.*"):  # of the template's backend
        unit_test.unlink()
    if lang == "rust":
        run(["cargo", "build", "--release"], sdk, project)
        return project / "target/release/libspool_rust.so"
    run(["make", f"spool_{lang}.so"], sdk, project)
    return project / f"spool_{lang}.so"


@pytest.mark.parametrize("lang", ["c", "rust", "go"])
def test_the_example_backends_run_jobs_through_a_queue(sdk, tmp_path, lang):
    plugin = example(sdk, tmp_path, lang)
    spool = tmp_path / "queue"
    spool.mkdir()
    checked = tmp_path / "checked"
    checked.mkdir()
    check(sdk, plugin, tmp_path, {"spool": str(checked)}, Submit={"job": {"table": "a.b"}, "idempotencyKey": "1"})

    def at_queue(*requests):
        return call(sdk, plugin, {"spool": str(spool)}, *requests, write=[spool])

    confined = call(sdk, plugin, {"spool": str(spool)}, {"method": "Submit", "request": {"job": {}, "idempotencyKey": "1"}})
    assert "cannot write" in confined[0]["error"]["message"], confined
    submit = {"method": "Submit", "request": {"job": {"table": "prod.a.b", "sql": "SELECT 1"}, "idempotencyKey": "run/node~1"}}
    second = {"method": "Submit", "request": {"job": {"table": "prod.a.c"}, "idempotencyKey": "run/node~2"}}
    answers = at_queue(submit, submit, second)
    first, again, other = (answer["response"]["handle"] for answer in answers)
    assert first == again != other
    [kept] = {path.read_text() for path in spool.glob(f"{first}.job")}
    assert json.loads(kept) == submit["request"]["job"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in spool.iterdir())
    assert len(list(spool.iterdir())) == 2

    def of(handle, method="Check", **more):
        return {"method": method, "request": {"handle": handle, **more}}

    answers = at_queue(of(first), of(other, "Cancel"), of("strange"), of("../queue/x"), of(first, "Logs"))
    assert answers[0]["response"]["state"] == "JOB_PENDING"
    assert answers[2]["error"]["code"] == answers[3]["error"]["code"] == "NOT_FOUND"
    assert answers[4]["response"].get("data", "") == ""
    agent = sdk / "share/dcp_sdk/examples/agent.sh"
    run([agent, spool, "echo begun >&2; cat > /dev/null; echo '{\"rows\": 3}'"], sdk, tmp_path)
    answers = at_queue(of(first), of(other), of(first, "Logs", offset="2"), submit)
    assert answers[0]["response"]["state"] == "JOB_SUCCEEDED" and answers[0]["response"]["result"]["rows"] == "3"
    assert answers[1]["response"]["state"] == "JOB_CANCELLED"
    assert base64.b64decode(answers[2]["response"]["data"]) == b"gun\n" and answers[2]["response"]["nextOffset"] == "6"
    third = {"method": "Submit", "request": {"job": {"table": "x"}, "idempotencyKey": "3"}}
    handle = at_queue(third)[0]["response"]["handle"]
    run([agent, spool, "exit 1"], sdk, tmp_path)
    assert at_queue(of(handle))[0]["response"]["findings"][0]["message"] == "the command failed"
