# SPDX-License-Identifier: Apache-2.0
"""As a program (listening.py FREE CATALOG SERVICE...) it tries to listen where it has no business: at a port that is free, beside
the catalog and the services, by every way that a kernel knows. It prints what came of each: "listens", or the error's name."""

import errno
import json
import socket
import struct
import sys

IP_LOCAL_PORT_RANGE = 51
IPPROTO_MPTCP = 262


def attempt(port, protocol=0, shared=False, only=None):
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol) as own:
            if shared:
                own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if only is not None:
                own.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("I", only << 16 | only))
            own.bind(("127.0.0.1", port))
            own.listen()
            return "listens"
    except OSError as error:
        return errno.errorcode[error.errno]


def main(free, catalog, *services):
    answers = {
        "free": attempt(int(free)),
        "free, several paths": attempt(int(free), protocol=IPPROTO_MPTCP),
        "chosen range": attempt(0, only=int(free)),
        "beside catalog": attempt(int(catalog), shared=True),
        "any": attempt(0),
    }
    for service in services:
        answers[f"beside {service}"] = attempt(int(service), shared=True)
        answers[f"in place of {service}"] = attempt(int(service))
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
