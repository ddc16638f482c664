# SPDX-License-Identifier: Apache-2.0
"""Counts test cases in what a `bazel test` run left behind: its build events and test.xml files.

A case counts once, as passed, failed or skipped. A target that gives no account of itself (does not
build, crashes, times out, was not run) counts as one failed case at least.
"""

import collections
import json
import os
import urllib.parse
import xml.etree.ElementTree as ElementTree

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

# target: a Bazel label, or the name of another runner. message: why, for a failed case.
Case = collections.namedtuple("Case", "target name outcome message")

# Lines of a log that are shown for a target that ended without saying why.
LOG_TAIL_LINES = 40

# Lines that are shown of what a failed case said: a program of some calls in text form fits.
MESSAGE_LINES = 400


def _local_path(uri):
    return urllib.parse.unquote(urllib.parse.urlparse(uri).path)


def log_tail(path, lines=LOG_TAIL_LINES):
    """Returns the last lines of a file, or a remark that it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return "".join(collections.deque(log, maxlen=lines)).rstrip()
    except OSError as error:
        return "no log: %s" % error


def cases_in_xml(target, text):
    """Returns the cases in one JUnit file, as GoogleTest or Bazel writes it.

    Args:
      target: the label that the cases belong to.
      text: the file's contents, bytes.

    Returns:
      A list of Case; raises ElementTree.ParseError where the file is not XML.
    """
    cases = []
    for element in ElementTree.fromstring(text).iter("testcase"):
        name = element.get("name", "?")
        suite = element.get("classname")
        if suite:
            name = "%s.%s" % (suite, name)
        problems = element.findall("failure") + element.findall("error")
        if problems:
            message = "\n".join(
                (problem.text or problem.get("message") or "").strip() for problem in problems
            )
            cases.append(Case(target, name, FAILED, message))
        elif (
            element.find("skipped") is not None
            or element.get("status") == "notrun"
            or element.get("result") in ("skipped", "suppressed")
        ):
            cases.append(Case(target, name, SKIPPED, ""))
        else:
            cases.append(Case(target, name, PASSED, ""))
    return cases


def cases_in_result(target, result):
    """Returns the cases of one testResult event (one run, or one shard, of a test target)."""
    files = {
        output.get("name"): _local_path(output.get("uri", ""))
        for output in result.get("testActionOutput", [])
    }
    status = result.get("status", "NO_STATUS")
    log = files.get("test.log", "")
    try:
        with open(files.get("test.xml", ""), "rb") as report:
            cases = cases_in_xml(target, report.read())
    except (OSError, ElementTree.ParseError) as error:
        message = "no usable test.xml (%s); status %s\n%s" % (error, status, log_tail(log))
        return [Case(target, "(whole target)", FAILED, message)]
    if status == "PASSED":
        return cases
    if all(case.message.startswith("exited with error code") for case in cases):
        # Bazel's own stand-in for the report of a program that crashed.
        message = "status %s, no report\n%s" % (status, log_tail(log))
        return [Case(target, "(whole target)", FAILED, message)]
    if not any(case.outcome == FAILED for case in cases):
        message = "status %s, though no case failed\n%s" % (status, log_tail(log))
        cases.append(Case(target, "(whole target)", FAILED, message))
    return cases


def cases_in_events(lines, bazel_exit_code):
    """Returns the cases of a whole run.

    Args:
      lines: the lines of --build_event_json_file.
      bazel_exit_code: what bazel returned; 0 is success, 3 is failed tests, 4 is no tests.

    Returns:
      A list of Case, sorted by target.
    """
    cases = []
    announced, reported, broken = set(), set(), {}
    for line in lines:
        if not line.strip():
            continue
        event = json.loads(line)
        identity = event.get("id", {})
        if "testResult" in identity and "testResult" in event:
            label = identity["testResult"]["label"]
            reported.add(label)
            cases += cases_in_result(label, event["testResult"])
        elif "targetCompleted" in identity:
            label = identity["targetCompleted"]["label"]
            if "aborted" in event:
                broken[label] = event["aborted"].get("description") or "not built"
            elif not event.get("completed", {}).get("success"):
                broken[label] = "does not build"
            elif any("testResult" in child for child in event.get("children", [])):
                # Only a test that was to be run announces a result.
                announced.add(label)
        elif "aborted" in event:
            for kind in ("pattern", "unconfiguredLabel", "configuredLabel"):
                if kind in identity:
                    label = identity[kind].get("label") or " ".join(
                        identity[kind].get("pattern", [])
                    )
                    broken[label] = event["aborted"].get("description") or "cannot be loaded"
    for label in sorted(announced - reported - set(broken)):
        broken[label] = "was not run"
    cases += [
        Case(label, "(whole target)", FAILED, message)
        for label, message in broken.items()
        if label not in reported
    ]
    if bazel_exit_code not in (0, 4) and not any(case.outcome == FAILED for case in cases):
        message = "bazel ended with %d, though no test failed" % bazel_exit_code
        cases.append(Case("bazel", "(the run)", FAILED, message))
    return sorted(cases, key=lambda case: case.target)


def summary_line(cases):
    """Returns the last line of ./test: "N passed, N failed", and the skipped ones where there are."""
    count = collections.Counter(case.outcome for case in cases)
    line = "%d passed, %d failed" % (count[PASSED], count[FAILED])
    return line + (", %d skipped" % count[SKIPPED] if count[SKIPPED] else "")


def indented(text, lines=MESSAGE_LINES):
    """Returns a text's first lines, indented, with a remark where some were left out."""
    all_lines = text.splitlines()
    shown = all_lines[:lines]
    if len(all_lines) > lines:
        shown.append("... %d more lines" % (len(all_lines) - lines))
    return os.linesep.join("    " + line for line in shown)
