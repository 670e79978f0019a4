# SPDX-License-Identifier: Apache-2.0
#
# a call of a plugin that only answers, in every way there is; beside it a bare ping-pong, gRPC for C++ and hashicorp/go-plugin
"""Three passes over the programs of bench/plugin_call, each contender's figure being the median of its passes. What a row includes:

  in_process_table      the plugin's function through its table, one copy of the answer; timed by the thousand
  in_process_runtime    the same through the runtime that hands calls to plugins, on the calling thread; timed by the thousand
  in_process_host_call  Host::Call of a plugin in this process: route, check and transcoding of both messages, the plugin's own thread
  ping_pong             two processes, a socket pair, blocking read and write of the same bytes, and nothing else
  worker_call           the host's call of a worker process: open the call, frames, the sandboxed plugin, the answer
  worker_host_call      Host::Call of it: worker_call, and route, check and transcoding as above
  worker_event          one DATA event of 100 bytes out of 100,000 of one call, emitted to taken
  grpc_cpp              synchronous unary call of an echo by gRPC for C++, Unix socket, two processes
  go_plugin             unary call of an echo by hashicorp/go-plugin with gRPC, Unix socket, two processes

The ratio is to the ping-pong of the same size in the same passes. All is measured twice. On one CPU both processes of a pair share it:
what is compared is work, and the aims are judged there. Where the scheduler may choose (`_any_cpu`), a pair lands on one CPU or on
two, and waking a CPU that sleeps costs more than everything else in a call, of a virtual machine above all: ten times as much in one
pass as in the next, for a bare ping-pong too. These figures say what to expect, and no ratio of them means anything."""

import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from _common import PRETZEL, ROOT, report

PASSES = 3
BUILD = PRETZEL.parent.parent
# Debian's, which the project builds with; a newer one that stands first in PATH is another peer.
GO = Path("/usr/lib/go-1.19/bin/go")
GO_SOURCES = ROOT / "bench" / "plugin_call" / "goplugin"
ROWS = ("in_process_table", "in_process_runtime", "in_process_host_call", "ping_pong", "worker_call", "worker_host_call", "grpc_cpp",
        "go_plugin", "worker_event")
NAMES = {100: "100B", 1024: "1KiB", 65536: "64KiB", 1048576: "1MiB"}
# Microseconds. The worker's second aim is a ratio.
TABLE_P50_AIM = 0.1
WORKER_P50_AIM = 40
WORKER_RATIO_AIM = 1.3
EVENT_AIM = 1.0


def pinned():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def run(*arguments, **options):
    answer = subprocess.run([str(each) for each in arguments], capture_output=True, text=True, timeout=900, **options)
    if answer.returncode != 0:
        raise SystemExit(f"plugin_call: {arguments[0]} ended with {answer.returncode}\n{answer.stdout}{answer.stderr}")
    return answer.stdout


def build_go():
    """The modules are those of go.sum; the tool fetches what is missing by its own configuration."""
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    program = BUILD / "bench" / "bench_go_plugin"
    program.parent.mkdir(parents=True, exist_ok=True)
    run(GO, "build", "-o", program, ".", cwd=GO_SOURCES, env=environment)
    return program


def toolchains():
    modules = dict(line.split()[:2] for line in (GO_SOURCES / "go.mod").read_text().splitlines() if line.startswith("\t"))
    compiler = next(line.split("=", 1)[1] for line in (BUILD / "CMakeCache.txt").read_text().splitlines()
                    if line.startswith("CMAKE_CXX_COMPILER:"))
    return {"c++": run(compiler, "--version").splitlines()[0], "go": run(GO, "version").strip(),
            "grpc++": run("pkg-config", "--modversion", "grpc++").strip(),
            **{name: modules[name] for name in ("github.com/hashicorp/go-plugin", "google.golang.org/grpc")},
            "machine": f"{os.cpu_count()} CPUs, Linux {os.uname().release}"}


def measure(programs, **options):
    """{(row, bytes): (p50, p99)} in microseconds."""
    passes = defaultdict(list)
    for _ in range(PASSES):
        for program in programs:
            for line in run(program, **options).splitlines():
                made = json.loads(line)
                passes[made["row"], made["bytes"]].append((made["p50_us"], made["p99_us"]))
    return {key: tuple(statistics.median(each) for each in zip(*values)) for key, values in passes.items()}


def table(figures, where):
    print(f"{f'p50 / p99, us, {where}':24}" + "".join(f"{name:>22}" for name in NAMES.values()), file=sys.stderr)
    for row in ROWS:
        cells = [figures.get((row, size)) for size in NAMES]
        print(f"{row:24}" + "".join(f"{'' if cell is None else f'{cell[0]:.2f} / {cell[1]:.2f}':>22}" for cell in cells), file=sys.stderr)


def verdicts(figures):
    for (row, size), (p50, p99) in sorted(figures.items()):
        base = figures.get(("ping_pong", size))
        name = f"{row}_{NAMES[size]}"
        relative = row not in ("ping_pong", "worker_event") and not row.startswith("in_process")
        aim = WORKER_RATIO_AIM if row == "worker_call" else None
        if row == "in_process_table" and size == 100:
            report(f"{name}_p50", p50, "us", aim=TABLE_P50_AIM)
        elif row == "worker_event":
            report(f"{name}_p50", p50, "us", aim=EVENT_AIM)
        else:
            report(f"{name}_p50", p50, "us", baseline=base[0] if relative else None, aim=aim)
        report(f"{name}_p99", p99, "us", baseline=base[1] if relative else None)
    for row in ("worker_call", "worker_host_call"):
        for size in (100, 1024):
            report(f"{row}_{NAMES[size]}_p50_bound", figures[row, size][0], "us", aim=WORKER_P50_AIM)
    for size in NAMES:
        report(f"go_plugin_over_worker_call_{NAMES[size]}", figures["go_plugin", size][0], "us", baseline=figures["worker_call", size][0])
        report(f"grpc_cpp_over_worker_call_{NAMES[size]}", figures["grpc_cpp", size][0], "us", baseline=figures["worker_call", size][0])


def main():
    print(json.dumps({"toolchains": toolchains()}), flush=True)
    programs = (BUILD / "bench" / "bench_plugin_echo", BUILD / "bench" / "bench_grpc_echo", build_go())
    figures = measure(programs, preexec_fn=pinned)
    table(figures, "one CPU")
    verdicts(figures)
    figures = measure(programs)
    table(figures, "any CPU")
    for (row, size), (p50, p99) in sorted(figures.items()):
        report(f"{row}_{NAMES.get(size, size)}_any_cpu_p50", p50, "us")
        report(f"{row}_{NAMES.get(size, size)}_any_cpu_p99", p99, "us")


main()
