# SPDX-License-Identifier: Apache-2.0
"""Tests of layering: that it would notice what it is there to notice."""

import os
import tempfile
import unittest

import layering

QUERY_XML = """<?xml version="1.1" encoding="UTF-8" standalone="no"?>
<query version="2">
  <rule class="cc_library" location="x" name="//sim:mm">
    <rule-input name="//sim:mm.h"/>
    <rule-input name="@absl//:absl"/>
  </rule>
  <rule class="cc_library" location="x" name="//hwmodel:iommu">
    <rule-input name="//sim:mm"/>
  </rule>
  <rule class="cc_library" location="x" name="@absl//:absl"/>
</query>
"""

REFUSAL = (
    "ERROR: a/BUILD:1:10: in filegroup rule //sim/layering_probe:to_hwmodel: target "
    "'//hwmodel:iommu' is not visible from target '//sim/layering_probe:to_hwmodel'. Check the "
    "visibility declaration of the former target if you think the dependency is legitimate\n"
)


class LayeringTest(unittest.TestCase):
    def test_every_layer_names_layers(self):
        for layer, others in layering.MAY_SEE.items():
            self.assertNotIn(layer, others)
            self.assertLessEqual(set(others), set(layering.MAY_SEE))

    def test_order_has_no_circle_between_directories(self):
        def top(layer):
            return layer.split("/")[0]

        rank = ["sim", "hwmodel", "ioas", "compat", "traces", "conformance", "bench"]
        for layer, others in layering.MAY_SEE.items():
            for other in others:
                self.assertLessEqual(rank.index(top(other)), rank.index(top(layer)))

    def test_layer_of_takes_the_longest(self):
        self.assertEqual(layering.layer_of("//compat:system"), "compat")
        self.assertEqual(layering.layer_of("//compat/type1:container"), "compat/type1")
        self.assertEqual(layering.layer_of("//compat/type1/deep:x"), "compat/type1")
        self.assertEqual(layering.layer_of("//compat/type10:x"), "compat")
        self.assertIsNone(layering.layer_of("//bazel:defs"))
        self.assertIsNone(layering.layer_of("@absl//:absl"))

    def test_query_is_read(self):
        rules = layering.parse_query(QUERY_XML)
        self.assertEqual(rules["//hwmodel:iommu"], ("cc_library", ["//sim:mm"]))
        self.assertEqual(
            layering.reachable(rules, ["//hwmodel:iommu"]),
            {"//hwmodel:iommu", "//sim:mm", "//sim:mm.h", "@absl//:absl"},
        )

    def test_probes_depend_on_every_target_of_every_other_layer(self):
        with tempfile.TemporaryDirectory() as directory:
            layering.write_probes(directory, {"sim": ["//sim:mm"], "hwmodel": [], "ioas": ["//ioas:a"]})
            with open(os.path.join(directory, "hwmodel/layering_probe/BUILD"), encoding="utf-8") as build:
                text = build.read()
        self.assertIn("'to_sim'", text)
        self.assertIn("'//sim:mm'", text)
        self.assertIn("'//ioas:a'", text)
        self.assertNotIn("to_hwmodel", text)

    def test_visible_upward_target_fails(self):
        labels = ["//hwmodel:iommu", "//hwmodel:leak"]
        case = layering.judge("sim", "hwmodel", labels, layering.invisible(REFUSAL))
        self.assertEqual((case.name, case.outcome), ("sim does not see hwmodel", "failed"))
        self.assertIn("//hwmodel:leak", case.message)
        self.assertNotIn("//hwmodel:iommu", case.message)

    def test_refused_upward_target_passes(self):
        case = layering.judge("sim", "hwmodel", ["//hwmodel:iommu"], layering.invisible(REFUSAL))
        self.assertEqual(case.outcome, "passed")

    def test_downward_layer_must_be_visible(self):
        probe = "//hwmodel/layering_probe:to_sim"
        case = layering.judge("hwmodel", "sim", ["//sim:mm"], {(probe, "//sim:mm")})
        self.assertEqual((case.name, case.outcome), ("hwmodel sees sim", "failed"))
        self.assertEqual(layering.judge("hwmodel", "sim", ["//sim:mm"], set()).outcome, "passed")

    def test_empty_layer_is_skipped_not_passed(self):
        self.assertEqual(layering.judge("sim", "ioas", [], set()).outcome, "skipped")
        self.assertEqual(layering.check_tree({}, "ioas").outcome, "skipped")

    def test_real_dependency_upward_fails(self):
        rules = layering.parse_query(QUERY_XML)
        self.assertEqual(layering.check_tree(rules, "sim").outcome, "passed")
        rules["//sim:mm"] = ("cc_library", ["//bazel:between"])
        rules["//bazel:between"] = ("cc_library", ["//hwmodel:iommu"])
        case = layering.check_tree(rules, "sim")
        self.assertEqual(case.outcome, "failed")
        self.assertIn("//hwmodel:iommu", case.message)

    def test_only_the_siblings_facts_come_in_through_the_kernel_profile(self):
        rules = {
            "//compat/type1:type1": ("cc_library", ["//compat:kernel"]),
            "//compat:kernel": ("cc_library", ["//compat/iommufd:profile"]),
            "//compat/iommufd:profile": ("cc_library", ["//compat/iommufd:facts.h"]),
        }
        self.assertEqual(layering.check_tree(rules, "compat/type1").outcome, "passed")
        rules["//compat/iommufd:profile"][1].append("//compat/iommufd:model")
        rules["//compat/iommufd:model"] = ("cc_library", ["//ioas:area"])
        case = layering.check_tree(rules, "compat/type1")
        self.assertEqual(case.outcome, "failed")
        self.assertIn("//ioas:area", case.message)

    def test_of_a_test_what_it_names_counts(self):
        rules = {
            "//compat/type1:a_test": ("cc_test", ["//compat:system"]),
            "//compat:system": ("cc_library", ["//ioas:area"]),
        }
        self.assertEqual(layering.check_tree(rules, "compat/type1").outcome, "passed")
        rules["//compat/type1:a_test"][1].append("//ioas:area")
        self.assertEqual(layering.check_tree(rules, "compat/type1").outcome, "failed")
