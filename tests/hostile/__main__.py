# SPDX-License-Identifier: Apache-2.0
"""python tests/hostile [--accept] [WORD...]: sends the cases whose names hold a WORD (all of them without one) to a daemon of its
own, without Spark and catalogs, and prints what differs from expected.jsonl; --accept takes it over, for review. Cases that
need a service are left out: PRETZEL_ACCEPT=1 with the integration test takes those over."""

import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
import daemon as daemons  # noqa: E402
import runner  # noqa: E402


def main(words):
    accept = "--accept" in words
    words = [word for word in words if word != "--accept"]
    cases = [case for case in runner.all_cases() if not case.engine and (not words or any(word in case.id for word in words))]
    if not cases:
        sys.exit(f"no case's name holds {' or '.join(words)}")
    with tempfile.TemporaryDirectory() as folder:
        daemon = runner.light(daemons, Path(folder)).start()
        try:
            sender = runner.Runner(daemon, Path(folder) / "cases")
            start = time.monotonic()
            outcomes = sender.run(cases)
            print(f"{len(cases)} cases in {time.monotonic() - start:.0f} s", file=sys.stderr)
            for name in sorted(sender.seconds, key=sender.seconds.get)[-5:]:
                print(f"  {sender.seconds[name]:5.1f} s  {name}", file=sys.stderr)
        finally:
            daemon.stop()
    known = runner.expected() if runner.EXPECTED.exists() else {}
    outcomes = [outcome for case, outcome in zip(cases, outcomes, strict=True) if not runner.needs_stack(case, outcome)]
    differ = [outcome for outcome in outcomes if known.get(outcome["case"]) != outcome]
    for outcome in differ:
        print(f"{known.get(outcome['case'])}\n  {outcome}")
    if accept:
        runner.accept(outcomes)
    return 1 if differ and not accept else 0


sys.exit(main(sys.argv[1:]))
