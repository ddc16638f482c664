// SPDX-License-Identifier: Apache-2.0
#include "conformance/decode_tables.h"

namespace iovalid::conformance {
namespace {

constexpr Format kHex = Format::kHex, kDec = Format::kDecimal, kInt = Format::kSigned,
                 kFlags = Format::kFlags, kEnum = Format::kEnum, kPages = Format::kPageSizes;

// --- VFIO container and group (linux/vfio.h) ---

constexpr BitName kExtensions[] = {
    {1, "VFIO_TYPE1_IOMMU"},
    {2, "VFIO_SPAPR_TCE_IOMMU"},
    {3, "VFIO_TYPE1v2_IOMMU"},
    {4, "VFIO_DMA_CC_IOMMU"},
    {5, "VFIO_EEH"},
    {6, "VFIO_TYPE1_NESTING_IOMMU"},
    {7, "VFIO_SPAPR_TCE_v2_IOMMU"},
    {8, "VFIO_NOIOMMU_IOMMU"},
    {9, "VFIO_UNMAP_ALL"},
    {10, "VFIO_UPDATE_VADDR"},
};
constexpr BitName kGroupFlags[] = {{1, "VIABLE"}, {2, "CONTAINER_SET"}};
constexpr FieldLayout kGroupStatus[] = {{"argsz", 0, 4, kDec},
                                        {"flags", 4, 4, kFlags, kGroupFlags}};

constexpr BitName kInfoFlags[] = {{1, "PGSIZES"}, {2, "CAPS"}};
constexpr FieldLayout kIommuInfo[] = {{"argsz", 0, 4, kDec},
                                      {"flags", 4, 4, kFlags, kInfoFlags},
                                      {"iova_pgsizes", 8, 8, kPages},
                                      {"cap_offset", 16, 4, kDec},
                                      {"pad", 20, 4, kHex}};

constexpr BitName kMapFlags[] = {{1, "READ"}, {2, "WRITE"}, {4, "VADDR"}};
constexpr FieldLayout kMapDma[] = {{"argsz", 0, 4, kDec},
                                   {"flags", 4, 4, kFlags, kMapFlags},
                                   {"vaddr", 8, 8, kHex},
                                   {"iova", 16, 8, kHex},
                                   {"size", 24, 8, kHex}};

constexpr BitName kUnmapFlags[] = {{1, "GET_DIRTY_BITMAP"}, {2, "ALL"}, {4, "VADDR"}};
constexpr FieldLayout kUnmapDma[] = {{"argsz", 0, 4, kDec},
                                     {"flags", 4, 4, kFlags, kUnmapFlags},
                                     {"iova", 8, 8, kHex},
                                     {"size", 16, 8, kHex}};

constexpr BitName kDirtyFlags[] = {{1, "START"}, {2, "STOP"}, {4, "GET_BITMAP"}};
constexpr FieldLayout kDirtyPages[] = {{"argsz", 0, 4, kDec}, {"flags", 4, 4, kFlags, kDirtyFlags}};

constexpr FieldLayout kSetContainer[] = {{"fd", 0, 4, kInt}};

// --- VFIO device ---

constexpr BitName kDeviceFlags[] = {{1, "RESET"},   {2, "PCI"},    {4, "PLATFORM"},
                                    {8, "AMBA"},    {16, "CCW"},   {32, "AP"},
                                    {64, "FSL_MC"}, {128, "CAPS"}, {256, "CDX"}};
constexpr FieldLayout kDeviceInfo[] = {
    {"argsz", 0, 4, kDec},     {"flags", 4, 4, kFlags, kDeviceFlags}, {"num_regions", 8, 4, kDec},
    {"num_irqs", 12, 4, kDec}, {"cap_offset", 16, 4, kDec},           {"pad", 20, 4, kHex}};

constexpr BitName kRegionFlags[] = {{1, "READ"}, {2, "WRITE"}, {4, "MMAP"}, {8, "CAPS"}};
constexpr BitName kRegionIndexes[] = {{0, "BAR0"}, {1, "BAR1"},   {2, "BAR2"},
                                      {3, "BAR3"}, {4, "BAR4"},   {5, "BAR5"},
                                      {6, "ROM"},  {7, "CONFIG"}, {8, "VGA"}};
constexpr FieldLayout kRegionInfo[] = {{"argsz", 0, 4, kDec},
                                       {"flags", 4, 4, kFlags, kRegionFlags},
                                       {"index", 8, 4, kEnum, kRegionIndexes},
                                       {"cap_offset", 12, 4, kDec},
                                       {"size", 16, 8, kHex},
                                       {"offset", 24, 8, kHex}};

constexpr BitName kIrqFlags[] = {
    {1, "EVENTFD"}, {2, "MASKABLE"}, {4, "AUTOMASKED"}, {8, "NORESIZE"}};
constexpr BitName kIrqIndexes[] = {{0, "INTX"}, {1, "MSI"}, {2, "MSIX"}, {3, "ERR"}, {4, "REQ"}};
constexpr FieldLayout kIrqInfo[] = {{"argsz", 0, 4, kDec},
                                    {"flags", 4, 4, kFlags, kIrqFlags},
                                    {"index", 8, 4, kEnum, kIrqIndexes},
                                    {"count", 12, 4, kDec}};

constexpr BitName kIrqSetFlags[] = {{1, "DATA_NONE"},      {2, "DATA_BOOL"},
                                    {4, "DATA_EVENTFD"},   {8, "ACTION_MASK"},
                                    {16, "ACTION_UNMASK"}, {32, "ACTION_TRIGGER"}};
constexpr FieldLayout kIrqSet[] = {{"argsz", 0, 4, kDec},
                                   {"flags", 4, 4, kFlags, kIrqSetFlags},
                                   {"index", 8, 4, kEnum, kIrqIndexes},
                                   {"start", 12, 4, kDec},
                                   {"count", 16, 4, kDec}};

constexpr BitName kHotResetFlags[] = {{1, "DEV_ID"}, {2, "DEV_ID_OWNED"}};
constexpr FieldLayout kHotResetInfo[] = {
    {"argsz", 0, 4, kDec}, {"flags", 4, 4, kFlags, kHotResetFlags}, {"count", 8, 4, kDec}};
constexpr FieldLayout kHotReset[] = {
    {"argsz", 0, 4, kDec}, {"flags", 4, 4, kHex}, {"count", 8, 4, kDec}};

constexpr BitName kIoeventfdFlags[] = {{1, "8"}, {2, "16"}, {4, "32"}, {8, "64"}};
constexpr FieldLayout kIoeventfd[] = {
    {"argsz", 0, 4, kDec},  {"flags", 4, 4, kFlags, kIoeventfdFlags},
    {"offset", 8, 8, kHex}, {"data", 16, 8, kHex},
    {"fd", 24, 4, kInt},    {"reserved", 28, 4, kHex}};

constexpr BitName kFeatures[] = {{0, "PCI_VF_TOKEN"},
                                 {1, "MIGRATION"},
                                 {2, "MIG_DEVICE_STATE"},
                                 {3, "LOW_POWER_ENTRY"},
                                 {4, "LOW_POWER_ENTRY_WITH_WAKEUP"},
                                 {5, "LOW_POWER_EXIT"},
                                 {6, "DMA_LOGGING_START"},
                                 {7, "DMA_LOGGING_STOP"},
                                 {8, "DMA_LOGGING_REPORT"},
                                 {9, "MIG_DATA_SIZE"},
                                 {10, "BUS_MASTER"},
                                 {11, "DMA_BUF"},
                                 {12, "MIG_PRECOPY_INFOv2"},
                                 {13, "ZPCI_ERROR"}};
constexpr FieldLayout kFeature[] = {{"argsz", 0, 4, kDec}, {"flags", 4, 4, Format::kFeature}};

constexpr BitName kTokenFlag[] = {{1, "TOKEN"}};
constexpr BitName kPasidFlag[] = {{1, "PASID"}};
constexpr FieldLayout kBind[] = {{"argsz", 0, 4, kDec},
                                 {"flags", 4, 4, kFlags, kTokenFlag},
                                 {"iommufd", 8, 4, kInt},
                                 {"out_devid", 12, 4, kDec},
                                 {"token_uuid_ptr", 16, 8, kHex}};
constexpr FieldLayout kAttach[] = {{"argsz", 0, 4, kDec},
                                   {"flags", 4, 4, kFlags, kPasidFlag},
                                   {"pt_id", 8, 4, kDec},
                                   {"pasid", 12, 4, kDec}};
constexpr FieldLayout kDetach[] = {
    {"argsz", 0, 4, kDec}, {"flags", 4, 4, kFlags, kPasidFlag}, {"pasid", 8, 4, kDec}};
constexpr FieldLayout kPrecopyInfo[] = {{"argsz", 0, 4, kDec},
                                        {"flags", 4, 4, kHex},
                                        {"initial_bytes", 8, 8, kHex},
                                        {"dirty_bytes", 16, 8, kHex}};
constexpr FieldLayout kArgszFlags[] = {{"argsz", 0, 4, kDec}, {"flags", 4, 4, kHex}};

// --- iommufd (linux/iommufd.h) ---

constexpr FieldLayout kDestroy[] = {{"size", 0, 4, kDec}, {"id", 4, 4, kDec}};
constexpr FieldLayout kIoasAlloc[] = {
    {"size", 0, 4, kDec}, {"flags", 4, 4, kHex}, {"out_ioas_id", 8, 4, kDec}};
constexpr FieldLayout kAllowIovas[] = {{"size", 0, 4, kDec},
                                       {"ioas_id", 4, 4, kDec},
                                       {"num_iovas", 8, 4, kDec},
                                       {"allowed_iovas", 16, 8, kHex}};
constexpr FieldLayout kIovaRanges[] = {{"size", 0, 4, kDec},
                                       {"ioas_id", 4, 4, kDec},
                                       {"num_iovas", 8, 4, kDec},
                                       {"allowed_iovas", 16, 8, kHex},
                                       {"out_iova_alignment", 24, 8, kHex}};
constexpr BitName kIoasMapFlags[] = {{1, "FIXED_IOVA"}, {2, "WRITEABLE"}, {4, "READABLE"}};
constexpr FieldLayout kCopy[] = {
    {"size", 0, 4, kDec},        {"flags", 4, 4, kFlags, kIoasMapFlags},
    {"dst_ioas_id", 8, 4, kDec}, {"src_ioas_id", 12, 4, kDec},
    {"length", 16, 8, kHex},     {"dst_iova", 24, 8, kHex},
    {"src_iova", 32, 8, kHex}};
constexpr FieldLayout kIoasMap[] = {{"size", 0, 4, kDec},    {"flags", 4, 4, kFlags, kIoasMapFlags},
                                    {"ioas_id", 8, 4, kDec}, {"user_va", 16, 8, kHex},
                                    {"length", 24, 8, kHex}, {"iova", 32, 8, kHex}};
constexpr FieldLayout kIoasMapFile[] = {
    {"size", 0, 4, kDec},    {"flags", 4, 4, kFlags, kIoasMapFlags},
    {"ioas_id", 8, 4, kDec}, {"fd", 12, 4, kInt},
    {"start", 16, 8, kHex},  {"length", 24, 8, kHex},
    {"iova", 32, 8, kHex}};
constexpr FieldLayout kIoasUnmap[] = {
    {"size", 0, 4, kDec}, {"ioas_id", 4, 4, kDec}, {"iova", 8, 8, kHex}, {"length", 16, 8, kHex}};
constexpr BitName kOptions[] = {{0, "RLIMIT_MODE"}, {1, "HUGE_PAGES"}};
constexpr BitName kOptionOps[] = {{0, "SET"}, {1, "GET"}};
constexpr FieldLayout kOption[] = {{"size", 0, 4, kDec},
                                   {"option_id", 4, 4, kEnum, kOptions},
                                   {"op", 8, 2, kEnum, kOptionOps},
                                   {"object_id", 12, 4, kDec},
                                   {"val64", 16, 8, kHex}};
constexpr BitName kVfioIoasOps[] = {{0, "GET"}, {1, "SET"}, {2, "CLEAR"}};
constexpr FieldLayout kVfioIoas[] = {
    {"size", 0, 4, kDec}, {"ioas_id", 4, 4, kDec}, {"op", 8, 2, kEnum, kVfioIoasOps}};
constexpr BitName kHwptFlags[] = {
    {1, "NEST_PARENT"}, {2, "DIRTY_TRACKING"}, {4, "FAULT_ID_VALID"}, {8, "PASID"}};
constexpr BitName kHwptData[] = {{0, "NONE"}, {1, "VTD_S1"}, {2, "ARM_SMMUV3"}, {3, "AMD_GUEST"}};
constexpr FieldLayout kHwptAlloc[] = {
    {"size", 0, 4, kDec},         {"flags", 4, 4, kFlags, kHwptFlags},
    {"dev_id", 8, 4, kDec},       {"pt_id", 12, 4, kDec},
    {"out_hwpt_id", 16, 4, kDec}, {"data_type", 24, 4, kEnum, kHwptData},
    {"data_len", 28, 4, kDec},    {"data_uptr", 32, 8, kHex},
    {"fault_id", 40, 4, kDec}};
constexpr BitName kHwInfoFlags[] = {{1, "INPUT_TYPE"}};
constexpr BitName kHwInfoTypes[] = {
    {0, "NONE"}, {1, "INTEL_VTD"}, {2, "ARM_SMMUV3"}, {3, "TEGRA241_CMDQV"}, {4, "AMD"}};
constexpr BitName kHwCaps[] = {{1, "DIRTY_TRACKING"},
                               {2, "PCI_PASID_EXEC"},
                               {4, "PCI_PASID_PRIV"},
                               {8, "PCI_ATS_NOT_SUPPORTED"}};
constexpr FieldLayout kHwInfo[] = {{"size", 0, 4, kDec},
                                   {"flags", 4, 4, kFlags, kHwInfoFlags},
                                   {"dev_id", 8, 4, kDec},
                                   {"data_len", 12, 4, kDec},
                                   {"data_uptr", 16, 8, kHex},
                                   {"data_type", 24, 4, kEnum, kHwInfoTypes},
                                   {"out_max_pasid_log2", 28, 1, kDec},
                                   {"out_capabilities", 32, 8, kFlags, kHwCaps}};
constexpr BitName kTrackFlags[] = {{1, "ENABLE"}};
constexpr FieldLayout kSetDirty[] = {
    {"size", 0, 4, kDec}, {"flags", 4, 4, kFlags, kTrackFlags}, {"hwpt_id", 8, 4, kDec}};
constexpr BitName kNoClear[] = {{1, "NO_CLEAR"}};
constexpr FieldLayout kGetDirty[] = {
    {"size", 0, 4, kDec},  {"hwpt_id", 4, 4, kDec}, {"flags", 8, 4, kFlags, kNoClear},
    {"iova", 16, 8, kHex}, {"length", 24, 8, kHex}, {"page_size", 32, 8, kHex},
    {"data", 40, 8, kHex}};
constexpr FieldLayout kInvalidate[] = {{"size", 0, 4, kDec},       {"hwpt_id", 4, 4, kDec},
                                       {"data_uptr", 8, 8, kHex},  {"data_type", 16, 4, kDec},
                                       {"entry_len", 20, 4, kDec}, {"entry_num", 24, 4, kDec}};
constexpr FieldLayout kFaultAlloc[] = {{"size", 0, 4, kDec},
                                       {"flags", 4, 4, kHex},
                                       {"out_fault_id", 8, 4, kDec},
                                       {"out_fault_fd", 12, 4, kInt}};
constexpr FieldLayout kViommuAlloc[] = {{"size", 0, 4, kDec},      {"flags", 4, 4, kHex},
                                        {"type", 8, 4, kDec},      {"dev_id", 12, 4, kDec},
                                        {"hwpt_id", 16, 4, kDec},  {"out_viommu_id", 20, 4, kDec},
                                        {"data_len", 24, 4, kDec}, {"data_uptr", 32, 8, kHex}};
constexpr FieldLayout kVdeviceAlloc[] = {{"size", 0, 4, kDec},
                                         {"viommu_id", 4, 4, kDec},
                                         {"dev_id", 8, 4, kDec},
                                         {"out_vdevice_id", 12, 4, kDec},
                                         {"virt_id", 16, 8, kHex}};
constexpr FieldLayout kChangeProcess[] = {{"size", 0, 4, kDec}};
constexpr FieldLayout kVeventqAlloc[] = {
    {"size", 0, 4, kDec},           {"flags", 4, 4, kHex},          {"viommu_id", 8, 4, kDec},
    {"type", 12, 4, kDec},          {"veventq_depth", 16, 4, kDec}, {"out_veventq_id", 20, 4, kDec},
    {"out_veventq_fd", 24, 4, kInt}};
constexpr FieldLayout kHwQueueAlloc[] = {{"size", 0, 4, kDec},
                                         {"flags", 4, 4, kHex},
                                         {"viommu_id", 8, 4, kDec},
                                         {"type", 12, 4, kDec},
                                         {"index", 16, 4, kDec},
                                         {"out_hw_queue_id", 20, 4, kDec},
                                         {"nesting_parent_iova", 24, 8, kHex},
                                         {"length", 32, 8, kHex}};
constexpr FieldLayout kGetPa[] = {{"size", 0, 4, kDec},    {"flags", 4, 4, kHex},
                                  {"ioas_id", 8, 4, kDec}, {"iova", 16, 8, kHex},
                                  {"length", 24, 8, kHex}, {"out_phys", 32, 8, kHex}};

constexpr StructLayout kLayouts[] = {
    {"VFIO_GROUP_GET_STATUS", kGroupStatus},
    {"VFIO_GROUP_SET_CONTAINER", kSetContainer},
    {"VFIO_IOMMU_GET_INFO", kIommuInfo, Tail::kContainerInfoCaps},
    {"VFIO_IOMMU_MAP_DMA", kMapDma},
    {"VFIO_IOMMU_UNMAP_DMA", kUnmapDma, Tail::kUnmapBitmap},
    {"VFIO_IOMMU_DIRTY_PAGES", kDirtyPages, Tail::kDirtyGet},
    {"VFIO_DEVICE_GET_INFO", kDeviceInfo, Tail::kDeviceInfoCaps},
    {"VFIO_DEVICE_GET_REGION_INFO", kRegionInfo, Tail::kRegionInfoCaps},
    {"VFIO_DEVICE_GET_IRQ_INFO", kIrqInfo},
    {"VFIO_DEVICE_SET_IRQS", kIrqSet, Tail::kIrqData},
    {"VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", kHotResetInfo, Tail::kHotResetDevices},
    {"VFIO_DEVICE_PCI_HOT_RESET", kHotReset, Tail::kHotResetFds},
    {"VFIO_DEVICE_QUERY_GFX_PLANE", kArgszFlags},
    {"VFIO_DEVICE_IOEVENTFD", kIoeventfd},
    {"VFIO_DEVICE_FEATURE", kFeature, Tail::kFeature},
    {"VFIO_DEVICE_BIND_IOMMUFD", kBind},
    {"VFIO_DEVICE_ATTACH_IOMMUFD_PT", kAttach},
    {"VFIO_DEVICE_DETACH_IOMMUFD_PT", kDetach},
    {"VFIO_MIG_GET_PRECOPY_INFO", kPrecopyInfo},
    {"IOMMU_DESTROY", kDestroy},
    {"IOMMU_IOAS_ALLOC", kIoasAlloc},
    {"IOMMU_IOAS_ALLOW_IOVAS", kAllowIovas},
    {"IOMMU_IOAS_COPY", kCopy},
    {"IOMMU_IOAS_IOVA_RANGES", kIovaRanges},
    {"IOMMU_IOAS_MAP", kIoasMap},
    {"IOMMU_IOAS_UNMAP", kIoasUnmap},
    {"IOMMU_OPTION", kOption},
    {"IOMMU_VFIO_IOAS", kVfioIoas},
    {"IOMMU_HWPT_ALLOC", kHwptAlloc},
    {"IOMMU_GET_HW_INFO", kHwInfo},
    {"IOMMU_HWPT_SET_DIRTY_TRACKING", kSetDirty},
    {"IOMMU_HWPT_GET_DIRTY_BITMAP", kGetDirty},
    {"IOMMU_HWPT_INVALIDATE", kInvalidate},
    {"IOMMU_FAULT_QUEUE_ALLOC", kFaultAlloc},
    {"IOMMU_IOAS_MAP_FILE", kIoasMapFile},
    {"IOMMU_VIOMMU_ALLOC", kViommuAlloc},
    {"IOMMU_VDEVICE_ALLOC", kVdeviceAlloc},
    {"IOMMU_IOAS_CHANGE_PROCESS", kChangeProcess},
    {"IOMMU_VEVENTQ_ALLOC", kVeventqAlloc},
    {"IOMMU_HW_QUEUE_ALLOC", kHwQueueAlloc},
    {"IOMMU_IOAS_NOIOMMU_GET_PA", kGetPa},
};

}  // namespace

const StructLayout* LayoutOf(std::string_view cmd) {
  for (const StructLayout& layout : kLayouts) {
    if (layout.cmd == cmd) return &layout;
  }
  return nullptr;
}

std::span<const StructLayout> StructLayouts() { return kLayouts; }
std::span<const BitName> ExtensionNames() { return kExtensions; }
std::span<const BitName> FeatureNames() { return kFeatures; }

}  // namespace iovalid::conformance
