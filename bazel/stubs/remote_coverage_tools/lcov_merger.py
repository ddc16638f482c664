#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Turns what gcov wrote for one test (*.gcov.json.gz) into an lcov file, in place of Bazel's tool."""

import argparse
import collections
import glob
import gzip
import json
import os
import re


def main():
    """Reads the flags that Bazel passes and writes the output file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--coverage_dir", required=True)
    parser.add_argument("--output_file", required=True)
    parser.add_argument("--filter_sources", action="append", default=[])
    options, _ = parser.parse_known_args()
    left_out = [re.compile(pattern) for pattern in options.filter_sources]

    hits = collections.defaultdict(lambda: collections.defaultdict(int))
    for path in sorted(glob.glob(os.path.join(options.coverage_dir, "*.gcov.json.gz"))):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for source in json.load(file)["files"]:
                name = source["file"]
                if os.path.isabs(name) or any(regex.fullmatch(name) for regex in left_out):
                    continue
                for line in source["lines"]:
                    hits[name][line["line_number"]] += line["count"]
    with open(options.output_file, "w", encoding="utf-8") as output:
        for name in sorted(hits):
            output.write("SF:%s\n" % name)
            for line, count in sorted(hits[name].items()):
                output.write("DA:%d,%d\n" % (line, count))
            output.write("LH:%d\n" % sum(count > 0 for count in hits[name].values()))
            output.write("LF:%d\nend_of_record\n" % len(hits[name]))


if __name__ == "__main__":
    main()
