# SPDX-License-Identifier: Apache-2.0
"""Headers of libraries that most sources include, compiled once.

Reading them takes half of the time of a test's compilation. With --define=iovalid_precompiled=1,
which --config=clang sets, every target of bazel/defs.bzl begins with them. A source must name what it
uses all the same: g++, which builds the product, does without.
"""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "ACTION_NAMES")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

# clang wants one header as its input; the others come before it.
_MAIN_HEADER = "/usr/include/gmock/gmock.h"
_HEADERS = [
    "algorithm",
    "array",
    "cstdint",
    "deque",
    "filesystem",
    "fstream",
    "functional",
    "iostream",
    "map",
    "memory",
    "optional",
    "random",
    "set",
    "span",
    "sstream",
    "string",
    "tuple",
    "unordered_map",
    "utility",
    "variant",
    "vector",
    "absl/container/flat_hash_map.h",
    "absl/status/statusor.h",
    "fmt/format.h",
    "google/protobuf/extension_set.h",
    "google/protobuf/generated_message_reflection.h",
    "google/protobuf/generated_message_util.h",
    "google/protobuf/message.h",
    "google/protobuf/repeated_field.h",
    "google/protobuf/unknown_field_set.h",
    "gtest/gtest.h",
    "nlohmann/json.hpp",
    "rapidcheck/gtest.h",
]

_FLAGS = ["-fpch-instantiate-templates", "-Xclang", "-fno-pch-timestamp", "-x", "c++-header"]

# Bazel forgets about inputs that the compiler's list of dependencies does not name, and clang's does
# not name these: another list makes another path, so that everything is compiled again.
_FILE = "headers%d.pch" % hash(" ".join(_HEADERS + _FLAGS))

def _precompiled_headers_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )

    contexts = [dep[CcInfo].compilation_context for dep in ctx.attr.deps]
    defines = depset(transitive = [context.defines for context in contexts])

    # clang refuses headers that were compiled with other flags than what includes them.
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts,
        preprocessor_defines = defines,
        use_pic = ctx.var["COMPILATION_MODE"] != "opt",
    )
    flags = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = ACTION_NAMES.cpp_compile,
        variables = variables,
    )
    compiler = cc_common.get_tool_for_action(
        feature_configuration = features,
        action_name = ACTION_NAMES.cpp_compile,
    )
    out = ctx.actions.declare_file(_FILE)

    # Templates are instantiated here, not by each source again. Without the times, and with a working
    # directory that is always the same, so is the result.
    arguments = ctx.actions.args()
    arguments.add(compiler)
    arguments.add_all(flags)
    arguments.add_all(_HEADERS, before_each = "-include")
    arguments.add_all(_FLAGS + [_MAIN_HEADER])
    ctx.actions.run_shell(
        outputs = [out],
        inputs = depset(transitive = [context.headers for context in contexts]),
        tools = toolchain.all_files,
        arguments = [out.path, arguments],
        command = "out=$PWD/$1; shift; cd /; exec \"$@\" -o \"$out\"",
        env = cc_common.get_environment_variables(
            feature_configuration = features,
            action_name = ACTION_NAMES.cpp_compile,
            variables = variables,
        ),
        mnemonic = "PrecompileHeaders",
        progress_message = "Precompiling headers",
    )
    return [
        DefaultInfo(files = depset([out])),
        CcInfo(compilation_context = cc_common.create_compilation_context(
            headers = depset([out]),
            defines = defines,
        )),
    ]

precompiled_headers = rule(
    _precompiled_headers_impl,
    attrs = {
        "deps": attr.label_list(doc = "The libraries whose headers these are.", providers = [CcInfo]),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    doc = "The headers, for the compilations of those who depend on it.",
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

# What a cc_* rule adds to begin with them.
PRECOMPILED_COPTS = select({
    "//bazel:precompiled": ["-include-pch", "$(BINDIR)/bazel/" + _FILE],
    "//conditions:default": [],
})
PRECOMPILED_DEPS = select({
    "//bazel:precompiled": ["//bazel:headers"],
    "//conditions:default": [],
})
