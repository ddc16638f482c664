// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_DECODE_TABLES_H_
#define IOVALID_CONFORMANCE_DECODE_TABLES_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace iovalid::conformance {

// A bit, or for an enumeration a value, and its name without the common prefix.
struct BitName {
  uint64_t bits;
  const char* name;
};

enum class Format : uint8_t {
  kHex,  // address, IOVA, register
  kDecimal,
  kSigned,
  kFlags,      // bit names joined with |, the rest in hexadecimal
  kEnum,       // one value
  kPageSizes,  // 4K|2M|1G
  kFeature,    // flags of DEVICE_FEATURE: operation bits and a feature number
};

struct FieldLayout {
  const char* name;
  uint16_t offset;  // bytes from the start of the struct
  uint8_t width;    // bytes: 1, 2, 4 or 8
  Format format;
  std::span<const BitName> names = {};
};

// What follows the fixed fields.
enum class Tail : uint8_t {
  kNone,
  kContainerInfoCaps,  // chain at cap_offset (offset 16)
  kDeviceInfoCaps,     // chain at cap_offset (offset 16)
  kRegionInfoCaps,     // chain at cap_offset (offset 12)
  kUnmapBitmap,        // VfioBitmap with UNMAP's GET_DIRTY_BITMAP
  kDirtyGet,           // range and VfioBitmap with DIRTY_PAGES' GET_BITMAP
  kIrqData,            // SET_IRQS: nothing, bytes or descriptors
  kHotResetDevices,    // dependent devices
  kHotResetFds,        // group descriptors
  kFeature,            // the feature's struct
};

struct StructLayout {
  std::string_view cmd;  // "VFIO_IOMMU_MAP_DMA"
  std::span<const FieldLayout> fields;
  Tail tail = Tail::kNone;
};

// The layout of a command's struct; null for commands without one.
const StructLayout* LayoutOf(std::string_view cmd);
// All of them, for tests.
std::span<const StructLayout> StructLayouts();

// Names of CHECK_EXTENSION and SET_IOMMU arguments, and of DEVICE_FEATURE's features.
std::span<const BitName> ExtensionNames();
std::span<const BitName> FeatureNames();

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_DECODE_TABLES_H_
