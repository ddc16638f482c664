# SPDX-License-Identifier: Apache-2.0
"""Runs one unittest module and writes JUnit XML, so that its cases are counted like all others.

    python3 python_test.py FOO_TEST.PY
"""

import importlib
import os
import sys
import unittest
import xml.etree.ElementTree as ElementTree


class JunitResult(unittest.TextTestResult):
    """Keeps what becomes of each case for the XML report."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.suite = ElementTree.Element("testsuite")
        self.case = None

    def startTest(self, test):
        super().startTest(test)
        suite, name = test.id().split(".")[-2:]
        self.case = ElementTree.SubElement(
            self.suite, "testcase", classname=suite, name=name, status="run"
        )

    def _problem(self, kind, test, error):
        ElementTree.SubElement(self.case, kind).text = self._exc_info_to_string(error, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._problem("failure", test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._problem("error", test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        ElementTree.SubElement(self.case, "skipped", message=reason)


def main():
    """Runs the module named on the command line; returns the exit code."""
    directory, file = os.path.split(sys.argv[1])
    sys.path.insert(0, directory)
    tests = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(file[:-3]))
    result = unittest.TextTestRunner(resultclass=JunitResult, verbosity=2).run(tests)
    if "XML_OUTPUT_FILE" in os.environ:
        report = ElementTree.Element("testsuites")
        report.append(result.suite)
        ElementTree.ElementTree(report).write(os.environ["XML_OUTPUT_FILE"])
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
