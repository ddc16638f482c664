# SPDX-License-Identifier: Apache-2.0
"""Tests of ./iovalid: when it builds, and what reaches stdout. Bazel and dpkg are stand-ins here."""

import os
import shutil
import subprocess
import tempfile
import time
import unittest

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Counts its calls, and "builds" a program that prints its own name, the version that it finds in the
# sources, its working directory and its arguments.
FAKE_BAZEL = r"""#!/bin/bash
echo "$1" >>"$FAKE/calls"
case $1 in
  build)
    echo 'chatter on stdout'
    echo 'chatter on stderr' >&2
    [[ -e $FAKE/broken ]] && exit 1
    for label; do :; done
    package=${label#//} program=${label##*:}
    package=${package%:*}
    mkdir -p "$FAKE/bin/$package"
    rm -f "$FAKE/bin/$package/$program"
    printf '#!/bin/bash\necho %s %s "$PWD" "$@"\nexit 7\n' "$program" "$(cat sim/a.h)" \
      >"$FAKE/bin/$package/$program"
    chmod 555 "$FAKE/bin/$package/$program"
    ;;
  info) echo "$FAKE/bin" ;;
esac
"""

# Every package that is asked for is installed, but those in $FAKE/missing.
FAKE_DPKG_QUERY = r"""#!/bin/bash
for name in "${@:4}"; do
  grep -qx -- "$name" "$FAKE/missing" 2>/dev/null || echo "ii $name"
done
"""

FAKE_APT_GET = r"""#!/bin/bash
echo "$@" >>"$FAKE/apt"
[[ -e $FAKE/offline ]] && exit 100
rm -f "$FAKE/missing"
"""

FAKE_SUDO = """#!/bin/bash
exec "$@"
"""


class LauncherTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.fake = os.path.join(self.directory.name, "fake")
        self.tree = os.path.join(self.directory.name, "a tree")
        os.makedirs(self.fake)
        for path in ("sim", "bench", "docs", "traces/captures", "bazel"):
            os.makedirs(os.path.join(self.tree, path))
        for path in ("iovalid", "bazel/setup.sh", "bazel/packages.txt", "bazel/loopback.py"):
            shutil.copy(os.path.join(TREE, path), os.path.join(self.tree, path))
        self.write("sim/a.h", "v1")
        self.write("bench/replay_bench.cc", "")
        self.write("bench/other_bench.cc", "")
        for name, text in (
            ("bazel", FAKE_BAZEL),
            ("dpkg-query", FAKE_DPKG_QUERY),
            ("apt-get", FAKE_APT_GET),
            ("sudo", FAKE_SUDO),
        ):
            path = os.path.join(self.fake, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, 0o755)

    def write(self, path, text):
        with open(os.path.join(self.tree, path), "w", encoding="utf-8") as file:
            file.write(text)

    def fake_file(self, name, text=""):
        with open(os.path.join(self.fake, name), "w", encoding="utf-8") as file:
            file.write(text)

    def run_it(self, *arguments, cwd=None, program=None):
        environment = dict(os.environ, FAKE=self.fake, PATH=self.fake + ":" + os.environ["PATH"])
        return subprocess.run(
            [program or os.path.join(self.tree, "iovalid")] + list(arguments),
            cwd=cwd or self.directory.name,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )

    def calls(self, name="calls"):
        path = os.path.join(self.fake, name)
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()

    def builds(self):
        return self.calls().count("build")

    def test_builds_once_and_passes_everything_on(self):
        first = self.run_it("replay", "a b", "*")
        self.assertEqual(first.returncode, 7)
        self.assertEqual(first.stdout, "iovalid v1 %s replay a b *\n" % self.directory.name)
        self.assertIn("chatter on stdout", first.stderr)
        calls = self.calls()
        second = self.run_it("show")
        self.assertEqual(second.stdout, "iovalid v1 %s show\n" % self.directory.name)
        self.assertEqual(second.stderr, "")
        self.assertEqual(self.calls(), calls)
        self.assertEqual(self.builds(), 1)

    def test_edit_addition_and_deletion_build_anew(self):
        self.run_it()
        self.write("sim/a.h", "v2")
        self.assertTrue(self.run_it().stdout.startswith("iovalid v2 "))
        self.assertEqual(self.builds(), 2)
        self.write("sim/b.h", "")
        self.run_it()
        self.assertEqual(self.builds(), 3)
        os.remove(os.path.join(self.tree, "sim/b.h"))
        self.run_it()
        self.assertEqual(self.builds(), 4)
        self.run_it()
        self.assertEqual(self.builds(), 4)

    def test_edit_that_keeps_size_and_is_older_builds_anew(self):
        self.run_it()
        self.write("sim/a.h", "w1")
        long_ago = time.time() - 1e6
        os.utime(os.path.join(self.tree, "sim/a.h"), (long_ago, long_ago))
        self.assertTrue(self.run_it().stdout.startswith("iovalid w1 "))

    def test_mere_touch_does_not_build(self):
        self.run_it()
        calls = self.calls()
        os.utime(os.path.join(self.tree, "sim/a.h"), (1, 1))
        result = self.run_it()
        self.assertEqual((result.stdout.split()[0], result.stderr), ("iovalid", ""))
        self.assertEqual(self.calls(), calls)

    def test_what_is_no_source_does_not_build(self):
        self.run_it()
        for path in ("docs/x.md", "README.md", "traces/captures/x.iovt", "sim/a_test.cc"):
            self.write(path, "x")
        self.run_it()
        self.assertEqual(self.builds(), 1)

    def test_failed_build_says_so_and_leaves_stdout_alone(self):
        self.fake_file("broken")
        result = self.run_it("replay")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("iovalid: the build failed", result.stderr)
        # The next call tries again, and does not take what is not there.
        os.remove(os.path.join(self.fake, "broken"))
        self.assertEqual(self.run_it().returncode, 7)

    def test_failed_build_does_not_fall_back_on_the_old_program(self):
        self.run_it()
        self.fake_file("broken")
        self.write("sim/a.h", "v2")
        for _ in range(2):
            result = self.run_it()
            self.assertEqual((result.returncode, result.stdout), (2, ""))

    def test_from_elsewhere_by_a_link_and_by_a_relative_path(self):
        link = os.path.join(self.directory.name, "link")
        os.symlink(os.path.join(self.tree, "iovalid"), link)
        self.assertEqual(self.run_it(program=link).returncode, 7)
        self.assertEqual(self.run_it(program="./iovalid", cwd=self.tree).returncode, 7)
        self.assertEqual(
            self.run_it(program="../iovalid", cwd=os.path.join(self.tree, "sim")).returncode, 7
        )
        self.assertEqual(self.builds(), 1)

    def test_installs_what_is_missing_and_only_that(self):
        self.fake_file("missing", "libfmt-dev\n")
        self.assertEqual(self.run_it().returncode, 7)
        self.assertEqual(len(self.calls("apt")), 1)
        self.assertIn("install", self.calls("apt")[0])
        self.assertTrue(self.calls("apt")[0].endswith(" libfmt-dev"))

    def test_missing_package_without_network(self):
        self.fake_file("missing", "libfmt-dev\n")
        self.fake_file("offline")
        result = self.run_it()
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertTrue(result.stderr.splitlines()[-1].startswith("iovalid: cannot fetch"))
        self.assertEqual(self.builds(), 0)

    def test_nothing_missing_asks_apt_nothing(self):
        self.run_it()
        self.assertEqual(self.calls("apt"), [])

    def test_bench_runs_its_own_program_from_the_top(self):
        result = self.run_it("bench", "other", "--benchmark_format=json")
        self.assertEqual(result.stdout, "other_bench v1 %s --benchmark_format=json\n" % self.tree)
        result = self.run_it("bench", "--benchmark_filter=x")
        self.assertEqual(result.stdout, "replay_bench v1 %s --benchmark_filter=x\n" % self.tree)
        self.run_it("bench", "other")
        self.assertEqual(self.builds(), 2)

    def test_unknown_bench_names_those_there_are(self):
        result = self.run_it("bench", "nonsense")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("other replay", result.stderr)
        self.assertEqual(self.builds(), 0)

    def test_fuzz_refuses_what_it_does_not_know(self):
        for arguments in (["--nonsense"], ["--time", "soon"], ["--jobs", "0"], ["--time"]):
            result = self.run_it("fuzz", *arguments)
            self.assertEqual((result.returncode, result.stdout), (2, ""), arguments)
            self.assertEqual(len(result.stderr.splitlines()), 1)
        self.assertEqual(self.builds(), 0)

    def test_fuzz_builds_the_fuzzer_and_counts_what_it_left(self):
        # The stand-in for the fuzzer fails: that alone is a failure.
        result = self.run_it("fuzz", "--time=1m", "--jobs", "2", "--out", "out")
        self.assertEqual(result.returncode, 1)
        self.assertIn("program_fuzz v1", result.stderr)
        self.assertIn("-max_total_time=60", result.stderr)
        self.assertEqual(result.stdout, "fuzz: 0 findings in out\n")
        self.assertEqual(self.builds(), 1)
        self.run_it("fuzz", "--plain", "--out", "out")
        self.assertEqual(self.builds(), 2)

    def test_bench_help_is_the_programs(self):
        self.assertTrue(self.run_it("bench", "--help").stdout.startswith("iovalid "))
