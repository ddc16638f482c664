# SPDX-License-Identifier: Apache-2.0
"""The layers of the tree, and who may depend on each.

    sim  <-  hwmodel  <-  ioas  <-  compat  <-  conformance  <-  bench
                                    traces  <-  conformance

A directory may depend on what stands to its left. compat/type1 and compat/iommufd are siblings, and
compat/type1 does not see ioas: it is an independent model. bazel/layering.py, a part of ./test,
proves that every other dependency does not build.
"""

# Layer -> packages that may depend on it. The name of a layer is its directory. A leading "-" takes
# packages out again.
LAYER_USERS = {
    "sim": [
        "//sim/...",
        "//hwmodel/...",
        "//ioas/...",
        "//compat/...",
        "//conformance/...",
        "//bench/...",
    ],
    "hwmodel": [
        "//hwmodel/...",
        "//ioas/...",
        "//compat/...",
        "//conformance/...",
        "//bench/...",
    ],
    "ioas": [
        "//ioas/...",
        "//compat/...",
        "-//compat/type1/...",
        "//conformance/...",
        "//bench/...",
    ],
    "compat": [
        "//compat/...",
        "//conformance/...",
        "//bench/...",
    ],
    "compat/type1": [
        "//compat/...",
        "-//compat/iommufd/...",
        "//conformance/...",
        "//bench/...",
    ],
    "compat/iommufd": [
        "//compat/...",
        "-//compat/type1/...",
        "//conformance/...",
        "//bench/...",
    ],
    "traces": [
        "//traces/...",
        "//conformance/...",
        "//bench/...",
    ],
    "conformance": [
        "//conformance/...",
        "//bench/...",
    ],
    "bench": [
        "//bench/...",
    ],
}

def layer_of(package):
    """The layer that a package belongs to, or None for one outside the layers.

    Args:
      package: a package's path, for example "compat/type1/map".

    Returns:
      A key of LAYER_USERS, the longest that the path starts with, or None.
    """
    best = None
    for layer in LAYER_USERS:
        if package == layer or package.startswith(layer + "/"):
            if best == None or len(layer) > len(best):
                best = layer
    return best

def users_group(layer):
    """The label of the package_group that holds the users of a layer."""
    return "//bazel:%s_users" % layer.replace("/", "_")

def layer_visibility():
    """The visibility of the calling package's layer, for package(default_visibility = ...)."""
    layer = layer_of(native.package_name())
    return [users_group(layer)] if layer else ["//visibility:private"]

def declare_layer_groups():
    """Declares the package_group of every layer; called once, in //bazel."""
    for layer, packages in LAYER_USERS.items():
        native.package_group(
            name = "%s_users" % layer.replace("/", "_"),
            packages = packages,
        )
