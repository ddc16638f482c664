# SPDX-License-Identifier: Apache-2.0
"""The report in a browser: it loads without a complaint and without the network, filters filter, a
cell opens its page, keys step through a timeline, colours follow the system and the button."""

import os
import subprocess
import tempfile
import unittest

import browser

TRACES = [
    "traces/goldens/edges.c7.3.type1-v2.iovt",
    "traces/goldens/native-edges.c7.3.native.iovt",
    "traces/captures/dpdk-24.11-type1-7.3.iovt",
]
# A name that would be markup, had it not been told as text.
HOSTILE = "<img src=x onerror=alert(1)>&'\".jsonl"


def write_report(directory):
    """Writes a report of TRACES and a trace with a hostile name, which sorts first; returns its
    address."""
    hostile = os.path.join(directory, HOSTILE)
    report = os.path.join(directory, "report")
    command = ["conformance/cli/iovalid", "export", TRACES[0], hostile]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    command = ["conformance/cli/iovalid", "report", "-o", report, hostile] + TRACES
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return "file://" + os.path.join(report, "index.html")


class ReportInBrowserTest(unittest.TestCase):
    """One browser and one report for all cases."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.address = write_report(cls.directory.name)
        cls.browser = browser.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.directory.cleanup()

    def setUp(self):
        self.page = self.browser
        self.page.resize(1280, 900)
        self.page.scheme(False)
        self.page.errors.clear()
        self.page.requests.clear()

    def tearDown(self):
        self.assertEqual(self.page.errors, [])
        outside = [url for url in self.page.requests if not url.startswith(("file:", "data:", "about:"))]
        self.assertEqual(outside, [])

    def open(self, page):
        """Opens a page of the report afresh."""
        self.page.open("about:blank")
        self.page.open(self.address + page)

    def count(self, selector):
        """The number of elements."""
        return self.page.run("document.querySelectorAll(%r).length" % selector)

    def text(self, selector):
        """The text of the first element."""
        return self.page.run("document.querySelector(%r).textContent" % selector)

    def color(self):
        """The brightness of the background: 0 to 765."""
        return self.page.run(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"
            ".slice(0, 3).reduce((sum, part) => sum + Number(part), 0)"
        )

    def test_every_page_loads_at_every_width(self):
        pages = {
            "": "Does it behave",
            "#/matrix": "Errno matrix",
            "#/rows": "Known divergences",
            "#/row/unmap-bisect-partial": "v2:",
            "#/traces": "Traces",
            "#/trace/2": "edges",
            "#/trace/2/0": "1 api",
            "#/trace/1/0": "testpmd",
            "#/coverage": "Coverage",
            "#/nonsense": "",
        }
        for width in (1280, 380):
            self.page.resize(width, 800)
            for page, heading in pages.items():
                self.open(page)
                self.assertGreater(len(self.text("#view")), 10, page)
                if heading:
                    self.assertIn(heading, self.text("h1"), page)
                across = self.page.run(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                self.assertLessEqual(across, 0, "%s at %d" % (page, width))

    def test_filters_filter(self):
        self.open("#/matrix")
        rows = "document.querySelectorAll('.matrix tbody tr:not(.group)')"
        before = self.page.run(rows + ".length")
        self.assertGreater(before, 50)
        self.page.key("/")
        self.page.type("unmap_dma enoent")
        self.page.wait(rows + ".length < %d" % before)
        self.assertGreater(self.page.run(rows + ".length"), 0)
        self.assertTrue(
            self.page.run(
                "[...document.querySelectorAll('.matrix .group')].every("
                "(group) => group.textContent.includes('UNMAP_DMA'))"
            )
        )
        self.open("#/matrix")
        columns = "document.querySelectorAll('.matrix thead th').length"
        self.assertEqual(self.page.run(columns), 8)
        # The mode `native` and the kernel 6.1 go.
        self.page.run("document.querySelectorAll('fieldset')[0].querySelectorAll('input')[2].click()")
        self.page.run("document.querySelectorAll('fieldset')[1].querySelectorAll('input')[0].click()")
        self.assertEqual(self.page.run(columns), 5)
        fewer = self.page.run(rows + ".length")
        self.page.run("document.querySelectorAll('.filters > .check input')[0].click()")
        self.assertGreater(self.page.run(rows + ".length"), fewer)

    def test_class_filter(self):
        self.open("#/matrix")
        self.page.run(
            "(() => { const list = document.querySelector('.filters select'); list.value = 'bug';"
            " list.dispatchEvent(new Event('change')); })()"
        )
        self.assertGreater(self.count(".matrix tbody tr:not(.group)"), 3)
        self.assertEqual(
            self.count(".matrix tbody tr:not(.group)"),
            self.page.run(
                "[...document.querySelectorAll('.matrix tbody tr:not(.group)')].filter("
                "(row) => row.querySelector('.class-bug')).length"
            ),
        )

    def test_cell_opens_its_page(self):
        self.open("#/matrix")
        self.page.run("document.querySelector('.matrix a.verdict.apart').focus()")
        self.page.key("ArrowRight")
        cell = self.page.run("document.activeElement.getAttribute('aria-label')")
        self.page.run("document.activeElement.click()")
        self.page.wait("document.querySelector('.verdicts') && document.querySelector('.calls')")
        column, answer = cell.split(",")[0].split(": ")
        self.assertIn(column, self.text("tr.chosen th"))
        self.assertIn(answer, self.text("tr.chosen"))
        # Both modes, the function that decided, and the call at the end of the trace.
        self.assertIn("type1@7.3", self.text(".verdicts"))
        self.assertIn("compat@7.3", self.text(".verdicts"))
        self.assertGreater(self.count(".verdicts code"), 0)
        self.assertEqual(self.count(".calls li.chosen"), 1)
        self.page.run("document.querySelector('a.button').click()")
        self.page.wait("document.querySelector('.step[aria-current]')")
        self.assertEqual(self.count(".answer"), 2)

    def test_keys_step_through_a_timeline(self):
        self.open("#/row/unmap-bisect-partial")
        self.page.wait("document.querySelectorAll('.calls').length == 2")
        self.page.run("document.querySelector('a.button').click()")
        self.page.wait("document.querySelector('.space svg')")
        # It opens where the row shows.
        self.assertIn("UNMAP_DMA", self.text(".detail h2"))
        self.assertIn("unmap-bisect-partial", self.text(".why"))
        self.assertGreater(self.count(".space rect.mapped"), 0)
        self.assertGreater(self.count(".space rect.changed"), 0)
        self.assertGreater(self.count(".space text.differs"), 0)
        place = "location.hash"
        at = self.page.run(place)
        self.page.key("k")
        self.assertNotEqual(self.page.run(place), at)
        self.page.key("j")
        self.assertEqual(self.page.run(place), at)
        self.page.key("Home")
        self.assertIn("1 /", self.text("output"))
        self.page.key("n")
        self.assertEqual(self.count(".why"), 1)
        self.page.key("End")
        self.page.key("p")
        self.assertEqual(self.page.run(place), at)

    def test_windowed_trace_says_so(self):
        self.open("#/trace/1/0")
        self.assertRegex(self.text("#view"), r"of 8,\d+ events are drawn")

    def test_colours(self):
        self.open("")
        self.assertGreater(self.color(), 600)
        self.page.scheme(True)
        self.assertLess(self.color(), 150)
        self.page.key("t")
        self.page.key("t")  # dark, then light
        self.assertGreater(self.color(), 600)
        self.page.scheme(False)
        self.page.key("t")  # as the system
        self.assertGreater(self.color(), 600)

    def test_hostile_name_is_text(self):
        self.open("#/traces")
        self.assertIn("<img src=x", self.text(".files"))
        self.assertEqual(self.count("#view img"), 0)

    def test_contrast(self):
        """Text against what is behind it: at least 4.5, as WCAG AA asks."""
        script = """(() => {
          const light = (color) => {
            const [r, g, b] = color.match(/[\\d.]+/g).map(Number).slice(0, 3).map((part) => {
              part /= 255;
              return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const behind = (node) => {
            for (; node; node = node.parentElement) {
              const color = getComputedStyle(node).backgroundColor;
              if (!/, 0\\)$|transparent/.test(color)) return color;
            }
            return 'rgb(255, 255, 255)';
          };
          const bad = new Set();
          for (const node of document.querySelectorAll('#view *, header *')) {
            if (![...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
            if (node.namespaceURI.endsWith('svg') || node.classList.contains('mark')) continue;
            const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
            const both = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (both < 4.5) bad.add(`${node.className}: ${node.textContent.slice(0, 20)} ${both.toFixed(2)}`);
          }
          return [...bad].slice(0, 5);
        })()"""
        for dark in (False, True):
            self.page.scheme(dark)
            for page in ("", "#/matrix", "#/rows", "#/trace/2/0", "#/row/unmap-bisect", "#/coverage"):
                self.open(page)
                self.assertEqual(self.page.run(script), [], "%s, dark: %s" % (page, dark))


if __name__ == "__main__":
    unittest.main()
