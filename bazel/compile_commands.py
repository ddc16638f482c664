# SPDX-License-Identifier: Apache-2.0
"""Writes compile_commands.json at the top of the tree, for clangd, clang-tidy and editors.

    python3 bazel/compile_commands.py [TARGET_PATTERN...] [-- BAZEL_FLAG...]

The default pattern is //... . Generated headers are found in Bazel's output, so build once before.
"""

import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def bazel(arguments):
    """Returns what bazel prints."""
    return subprocess.run(
        ["bazel"] + arguments, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout


def entry(arguments, execution_root):
    """Returns the entry for one compiler call, or None where it compiles no source of the tree."""
    if "-c" not in arguments:
        return None
    source = arguments[arguments.index("-c") + 1]
    if not os.path.exists(os.path.join(ROOT, source)):
        return None
    # The tree itself is the working directory, so that messages name its files. What Bazel made is
    # reached by its full path.
    arguments = [
        os.path.join(execution_root, argument)
        if argument.startswith(("bazel-out/", "external/"))
        else argument
        for argument in arguments
    ]
    # clangd does not know all of gcc's options.
    arguments = [
        argument
        for argument in arguments
        if argument not in ("-fno-canonical-system-headers", "-Wno-free-nonheap-object")
    ]
    return {"directory": ROOT, "file": source, "arguments": arguments}


def main():
    """Writes the file; returns the exit code."""
    arguments = sys.argv[1:]
    flags = []
    if "--" in arguments:
        split = arguments.index("--")
        arguments, flags = arguments[:split], arguments[split + 1 :]
    patterns = " + ".join(arguments or ["//..."])
    actions = json.loads(
        bazel(
            ["aquery", "--output=jsonproto", "--noshow_progress", "--include_artifacts=false"]
            + flags
            + ['mnemonic("CppCompile", %s)' % patterns]
        )
    ).get("actions", [])
    execution_root = bazel(["info"] + flags + ["execution_root"]).strip()
    entries = {}
    for action in actions:
        made = entry(action["arguments"], execution_root)
        if made:
            entries[made["file"]] = made
    path = os.path.join(ROOT, "compile_commands.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump([entries[source] for source in sorted(entries)], file, indent=1)
        file.write("\n")
    print("%s: %d sources" % (os.path.basename(path), len(entries)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
