# SPDX-License-Identifier: Apache-2.0
"""Proves that a dependency against the order of the layers does not build.

For each layer a probe package is made, which stands in the layer but is kept outside the tree
(.build/layering, brought in by --package_path). Its targets depend on every target of every other
layer. Bazel then says of each dependency whether it is visible: against the order none may be, with
the order at least one must be, or the probes themselves would prove nothing. Last, the dependencies
that the tree really has are followed.

The directions are written out here, and do not come from bazel/layers.bzl, which they check.
"""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import test_report

# Each layer with those that it may depend on, besides itself.
MAY_SEE = {
    "sim": [],
    "hwmodel": ["sim"],
    "ioas": ["sim", "hwmodel"],
    "compat": ["sim", "hwmodel", "ioas", "compat/type1", "compat/iommufd"],
    "compat/type1": ["sim", "hwmodel", "compat"],
    "compat/iommufd": ["sim", "hwmodel", "ioas", "compat"],
    "traces": [],
    "conformance": [
        "sim",
        "hwmodel",
        "ioas",
        "compat",
        "compat/type1",
        "compat/iommufd",
        "traces",
    ],
    "bench": [
        "sim",
        "hwmodel",
        "ioas",
        "compat",
        "compat/type1",
        "compat/iommufd",
        "traces",
        "conformance",
    ],
}

# What a layer may reach through others, though it does not see it: a kernel profile is one record for
# all of compat/, so it brings each sibling's table of facts to the other. Data, and no model.
MAY_REACH = {
    "compat/type1": ["//compat/iommufd:profile"],
    "compat/iommufd": ["//compat/type1:profile"],
}

PROBE = "layering_probe"

# The kinds of rules that other layers are there to use.
LIBRARIES = ("cc_library", "cc_proto_library", "proto_library")


def layer_of(label):
    """Returns the layer that a label belongs to, the longest that fits, or None."""
    match = re.match(r"(?:@iovalid)?//([^:]*)", label)
    if not match:
        return None
    package = match.group(1)
    fitting = [
        layer for layer in MAY_SEE if package == layer or package.startswith(layer + "/")
    ]
    return max(fitting, key=len) if fitting else None


def _bazel(root, arguments):
    return subprocess.run(
        ["bazel"] + arguments,
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def parse_query(text):
    """Returns {rule label: (kind, [labels that it names])} from `bazel query --output=xml`."""
    rules = {}
    # Bazel announces XML 1.1, which the parser does not take.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    for rule in ElementTree.fromstring(text).iter("rule"):
        inputs = [element.get("name") for element in rule.findall("rule-input")]
        rules[rule.get("name")] = (rule.get("class"), inputs)
    return rules


def reachable(rules, start):
    """Returns every label that the given labels depend on, themselves included."""
    seen, todo = set(), list(start)
    while todo:
        label = todo.pop()
        if label not in seen:
            seen.add(label)
            todo += rules.get(label, (None, []))[1]
    return seen


def write_probes(directory, by_layer):
    """Writes a package for each layer, with a target "to_LAYER" for each other layer."""
    shutil.rmtree(directory, ignore_errors=True)
    for layer in by_layer:
        package = os.path.join(directory, layer, PROBE)
        os.makedirs(package)
        with open(os.path.join(package, "BUILD"), "w", encoding="utf-8") as build:
            for other, labels in by_layer.items():
                if other != layer and labels:
                    # `data` takes every kind of target, and visibility is the same for it.
                    build.write(
                        "filegroup(name = %r, testonly = True, data = [\n%s])\n"
                        % (
                            "to_" + other.replace("/", "_"),
                            "".join("    %r,\n" % label for label in labels),
                        )
                    )


def invisible(messages):
    """Returns the (probe, dependency) pairs that Bazel refuses for their visibility."""
    return set(
        (probe, dependency)
        for dependency, probe in re.findall(
            r"target '([^']+)' is not visible from target '([^']+)'", messages
        )
    )


def judge(layer, other, labels, refused):
    """Returns the case for one direction.

    Args:
      layer: the layer that depends.
      other: the layer that is depended on.
      labels: what must be invisible, or, where the direction is allowed, in part visible.
      refused: the pairs that Bazel refused.
    """
    probe = "//%s/%s:to_%s" % (layer, PROBE, other.replace("/", "_"))
    visible = [label for label in labels if (probe, label) not in refused]
    allowed = other in MAY_SEE[layer]
    name = "%s %s %s" % (layer, "sees" if allowed else "does not see", other)
    if not labels:
        outcome, message = test_report.SKIPPED, ""
    elif allowed and not visible:
        outcome, message = test_report.FAILED, "no target of %s is visible to %s" % (other, layer)
    elif not allowed and visible:
        outcome = test_report.FAILED
        message = "visible to %s, against the order of the layers:\n%s" % (
            layer,
            "\n".join(visible),
        )
    else:
        outcome, message = test_report.PASSED, ""
    return test_report.Case("layering", name, outcome, message)


def check_tree(rules, layer):
    """Returns the case that follows what a layer's own targets depend on.

    A test may drive a whole simulated system, which has both siblings in it; so of a test only what
    it names itself counts.
    """
    own = [label for label in rules if layer_of(label) == layer]
    tests = [label for label in own if rules[label][0].endswith("_test")]
    reached = reachable(rules, set(own) - set(tests))
    for test in tests:
        reached.update(rules[test][1])
    for label in MAY_REACH.get(layer, []):
        reached -= {label, *rules.get(label, (None, []))[1]}
    allowed = {layer, None} | set(MAY_SEE[layer])
    wrong = sorted(label for label in reached if layer_of(label) not in allowed)
    name = "%s depends on lower layers only" % layer
    if not own:
        return test_report.Case("layering", name, test_report.SKIPPED, "")
    if wrong:
        message = "reached from %s:\n%s" % (layer, "\n".join(wrong))
        return test_report.Case("layering", name, test_report.FAILED, message)
    return test_report.Case("layering", name, test_report.PASSED, "")


def check(root):
    """Returns the cases of the layering check for the tree at root."""
    query = _bazel(
        root, ["query", "--keep_going", "--noimplicit_deps", "--output=xml", "deps(//...)"]
    )
    try:
        rules = parse_query(query.stdout)
    except ElementTree.ParseError as error:
        message = "bazel query: %s\n%s" % (error, query.stderr[-2000:])
        return [test_report.Case("layering", "(query)", test_report.FAILED, message)]

    by_layer = {layer: [] for layer in MAY_SEE}
    for label in sorted(rules):
        if layer_of(label):
            by_layer[layer_of(label)].append(label)
    libraries = {
        layer: [label for label in labels if rules[label][0] in LIBRARIES]
        for layer, labels in by_layer.items()
    }
    directory = os.path.join(root, ".build", "layering")
    write_probes(directory, by_layer)
    probes = [
        "//%s/%s:all" % (layer, PROBE)
        for layer in by_layer
        if any(labels for other, labels in by_layer.items() if other != layer)
    ]
    build = _bazel(
        root,
        ["build", "--nobuild", "--keep_going", "--noshow_progress"]
        + ["--package_path=%workspace%:" + directory]
        + probes,
    )
    refused = invisible(build.stderr)
    cases = []
    if query.returncode != 0:
        message = "the tree does not load whole:\n" + query.stderr[-2000:]
        cases.append(test_report.Case("layering", "(query)", test_report.FAILED, message))
    cases += [
        judge(layer, other, (libraries if other in MAY_SEE[layer] else by_layer)[other], refused)
        for layer in MAY_SEE
        for other in MAY_SEE
        if other != layer
    ]
    if not refused and any(by_layer.values()):
        message = "Bazel refused no probe:\n" + build.stderr[-2000:]
        cases.append(test_report.Case("layering", "(probes)", test_report.FAILED, message))
    return cases + [check_tree(rules, layer) for layer in MAY_SEE]


if __name__ == "__main__":
    ALL = check(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    for CASE in ALL:
        print(CASE.outcome, CASE.name, CASE.message)
    print(test_report.summary_line(ALL))
    sys.exit(any(case.outcome == test_report.FAILED for case in ALL))
