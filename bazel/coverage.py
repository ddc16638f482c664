# SPDX-License-Identifier: Apache-2.0
"""Runs tests under `bazel coverage` and prints the share of lines that they reach, file by file.

    python3 bazel/coverage.py [TARGET_PATTERN...]

The default pattern is //... . The merged lcov file is coverage/lcov.info, for genhtml and editors.
"""

import collections
import json
import os
import subprocess
import sys
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EVENTS = os.path.join(ROOT, ".build", "coverage_events.json")


def coverage_files(events):
    """Returns the paths of the lcov files that a run's build events name."""
    paths = []
    for line in events:
        for output in json.loads(line).get("testResult", {}).get("testActionOutput", []):
            if output["name"] == "test.lcov":
                paths.append(urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path))
    return paths


def add_lcov(hits, lines):
    """Adds one lcov file's counts to hits, {file: {line: count}}."""
    counts = {}
    for line in lines:
        key, _, value = line.strip().partition(":")
        if key == "SF":
            counts = hits[value]
        elif key == "DA":
            number, count = value.split(",")[:2]
            counts[int(number)] = counts.get(int(number), 0) + int(count)


def main():
    """Returns bazel's exit code."""
    os.makedirs(os.path.dirname(EVENTS), exist_ok=True)
    command = ["bazel", "coverage", "--config=coverage", "--keep_going"]
    command += ["--build_event_json_file=" + EVENTS, "--"] + (sys.argv[1:] or ["//..."])
    exit_code = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode
    hits = collections.defaultdict(dict)
    with open(EVENTS, encoding="utf-8") as events:
        for path in coverage_files(events):
            with open(path, encoding="utf-8") as lcov:
                add_lcov(hits, lcov)
    # Tests and generated code are not what is measured.
    hits = {
        name: counts
        for name, counts in hits.items()
        if not name.endswith(("_test.cc", "_fuzz.cc", ".pb.cc", ".pb.h")) and not name.startswith("bazel/")
    }
    os.makedirs(os.path.join(ROOT, "coverage"), exist_ok=True)
    with open(os.path.join(ROOT, "coverage", "lcov.info"), "w", encoding="utf-8") as output:
        for name in sorted(hits):
            output.write("SF:%s\n" % name)
            output.writelines("DA:%d,%d\n" % item for item in sorted(hits[name].items()))
            output.write("end_of_record\n")
    all_lines = all_hit = 0
    for name in sorted(hits):
        hit = sum(count > 0 for count in hits[name].values())
        all_lines, all_hit = all_lines + len(hits[name]), all_hit + hit
        print("%6.1f%% %5d of %5d  %s" % (100.0 * hit / len(hits[name]), hit, len(hits[name]), name))
    if all_lines:
        print("%6.1f%% %5d of %5d  in all" % (100.0 * all_hit / all_lines, all_hit, all_lines))
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
