# SPDX-License-Identifier: Apache-2.0
"""The rules built into Bazel, under the names of the external repository."""

py_binary = native.py_binary
py_library = native.py_library
py_test = native.py_test
py_runtime = native.py_runtime
