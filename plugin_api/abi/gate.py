#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether dcp/plugin.h still is the ABI that was released; docs/plugins/versioning.md says how it is used.

gate.py digest           the header is, to the byte, the one that was accepted
gate.py layout MINOR     offsets, sizes and constants of this minor's projection are the golden ones
gate.py diff MINOR       abidiff finds no difference between the baseline and this minor's projection
gate.py accept           takes the present header over: writes what the three compare with, and the frozen headers
"""
import argparse
import hashlib
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

ABI = pathlib.Path(__file__).resolve().parent
HEADER = ABI.parent / "include/dcp/plugin.h"
DIGEST = ABI / "plugin.h.sha256"
# Minors whose files accept no longer writes, whatever the header says.
FROZEN = frozenset()
STRUCTS = ("dcp_bytes", "dcp_host_api", "dcp_plugin_api")
# A probe's name in the baseline must not depend on the machine or the folder.
SONAME = "libdcp_abi_probe.so.1"
ABIDW = ["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--type-id-style", "hash"]
ACCEPT = "when the change is meant: plugin_api/abi/gate.py accept, and review what it writes"


class Failure(Exception):
    """What differs, for a person."""


def run(command, cwd=None, accept=(0,)):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode not in accept:
        raise Failure(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return done


def newest_minor(header_text):
    found = re.search(r"^#define DCP_NEWEST_MINOR (\d+)$", header_text, re.M)
    if not found:
        raise Failure("dcp/plugin.h does not define DCP_NEWEST_MINOR")
    return int(found.group(1))


def projection(header_text, minor):
    """The header as it was when `minor` was the newest: later bands are gone, earlier ones open."""
    out, bands = [], []  # a band: (is one of ours, is kept)
    for line in header_text.replace(f"NEWEST_MINOR {newest_minor(header_text)}", f"NEWEST_MINOR {minor}").splitlines():
        band = re.match(r"#if DCP_TARGET_MINOR >= (\d+)$", line)
        if band:
            bands.append([True, int(band.group(1)) <= minor])
        elif re.match(r"#\s*if", line):
            bands.append([False, True])
        elif line == "#else" and bands[-1][0]:
            bands[-1][1] = not bands[-1][1]
            continue
        elif line == "#endif" and bands.pop()[0]:
            continue
        if not band and all(kept for _, kept in bands):
            out.append(line)
    return "\n".join(out) + "\n"


def workspace(folder, header_text):
    """A folder of relative paths alone, so that debug information names nothing else."""
    folder = pathlib.Path(folder)
    (folder / "include/dcp").mkdir(parents=True)
    (folder / "include/dcp/plugin.h").write_text(header_text)
    for name in ("probe.c", "layout.c"):
        shutil.copy(ABI / name, folder / name)
    return folder


def compiled(folder, cc, minor, source, out, *flags):
    run([cc, "-std=c11", f"-ffile-prefix-map={folder}=.", f"-DDCP_TARGET_MINOR={minor}", "-Iinclude", *flags, source, "-o", out],
        cwd=folder)
    return folder / out


def describe(header_text, minor, cc, debug="-g"):
    """The projection as abidw describes it. Fails unless it holds the tables, which it does not without debug information."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = workspace(scratch, header_text)
        compiled(folder, cc, minor, "probe.c", "probe.so", debug, "-shared", "-fPIC", f"-Wl,-soname,{SONAME}")
        text = run([*ABIDW, "probe.so"], cwd=folder).stdout
    for struct in STRUCTS:
        if f"name='{struct}'" not in text:
            raise Failure(f"the description of the probe for 1.{minor} does not hold {struct}: was it built without -g?")
    if str(scratch) in text or "path='/" in text:
        raise Failure(f"the description of the probe for 1.{minor} holds an absolute path")
    return text


def listing(header_text, minor, cc):
    """Offsets, sizes and constants, as the compiler sees them; complete, or a Failure."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = workspace(scratch, header_text)
        text = run([compiled(folder, cc, minor, "layout.c", "layout")]).stdout
        macros = run([cc, "-std=c11", "-E", "-dM", f"-DDCP_TARGET_MINOR={minor}", "include/dcp/plugin.h"], cwd=folder).stdout
    listed = set(re.findall(r"^(DCP_\w+) ", text, re.M))
    for name in re.findall(r'^#define (DCP_[A-Z_]+) (?:-?[0-9]|").*$', macros, re.M):
        if name not in listed and name not in ("DCP_TARGET_MINOR", "DCP_NEWEST_MINOR"):
            raise Failure(f"plugin_api/abi/layout.c does not print {name}")
    check_gapless(text)
    return text


def check_gapless(text):
    """A field that layout.c forgets leaves a hole."""
    def up(value, align):
        return -(-value // align) * align

    for name, size, align, fields in re.findall(r"^(\w+) size=(\d+) align=(\d+)\n((?:  .*\n)+)", text, re.M):
        end = 0
        for field, offset, width in re.findall(r"(\w+) +offset=(\d+) size=(\d+)", fields):
            if int(offset) != up(end, min(int(width), int(align))):
                raise Failure(f"plugin_api/abi/layout.c and the header disagree about what stands before {name}.{field}")
            end = int(offset) + int(width)
        if up(end, int(align)) != int(size):
            raise Failure(f"plugin_api/abi/layout.c does not print the last field of {name}")


def golden_layout(minor):
    return ABI / f"v1.{minor}.layout.{platform.machine()}.txt"


def frozen_header(minor):
    return ABI / f"v1.{minor}" / "plugin.h"


def headers(header_text, minor):
    """The header, and the frozen one of this minor where there is one."""
    yield "dcp/plugin.h", header_text
    if frozen_header(minor).exists():
        yield f"v1.{minor}/plugin.h", frozen_header(minor).read_text()


def check_digest(header_text):
    expected = dict(reversed(line.split()) for line in DIGEST.read_text().splitlines())
    for name, text in [("include/dcp/plugin.h", header_text),
                       *((f"abi/{path.parent.name}/plugin.h", path.read_text()) for path in sorted(ABI.glob("v*/plugin.h")))]:
        if expected.pop(name, None) != hashlib.sha256(text.encode()).hexdigest():
            raise Failure(f"plugin_api/{name} is not the file that was accepted; {ACCEPT}")
    if expected:
        raise Failure(f"plugin_api/{' and '.join(expected)} was accepted and is gone")


def check_layout(header_text, minor, cc):
    golden = golden_layout(minor).read_text().splitlines()
    for name, text in headers(header_text, minor):
        present = listing(text, minor, cc).splitlines()
        changed = [f"-{line}" for line in golden if line not in present] + [f"+{line}" for line in present if line not in golden]
        if present != golden:
            raise Failure(f"{name} as ABI 1.{minor} differs from {golden_layout(minor).name}; {ACCEPT}\n" + "\n".join(changed))


def check_diff(header_text, minor, cc, debug="-g"):
    baseline = ABI / f"v1.{minor}.abi"
    for struct in STRUCTS:
        if f"name='{struct}'" not in baseline.read_text():
            raise Failure(f"{baseline.name} does not hold {struct}, so it proves nothing")
    for name, text in headers(header_text, minor):
        with tempfile.TemporaryDirectory() as scratch:
            present = pathlib.Path(scratch) / "present.abi"
            present.write_text(describe(text, minor, cc, debug))
            done = run(["abidiff", baseline, present], accept=range(256))
        if done.returncode != 0:
            raise Failure(f"{name} as ABI 1.{minor} differs from {baseline.name} (abidiff: {done.returncode}); {ACCEPT}\n{done.stdout}")


def accept(header_text, cc):
    newest = newest_minor(header_text)
    for minor in FROZEN:
        check_layout(header_text, minor, cc)
        check_diff(header_text, minor, cc)
    for minor in sorted(set(range(newest + 1)) - FROZEN):
        if minor < newest:
            frozen_header(minor).parent.mkdir(exist_ok=True)
            frozen_header(minor).write_text(projection(header_text, minor))
        (ABI / f"v1.{minor}.abi").write_text(describe(header_text, minor, cc))
        golden_layout(minor).write_text(listing(header_text, minor, cc))
    files = [HEADER, *sorted(ABI.glob("v*/plugin.h"))]
    DIGEST.write_text("".join(f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.relative_to(ABI.parent)}\n" for f in files))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["digest", "layout", "diff", "accept"])
    parser.add_argument("minor", type=int, nargs="?")
    parser.add_argument("--cc", default="gcc")
    given = parser.parse_args()
    if (given.what in ("layout", "diff")) != (given.minor is not None):
        parser.error(f"{given.what} takes {'a' if given.minor is None else 'no'} minor")
    text = HEADER.read_text()
    try:
        if given.what == "digest":
            check_digest(text)
        elif given.what == "layout":
            check_layout(text, given.minor, given.cc)
        elif given.what == "diff":
            check_diff(text, given.minor, given.cc)
        else:
            accept(text, given.cc)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
