# SPDX-License-Identifier: Apache-2.0
"""The body of ./test: every Bazel test and the layering check, counted by test case."""

import argparse
import os
import subprocess
import sys

import layering
import test_report

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EVENTS = os.path.join(ROOT, ".build", "test_events.json")


def parse_arguments(arguments):
    """Returns the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="./test",
        description="Builds and runs the tests. The last line of the output is "
        '"N passed, N failed", where N counts test cases.',
        epilog="examples:\n"
        "  ./test                     the tests of every day\n"
        "  ./test --long              those of the long tier as well\n"
        "  ./test sim compat/type1    the tests under these directories\n"
        "  ./test //sim:mm_test       one test program\n"
        "  ./test ExtentMap           the cases whose names contain this\n"
        "  ./test --compiler=gcc      with g++, which builds ./iovalid, in place of clang\n"
        "  ./test --bazel=--config=asan\n"
        "  ./test layering            the check of the layers alone",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--long", action="store_true", help="run the long tier as well")
    parser.add_argument(
        "--compiler",
        choices=["clang", "gcc"],
        default="clang",
        help="what compiles the tests; clang (the default) takes two thirds of the time",
    )
    parser.add_argument(
        "--bazel", action="append", default=[], metavar="FLAG", help="a flag for bazel test"
    )
    parser.add_argument(
        "filters",
        nargs="*",
        metavar="FILTER",
        help="a directory, a Bazel target, `layering`, or a part of the names of test cases",
    )
    return parser.parse_args(arguments)


def split_filters(filters):
    """Splits filters into Bazel patterns, parts of case names, and whether layering is asked for."""
    patterns, names, with_layering = [], [], False
    for text in filters:
        directory = text.rstrip("/")
        if text == "layering":
            with_layering = True
        elif text.startswith("//"):
            patterns.append(text)
        elif directory and os.path.isdir(os.path.join(ROOT, directory)):
            patterns.append("//%s/..." % directory.lstrip("./"))
        else:
            names.append(text)
    return patterns, names, with_layering


def run_bazel(patterns, names, options):
    """Runs `bazel test` and returns the cases of the targets that match."""
    os.makedirs(os.path.dirname(EVENTS), exist_ok=True)
    if os.path.exists(EVENTS):
        os.remove(EVENTS)
    command = ["bazel", "test", "--keep_going", "--test_output=summary"]
    command += ["--build_event_json_file=" + EVENTS]
    if options.compiler == "clang":
        command.append("--config=clang")
    if options.long:
        command.append("--config=long")
    if names:
        # GoogleTest takes it as its filter.
        command.append("--test_filter=" + ":".join("*%s*" % name for name in names))
    command += options.bazel + ["--"] + (patterns or ["//..."])
    exit_code = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    ).returncode
    try:
        with open(EVENTS, encoding="utf-8") as events:
            cases = test_report.cases_in_events(events, exit_code)
    except (OSError, ValueError) as error:
        message = "bazel ended with %d and left no events: %s" % (exit_code, error)
        return [test_report.Case("bazel", "(the run)", test_report.FAILED, message)]
    if names:
        cases = [
            case
            for case in cases
            if case.name.startswith("(")
            or (case.outcome != test_report.SKIPPED and any(name in case.name for name in names))
        ]
    return cases


def main():
    """Runs what is asked for and returns the exit code: 0 where nothing failed."""
    options = parse_arguments(sys.argv[1:])
    patterns, names, with_layering = split_filters(options.filters)
    cases = []
    if patterns or names or not with_layering:
        cases += run_bazel(patterns, names, options)
    if with_layering or not options.filters:
        cases += layering.check(ROOT)

    failed = [case for case in cases if case.outcome == test_report.FAILED]
    for case in failed:
        print("FAILED %s %s" % (case.target, case.name))
        if case.message:
            print(test_report.indented(case.message))
    if not cases:
        print("no test case matches")
    print(test_report.summary_line(cases), flush=True)
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
