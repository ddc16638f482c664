# SPDX-License-Identifier: Apache-2.0
"""Thin wrappers over the cc_* rules: the layer's visibility, and the test libraries."""

load("//bazel:layers.bzl", "layer_visibility")
load("//bazel:precompiled.bzl", "PRECOMPILED_COPTS", "PRECOMPILED_DEPS")

def _checked(name, visibility):
    if visibility == None:
        return layer_visibility()
    for label in visibility:
        if label == "//visibility:public":
            fail("%s: a library is visible to the users of its layer, not to all" % name)
    return visibility

def iov_library(name, visibility = None, deps = [], copts = [], **kwargs):
    """A cc_library that the users of its layer see (bazel/layers.bzl).

    Args:
      name: the target's name.
      visibility: narrower than the layer's, where needed.
      deps: as for cc_library.
      copts: as for cc_library.
      **kwargs: as for cc_library.
    """
    native.cc_library(
        name = name,
        visibility = _checked(name, visibility),
        copts = copts + PRECOMPILED_COPTS,
        deps = deps + PRECOMPILED_DEPS,
        **kwargs
    )

def iov_proto_library(name, srcs, deps = [], visibility = None):
    """A proto_library NAME_proto and its C++ code, NAME_cc_proto.

    Args:
      name: "trace" for trace_proto and trace_cc_proto.
      srcs: the .proto files.
      deps: other proto_library targets.
      visibility: narrower than the layer's, where needed.
    """
    native.proto_library(
        name = name + "_proto",
        srcs = srcs,
        deps = deps,
        visibility = _checked(name, visibility),
    )
    native.cc_proto_library(
        name = name + "_cc_proto",
        deps = [":%s_proto" % name],
        visibility = _checked(name, visibility),
    )

def iov_binary(name, deps = [], **kwargs):
    """A cc_binary."""
    native.cc_binary(
        name = name,
        copts = PRECOMPILED_COPTS,
        deps = deps + PRECOMPILED_DEPS,
        **kwargs
    )

def iov_test(name, srcs = None, deps = [], size = "small", long = False, tags = [], **kwargs):
    """A GoogleTest program; rapidcheck is there for properties.

    Args:
      name: foo_test, whose source is foo_test.cc unless srcs says otherwise.
      srcs: the sources.
      deps: what is tested; GoogleTest and its main() are added.
      size: as for cc_test.
      long: True for the long tier, which only ./test --long runs.
      tags: as for cc_test.
      **kwargs: as for cc_test.
    """
    native.cc_test(
        name = name,
        srcs = srcs or [name + ".cc"],
        size = size,
        tags = tags + (["long"] if long else []),
        copts = PRECOMPILED_COPTS,
        deps = deps + [
            "@googletest//:gtest_main",
            "@rapidcheck",
        ] + PRECOMPILED_DEPS,
        **kwargs
    )

# Kernels that cannot have a mode: iommufd came after 6.1.
_KERNELS_WITHOUT = {
    "compat": ["6.1"],
    "native": ["6.1"],
}

def iov_conformance_test(name, srcs, modes, kernels, deps = [], shard_count = None, **kwargs):
    """Conformance tests (conformance/suite), each run on every side that there is.

    Args:
      name: the target's name.
      srcs: sources with IOVALID_CONFORMANCE_SUITE; all of them make one program.
      modes: "type1", "compat": what a side is.
      kernels: "7.3": of which kernel. A mode that a kernel does not have is left out.
      deps: beside the suite's own library.
      shard_count: as for cc_test: how many processes share the cases.
      **kwargs: as for iov_test.
    """
    sides = [
        "%s@%s" % (mode, kernel)
        for mode in modes
        for kernel in kernels
        if kernel not in _KERNELS_WITHOUT.get(mode, [])
    ]
    iov_test(
        name = name,
        srcs = srcs,
        local_defines = ['IOVALID_CONFORMANCE_SIDES=\\"%s\\"' % ",".join(sides)],
        shard_count = shard_count,
        deps = deps + ["//conformance/suite"],
        **kwargs
    )

def iov_benchmark(name, srcs = None, deps = [], **kwargs):
    """A Google Benchmark program; not run by the tests.

    Args:
      name: foo_bench, whose source is foo_bench.cc unless srcs says otherwise.
      srcs: the sources.
      deps: what is measured; Google Benchmark and its main() are added.
      **kwargs: as for cc_binary.
    """
    native.cc_binary(
        name = name,
        srcs = srcs or [name + ".cc"],
        testonly = True,
        deps = deps + ["@google_benchmark//:benchmark_main"],
        **kwargs
    )

def iov_fuzz_test(
        name,
        srcs = None,
        corpus = [],
        corpus_test = True,
        deps = [],
        tags = [],
        **kwargs):
    """A libFuzzer program, built with --config=fuzz, and a test that replays its corpus.

    NAME is the fuzzer: `bazel run --config=fuzz //pkg:NAME -- CORPUS_DIR`. It is tagged manual,
    because no other configuration can link it.
    NAME_corpus_test, an ordinary test, runs the same entry point over the committed corpus (and
    over the empty input), so that what a fuzzer once found is checked with every build.

    Args:
      name: foo_fuzz, whose source is foo_fuzz.cc unless srcs says otherwise; it defines
        LLVMFuzzerTestOneInput.
      srcs: the sources.
      corpus: input files, each one input.
      corpus_test: False where another test of the package goes through the corpus.
      deps: what is fuzzed.
      tags: as for cc_binary.
      **kwargs: as for cc_binary.
    """
    native.cc_binary(
        name = name,
        srcs = srcs or [name + ".cc"],
        testonly = True,
        data = corpus,
        linkopts = select({
            "//bazel:fuzz": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        tags = tags + [
            "fuzz",
            "manual",
        ],
        deps = deps,
        **kwargs
    )
    if not corpus_test:
        return
    native.cc_test(
        name = name + "_corpus_test",
        srcs = srcs or [name + ".cc"],
        size = "small",
        args = ["$(locations %s)" % label for label in corpus],
        copts = PRECOMPILED_COPTS,
        data = corpus,
        deps = deps + [
            "//bazel:fuzz_corpus_main",
            "@googletest//:gtest",
        ] + PRECOMPILED_DEPS,
    )

def iov_python_test(name, srcs = None, deps = [], size = "small", **kwargs):
    """A unittest module of Python 3, run by the system's python3.

    Args:
      name: foo_test, whose source is foo_test.py unless srcs says otherwise.
      srcs: the module with the tests, one file.
      deps: the other Python files of the same directory that it needs.
      size: as for sh_test.
      **kwargs: as for sh_test.
    """
    srcs = srcs or [name + ".py"]
    native.sh_test(
        name = name,
        srcs = ["//bazel:python3.sh"],
        size = size,
        args = [
            "$(location //bazel:python_test.py)",
            "$(location %s)" % srcs[0],
        ],
        data = srcs + deps + ["//bazel:python_test.py"],
        **kwargs
    )
