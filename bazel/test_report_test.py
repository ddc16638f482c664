# SPDX-License-Identifier: Apache-2.0
"""Tests of test_report: what counts as passed, failed and skipped."""

import json
import os
import tempfile
import unittest

import test_report

GTEST_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4" failures="1" disabled="1" errors="0" name="AllTests">
  <testsuite name="A" tests="4" failures="1" disabled="1" skipped="1">
    <testcase name="Good" status="run" result="completed" classname="A" />
    <testcase name="Bad" status="run" result="completed" classname="A">
      <failure message="first" type=""><![CDATA[a.cc:1
first]]></failure>
      <failure message="second" type=""><![CDATA[second]]></failure>
    </testcase>
    <testcase name="DISABLED_Off" status="notrun" result="suppressed" classname="A" />
    <testcase name="Skipped" status="run" result="skipped" classname="A">
      <skipped message="no" />
    </testcase>
  </testsuite>
</testsuites>
"""

CRASH_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="a/b" tests="1" failures="0" errors="1">
    <testcase name="a/b" status="run" duration="0" time="0"><error message="exited with error code 134"></error></testcase>
  </testsuite>
</testsuites>
"""

PASS_XML = b"""<testsuites><testsuite name="A">
<testcase name="One" status="run" result="completed" classname="A" />
<testcase name="Two" status="run" result="completed" classname="A" />
</testsuite></testsuites>"""


def completed(label, success=True, test=True):
    children = [{"testResult": {"label": label}}] if test else []
    return {
        "id": {"targetCompleted": {"label": label}},
        "children": children,
        "completed": {"success": True} if success else {},
    }


class TestReportTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def result(self, label, xml, status="PASSED", log=b""):
        outputs = []
        for name, contents in (("test.xml", xml), ("test.log", log)):
            if contents is None:
                continue
            path = os.path.join(self.directory.name, "%d %s" % (len(os.listdir(self.directory.name)), name))
            with open(path, "wb") as file:
                file.write(contents)
            outputs.append({"name": name, "uri": "file://" + path.replace(" ", "%20")})
        return {
            "id": {"testResult": {"label": label}},
            "testResult": {"status": status, "testActionOutput": outputs},
        }

    def cases(self, events, exit_code=0):
        return test_report.cases_in_events([json.dumps(event) for event in events], exit_code)

    def test_cases_of_gtest_xml(self):
        cases = test_report.cases_in_xml("//a:a_test", GTEST_XML)
        self.assertEqual(
            [(case.name, case.outcome) for case in cases],
            [
                ("A.Good", "passed"),
                ("A.Bad", "failed"),
                ("A.DISABLED_Off", "skipped"),
                ("A.Skipped", "skipped"),
            ],
        )
        self.assertEqual(cases[1].message, "a.cc:1\nfirst\nsecond")
        self.assertEqual(test_report.summary_line(cases), "1 passed, 1 failed, 2 skipped")

    def test_summary_without_skipped(self):
        cases = test_report.cases_in_xml("//a:a_test", PASS_XML)
        self.assertEqual(test_report.summary_line(cases), "2 passed, 0 failed")
        self.assertEqual(test_report.summary_line([]), "0 passed, 0 failed")

    def test_every_shard_counts(self):
        events = [completed("//a:t"), self.result("//a:t", PASS_XML), self.result("//a:t", PASS_XML)]
        self.assertEqual(test_report.summary_line(self.cases(events)), "4 passed, 0 failed")

    def test_crash_is_one_failure_with_its_log(self):
        events = [
            completed("//a:t"),
            self.result("//a:t", CRASH_XML, "FAILED", b"assertion xyz\n"),
        ]
        cases = self.cases(events, 3)
        self.assertEqual(test_report.summary_line(cases), "0 passed, 1 failed")
        self.assertIn("assertion xyz", cases[0].message)

    def test_failed_status_beats_a_clean_report(self):
        # A sanitizer's leak report comes after the last case has passed.
        events = [completed("//a:t"), self.result("//a:t", PASS_XML, "FAILED", b"leak\n")]
        cases = self.cases(events, 3)
        self.assertEqual(test_report.summary_line(cases), "2 passed, 1 failed")
        self.assertIn("leak", cases[2].message)

    def test_missing_or_broken_report_fails(self):
        for xml in (None, b"<testsuites><testsuite"):
            events = [completed("//a:t"), self.result("//a:t", xml, "PASSED", b"the log")]
            cases = self.cases(events)
            self.assertEqual(test_report.summary_line(cases), "0 passed, 1 failed")
            self.assertIn("the log", cases[0].message)

    def test_target_that_does_not_build_fails(self):
        events = [completed("//a:t", success=False), completed("//a:lib", success=False, test=False)]
        cases = self.cases(events, 1)
        self.assertEqual([case.target for case in cases], ["//a:lib", "//a:t"])
        self.assertEqual(test_report.summary_line(cases), "0 passed, 2 failed")

    def test_announced_test_without_result_fails(self):
        cases = self.cases([completed("//a:t")], 8)
        self.assertEqual(cases[0].message, "was not run")

    def test_test_left_out_by_its_tag_is_no_failure(self):
        events = [completed("//a:long_test", test=False)]
        self.assertEqual(self.cases(events, 4), [])

    def test_package_that_does_not_load_fails(self):
        events = [
            {
                "id": {"pattern": {"pattern": ["//a/..."]}},
                "aborted": {"reason": "LOADING_FAILURE", "description": "syntax error"},
            }
        ]
        cases = self.cases(events, 1)
        self.assertEqual((cases[0].target, cases[0].message), ("//a/...", "syntax error"))

    def test_unexplained_exit_code_fails(self):
        events = [completed("//a:t"), self.result("//a:t", PASS_XML)]
        cases = self.cases(events, 37)
        self.assertEqual(test_report.summary_line(cases), "2 passed, 1 failed")

    def test_indented_leaves_out_the_rest(self):
        text = "\n".join("line %d" % i for i in range(5))
        self.assertEqual(
            test_report.indented(text, 2).splitlines(),
            ["    line 0", "    line 1", "    ... 3 more lines"],
        )
