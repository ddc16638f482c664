// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SIDE_H_
#define IOVALID_CONFORMANCE_SIDE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "compat/profile.h"
#include "compat/system_config.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance {

// What a program's container calls meet.
enum class Mode : uint8_t {
  kType1,       // /dev/vfio/vfio with vfio_iommu_type1
  kCompat,      // an iommufd descriptor (/dev/iommu) in place of the container
  kCompatNode,  // iommufd's own /dev/vfio/vfio, with per-mm accounting
  kNative,      // the paths as recorded
};

// "type1", "compat", "compat-node", "native".
std::string_view ModeName(Mode mode);
// As the header of a trace says it.
traces::Mode HeaderMode(Mode mode);

// One side of a replay.
struct Side {
  Mode mode = Mode::kType1;
  const compat::KernelProfile* profile = nullptr;  // never null in a valid Side
  // Replaces the argument of the trace's own SET_IOMMU (--iommu-type).
  std::optional<uint32_t> iommu_type;

  // "type1@7.3".
  std::string Name() const;
};

// "MODE" or "MODE@KERNEL"; KERNEL defaults to `default_kernel`. InvalidArgument names what is
// unknown and what there is to choose from.
absl::StatusOr<Side> ParseSide(std::string_view text, std::string_view default_kernel = "7.3");

// The side that the trace was recorded on. InvalidArgument where its kernel or mode is not
// modelled.
absl::StatusOr<Side> RecordedSide(const traces::Header& header);

// Both sides of a replay of this trace as builds of the kernel that fit it. Where type1 is compared
// with type1 on a trace that a distribution's kernel answered, both are distribution's kernels,
// without the character devices and the iommufd that the self-built ones have.
void FitToTrace(const traces::Header& header, Side* left, Side* right);

// The simulated machine that the header describes, with one side's kernel. InvalidArgument where
// the header describes a machine that cannot be built.
absl::StatusOr<compat::SystemConfig> BuildSystemConfig(const traces::Header& header,
                                                       const Side& side);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_SIDE_H_
