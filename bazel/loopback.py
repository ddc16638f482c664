# SPDX-License-Identifier: Apache-2.0
"""Brings the loopback device up where it is down; ends with 1 where that is not allowed."""

import fcntl
import socket
import struct
import sys

# linux/sockios.h and linux/if.h.
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def main():
    """Returns the exit code."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            request = struct.pack("16sH22x", b"lo", 0)
            (flags,) = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFFLAGS, request), 16)
            if not flags & IFF_UP:
                request = struct.pack("16sH22x", b"lo", flags | IFF_UP)
                fcntl.ioctl(control, SIOCSIFFLAGS, request)
        except OSError:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
