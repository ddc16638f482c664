// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/soundness.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <variant>

#include "compat/abi/iommufd.h"
#include "compat/abi/vfio.h"
#include "conformance/catalogue/info_answer.h"

namespace iovalid::conformance {
namespace {

namespace abi = compat::abi;

bool SoundResult(const Catalogue& catalogue, const StepResult& result) {
  const bool failed = result.err != sim::Errno::kOk;
  if (failed && result.ret != -1) return false;
  if (result.rule != nullptr) {
    return catalogue.RuleAnswers(result.rule->id, static_cast<uint32_t>(result.err));
  }
  return !failed;
}

// The commands whose success is always 0; others return a number or a descriptor.
bool ReturnsZero(uint32_t nr) {
  switch (nr) {
    case abi::kVfioSetIommu:
    case abi::kVfioGroupGetStatus:
    case abi::kVfioGroupSetContainer:
    case abi::kVfioGroupUnsetContainer:
    case abi::kVfioIommuGetInfo:
    case abi::kVfioIommuMapDma:
    case abi::kVfioIommuUnmapDma:
    case abi::kVfioIommuDirtyPages:
      return true;
    default:
      return nr >= abi::kIommuDestroy && nr <= abi::kIommuIoasNoiommuGetPa;
  }
}

// Rules that decide before the argument is looked at.
bool RefusesUnseen(const compat::Rule* rule) {
  if (rule == nullptr) return false;
  return std::strcmp(rule->id, "container.unset") == 0 ||
         std::strcmp(rule->id, "type1.ioctl.unknown") == 0;
}

// UNMAP_DMA writes nothing but the size of what it removed.
bool SoundUnmap(const IoctlAction& ioctl, const StepResult& result, const SideFacts& facts) {
  abi::VfioIommuType1DmaUnmap before{}, after{};
  const Bytes& out = result.out_changed ? result.out : ioctl.in;
  if (ioctl.in.size() < sizeof(before) || out.size() != ioctl.in.size()) return true;
  std::memcpy(&before, ioctl.in.data(), sizeof(before));
  std::memcpy(&after, out.data(), sizeof(after));
  Bytes rest = out;
  std::memcpy(&rest[offsetof(abi::VfioIommuType1DmaUnmap, size)], &before.size,
              sizeof(before.size));
  if (rest != ioctl.in) return false;
  const bool failed = result.err != sim::Errno::kOk;
  if ((before.flags & abi::kVfioDmaUnmapFlagVaddr) != 0 && !failed) return facts.removed == 0;
  if (failed && !result.out_changed) return true;
  return after.size == facts.removed;
}

bool SoundMap(const IoctlAction& ioctl, const StepResult& result, const SideFacts& facts) {
  abi::VfioIommuType1DmaMap map{};
  if (ioctl.in.size() < sizeof(map)) return true;
  std::memcpy(&map, ioctl.in.data(), sizeof(map));
  if (result.out_changed || facts.removed != 0) return false;
  const bool maps = result.err == sim::Errno::kOk && (map.flags & abi::kVfioDmaMapFlagVaddr) == 0;
  return facts.added == (maps ? map.size : 0);
}

}  // namespace

bool SoundOutcome(const Catalogue& catalogue, const Step& step, const StepResult& result,
                  const SideFacts& facts) {
  const auto* ioctl = std::get_if<IoctlAction>(&step.action);
  if (ioctl == nullptr) return !step.IsCall() || SoundResult(catalogue, result);
  if (!SoundResult(catalogue, result)) return false;
  if (result.out_changed && RefusesUnseen(result.rule)) return false;
  if (result.err == sim::Errno::kOk && ReturnsZero(ioctl->nr) && result.ret != 0 &&
      !result.returned_fd) {
    return false;
  }
  if (ioctl->argument != IoctlAction::Argument::kStruct) return true;
  // Numbers are shared with devices, whose rules say so.
  if (result.rule != nullptr && std::strncmp(result.rule->id, "pci.", 4) == 0) return true;
  switch (ioctl->nr) {
    case abi::kVfioIommuUnmapDma:
      return SoundUnmap(*ioctl, result, facts);
    case abi::kVfioIommuMapDma:
      return SoundMap(*ioctl, result, facts);
    case abi::kVfioIommuGetInfo:
      return SoundInfoAnswer(*ioctl, result, facts);
    default:
      return true;
  }
}

}  // namespace iovalid::conformance
