#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists an .iovt trace. Written from docs/trace-format.md alone; needs the zstd program."""
import struct
import subprocess
import sys

KINDS = {10: "begin", 11: "end", 12: "open", 13: "close", 14: "dup", 15: "ioctl", 16: "mmap",
         17: "munmap", 18: "mprotect", 19: "mremap", 20: "mlock", 21: "madvise", 22: "touch",
         23: "memfd", 24: "eventfd", 25: "file", 26: "ftruncate", 27: "vma", 28: "setrlimit",
         29: "cap_drop", 30: "set_module_parameter", 31: "device_dma", 32: "read", 33: "write",
         34: "poll", 35: "fork", 36: "exit", 37: "observe", 38: "dma_view", 39: "crash",
         40: "mdev_pin", 41: "mdev_unpin", 42: "mdev_rw", 45: "exec"}


def varint(data, pos):
    value = shift = 0
    while True:
        value |= (data[pos] & 0x7F) << shift
        shift, pos = shift + 7, pos + 1
        if data[pos - 1] < 0x80:
            return value, pos


def fields(data):
    found, pos = {}, 0  # field number: last value
    while pos < len(data):
        tag, pos = varint(data, pos)
        if tag & 7 == 0:
            found[tag >> 3], pos = varint(data, pos)
        elif tag & 7 == 2:
            size, pos = varint(data, pos)
            found[tag >> 3], pos = data[pos:pos + size], pos + size
        else:
            raise ValueError("wire type %d" % (tag & 7))
    return found


def chunks(data):
    if data[:8] != b"\x89IOVT\r\n\x1a" or struct.unpack_from("<H", data, 8)[0] != 1:
        raise ValueError("not an iovt file of version 1")
    pos, kind = 16, b""
    while kind != b"TAIL":
        kind, flags, stored, _, count = struct.unpack_from("<4sIIII", data, pos)
        payload, pos = data[pos + 40:pos + 40 + stored], pos + 40 + stored
        if flags & 1:
            payload = subprocess.run(["zstd", "-dc"], input=payload, stdout=-1, check=True).stdout
        yield kind, count, payload


for kind, count, payload in chunks(open(sys.argv[1], "rb").read()):
    pos = 0
    if kind == b"HEAD":
        print("kernel", fields(payload)[3].decode())
    for _ in range(count if kind == b"EVNT" else 0):
        size, pos = varint(payload, pos)
        event, pos = fields(payload[pos:pos + size]), pos + size
        what = next(number for number in event if number in KINDS)
        call, outcome = fields(event[what]), fields(event.get(50, b""))
        texts = [call[n].decode() for n in (1, 2) if what in (12, 13, 14, 15) and n in call]
        print(event.get(1, "-"), KINDS[what], *texts, "errno", outcome.get(3, "-"))
