# SPDX-License-Identifier: Apache-2.0
"""The rules built into Bazel, under the names of the external repository."""

proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library
