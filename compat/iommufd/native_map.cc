// SPDX-License-Identifier: Apache-2.0
// Commands that map and unmap: ioas.c.
#include <algorithm>
#include <vector>

#include "compat/iommufd/access.h"
#include "compat/iommufd/native_call.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr Rule kMapFlags{"iommufd.map.flags", "iommufd_ioas_map",
                         "a flag is unknown, or a reserved field is not zero"};
constexpr Rule kMapTop{"iommufd.map.top", "iommufd_ioas_map", "the IOVA or the length is 2^64-1"};
constexpr Rule kMapRights{"iommufd.map.rights", "iommufd_ioas_map",
                          "neither READABLE nor WRITEABLE is set"};
constexpr Rule kMapFileFlags{"iommufd.map_file.flags", "iommufd_ioas_map_file",
                             "a flag is unknown"};
constexpr Rule kMapFileTop{"iommufd.map_file.top", "iommufd_ioas_map_file",
                           "the IOVA or the length is 2^64-1"};
constexpr Rule kMapFileRights{"iommufd.map_file.rights", "iommufd_ioas_map_file",
                              "neither READABLE nor WRITEABLE is set"};
constexpr Rule kMapFileBadFd{"iommufd.map_file.bad_fd", "iopt_map_file_pages",
                             "no open descriptor"};
constexpr Rule kCopyFlags{"iommufd.copy.flags", "iommufd_ioas_copy", "a flag is unknown"};
constexpr Rule kCopyTop{"iommufd.copy.top", "iommufd_ioas_copy", "an IOVA or the length is 2^64-1"};
constexpr Rule kCopyRights{"iommufd.copy.rights", "iommufd_ioas_copy",
                           "neither READABLE nor WRITEABLE is set"};
constexpr Rule kUnmapTop{"iommufd.unmap.top", "iommufd_ioas_unmap",
                         "the IOVA or the length is 2^64-1"};
constexpr Rule kUnmapNothing{"iommufd.unmap.nothing", "iommufd_ioas_unmap",
                             "nothing is mapped there"};
constexpr Rule kChangeReserved{"iommufd.change_process.reserved_field",
                               "iommufd_ioas_change_process", "a reserved field is not zero"};
constexpr Rule kChangeSource{"iommufd.change_process.source", "iommufd_ioas_change_process",
                             "a mapping is not of a file"};
constexpr Rule kGetPaUnconfigured{"iommufd.get_pa.unconfigured", "iommufd_ioas_noiommu_get_pa",
                                  "the kernel is built without CONFIG_IOMMUFD_NOIOMMU"};
constexpr Rule kGetPaRawio{"iommufd.get_pa.rawio", "iommufd_ioas_noiommu_get_pa",
                           "CAP_SYS_RAWIO is needed"};
constexpr Rule kGetPaFlags{"iommufd.get_pa.flags", "iommufd_ioas_noiommu_get_pa",
                           "a flag or a reserved field is not zero"};
constexpr Rule kGetPaLength{"iommufd.get_pa.length", "iommufd_ioas_noiommu_get_pa",
                            "the length is zero"};
constexpr Rule kGetPaTop{"iommufd.get_pa.top", "iommufd_ioas_noiommu_get_pa", "the IOVA is 2^64-1"};
constexpr Rule kGetPaUnmapped{"iommufd.get_pa.unmapped", "iopt_get_phys",
                              "nothing is mapped there"};
constexpr Rule kGetPaRevoked{"iommufd.get_pa.revoked", "iopt_get_phys",
                             "the dma-buf has been revoked"};
constexpr Rule kGetPaDomain{"iommufd.get_pa.domain", "iopt_get_phys",
                            "no device without an IOMMU is attached first"};

constexpr uint64_t kTop = ~uint64_t{0};
constexpr uint32_t kRights = abi::kIommuIoasMapReadable | abi::kIommuIoasMapWriteable;
constexpr uint32_t kFlags = abi::kIommuIoasMapFixedIova | kRights;

// conv_iommu_prot.
unsigned Rights(uint32_t flags) {
  return ((flags & abi::kIommuIoasMapReadable) != 0 ? hwmodel::kRead : 0u) |
         ((flags & abi::kIommuIoasMapWriteable) != 0 ? hwmodel::kWrite : 0u);
}

bool ChoosesIova(uint32_t flags) { return (flags & abi::kIommuIoasMapFixedIova) == 0; }

}  // namespace

// A struct that can't be written back leaves the mapping in place, here and below.
Outcome NativeCommands::Map(const NativeCall& n, abi::IommuIoasMap& cmd) {
  if ((cmd.flags & ~kFlags) != 0 || cmd.reserved != 0) return Fail(Errno::kOPNOTSUPP, kMapFlags);
  if (cmd.iova == kTop || cmd.length == kTop) return Fail(Errno::kOVERFLOW, kMapTop);
  if ((cmd.flags & kRights) == 0) return Fail(Errno::kINVAL, kMapRights);
  Context::Ioas* ioas = n.context.FindIoas(cmd.ioas_id);
  if (ioas == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  Context::Core core(n.call);
  const ioas::Result result =
      ioas->table.MapUser(core.machine, n.context.pages_,
                          {cmd.user_va, cmd.length, n.call.profile().iommufd.length_check_first,
                           n.context.mm_accounting_},
                          &cmd.iova, Rights(cmd.flags), ChoosesIova(cmd.flags));
  return result.ok() ? n.Respond(cmd) : Context::From(result);
}

Outcome NativeCommands::MapFile(const NativeCall& n, abi::IommuIoasMapFile& cmd) {
  if ((cmd.flags & ~kFlags) != 0) return Fail(Errno::kOPNOTSUPP, kMapFileFlags);
  if (cmd.iova == kTop || cmd.length == kTop) return Fail(Errno::kOVERFLOW, kMapFileTop);
  if ((cmd.flags & kRights) == 0) return Fail(Errno::kINVAL, kMapFileRights);
  Context::Ioas* ioas = n.context.FindIoas(cmd.ioas_id);
  if (ioas == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  ioas::Result result = ioas::IoPagetable::CheckFileRange(cmd.start, cmd.length);
  if (!result.ok()) return Context::From(result);
  const File file = n.files.FileOfFd(cmd.fd);
  if (file.kind == FileKind::kNone) return Fail(Errno::kBADF, kMapFileBadFd);
  Context::Core core(n.call);
  if (file.kind == FileKind::kDmabuf) {
    result = MapDmabuf(n, core, *ioas, file.index, cmd);
    return result.ok() ? n.Respond(cmd) : Context::From(result);
  }
  // Any file will do until its pages are pinned; only a memfd has some then. A device or the
  // iommufd itself, mapped here, is never closed: each holds the other.
  const uint32_t object = file.kind == FileKind::kMemfd ? file.index : ~uint32_t{0};
  result = ioas->table.MapFile(core.machine, n.context.pages_, {object, n.files.HoldFile(cmd.fd)},
                               cmd.start, cmd.length, n.context.mm_accounting_, &cmd.iova,
                               Rights(cmd.flags), ChoosesIova(cmd.flags));
  return result.ok() ? n.Respond(cmd) : Context::From(result);
}

ioas::Result NativeCommands::MapDmabuf(const NativeCall& n, Context::Core& core,
                                       Context::Ioas& ioas, uint32_t dmabuf,
                                       abi::IommuIoasMapFile& cmd) {
  const DmabufView view = n.files.Dmabuf(dmabuf);
  return ioas.table.MapDmabuf(
      core.machine, n.context.pages_,
      {dmabuf, n.files.HoldFile(cmd.fd), view.size, view.ranges, view.first.first, view.revoked},
      cmd.start, cmd.length, &cmd.iova, Rights(cmd.flags), ChoosesIova(cmd.flags));
}

Outcome NativeCommands::Copy(const NativeCall& n, abi::IommuIoasCopy& cmd) {
  if ((cmd.flags & ~kFlags) != 0) return Fail(Errno::kOPNOTSUPP, kCopyFlags);
  if (cmd.length == kTop || cmd.src_iova == kTop || cmd.dst_iova == kTop) {
    return Fail(Errno::kOVERFLOW, kCopyTop);
  }
  if ((cmd.flags & kRights) == 0) return Fail(Errno::kINVAL, kCopyRights);
  const Context::Ioas* source = n.context.FindIoas(cmd.src_ioas_id);
  if (source == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  Context::Core core(n.call);
  ioas::PagesStore& pages = n.context.pages_;
  std::vector<ioas::PagesSlice> slices;
  ioas::Result result =
      source->table.GetPages(core.machine, pages, cmd.src_iova, cmd.length, &slices);
  if (!result.ok()) return Context::From(result);
  Context::Ioas* target = n.context.FindIoas(cmd.dst_ioas_id);
  if (target == nullptr) {
    for (const ioas::PagesSlice& slice : slices) pages.Unref(slice.pages);
    return Fail(Errno::kNOENT, rules::kUnknownObject);
  }
  result = target->table.MapSlices(core.machine, pages, slices, cmd.length, &cmd.dst_iova,
                                   Rights(cmd.flags), ChoosesIova(cmd.flags));
  return result.ok() ? n.Respond(cmd) : Context::From(result);
}

// On an error nothing is written, although areas may be gone.
Outcome NativeCommands::Unmap(const NativeCall& n, abi::IommuIoasUnmap& cmd) {
  Context::Ioas* ioas = n.context.FindIoas(cmd.ioas_id);
  if (ioas == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  Context::Core core(n.call);
  AccessCallbacks callbacks(n.context, core);
  core.machine.access_users = &callbacks;
  uint64_t unmapped = 0;
  ioas::Result result;
  if (cmd.iova == 0 && cmd.length == kTop) {
    result = ioas->table.UnmapAll(core.machine, n.context.pages_, &unmapped);
    if (!result.ok()) return Context::From(result);
  } else {
    if (cmd.iova == kTop || cmd.length == kTop) return Fail(Errno::kOVERFLOW, kUnmapTop);
    result = ioas->table.Unmap(core.machine, n.context.pages_, cmd.iova, cmd.length, &unmapped);
    if (!result.ok()) return Context::From(result);
    if (unmapped == 0) return Fail(Errno::kNOENT, kUnmapNothing);
  }
  cmd.length = unmapped;
  return n.Respond(cmd);
}

Outcome NativeCommands::ChangeProcess(const NativeCall& n, abi::IommuIoasChangeProcess& cmd) {
  if (cmd.reserved != 0) return Fail(Errno::kOPNOTSUPP, kChangeReserved);
  std::vector<ioas::PagesId> pages;
  bool all_files = true;
  n.context.ioases_.ForEach([&](uint32_t, const Context::Ioas& ioas) {
    const auto& areas = ioas.table.areas();
    for (auto c = areas.Begin(); c; c = areas.Next(c)) {
      const ioas::PagesId id = areas.value(c).pages;
      if (n.context.pages_.at(id).source != ioas::PagesSource::kFile) all_files = false;
      pages.push_back(id);
    }
  });
  if (!all_files) return Fail(Errno::kINVAL, kChangeSource);
  std::sort(pages.begin(), pages.end());
  pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
  Context::Core core(n.call);
  return Context::From(n.context.pages_.ChangeProcess(core.machine, pages));
}

// iopt_get_phys: asked of the domain that holds the pages, the first one, which must be of a device
// without an IOMMU. Physical addresses are numbers of simulated frames.
Outcome NativeCommands::NoiommuGetPa(const NativeCall& n, abi::IommuIoasNoiommuGetPa& cmd) {
  if (!n.call.profile().iommufd.has_noiommu_get_pa) {
    return Fail(Errno::kOPNOTSUPP, kGetPaUnconfigured);
  }
  if (!n.call.task().Capable(sim::kCapSysRawio)) return Fail(Errno::kPERM, kGetPaRawio);
  if (cmd.flags != 0 || cmd.reserved != 0) return Fail(Errno::kOPNOTSUPP, kGetPaFlags);
  if (cmd.length == 0) return Fail(Errno::kINVAL, kGetPaLength);
  if (cmd.iova == kTop) return Fail(Errno::kOVERFLOW, kGetPaTop);
  const Context::Ioas* ioas = n.context.FindIoas(cmd.ioas_id);
  if (ioas == nullptr) return Fail(Errno::kNOENT, rules::kUnknownObject);
  const auto area = ioas->table.areas().Find(cmd.iova);
  if (!area) return Fail(Errno::kNOENT, kGetPaUnmapped);
  if (n.context.pages_.at(ioas->table.areas().value(area).pages).revoked) {
    return Fail(Errno::kINVAL, kGetPaRevoked);
  }
  const hwmodel::Iommu& iommu = n.call.kernel.iommu;
  if (ioas->table.domains().empty() || !iommu.software(ioas->table.domains().front())) {
    return Fail(Errno::kOPNOTSUPP, kGetPaDomain);
  }
  const uint64_t offset = cmd.iova & (sim::kPageSize - 1);
  const uint64_t bytes = std::min(cmd.length, ioas->table.areas().last(area) - cmd.iova + 1);
  const hwmodel::Iommu::Run run =
      iommu.Lookup(ioas->table.domains().front(), cmd.iova - offset,
                   (offset + bytes + sim::kPageSize - 1) >> sim::kPageShift);
  cmd.out_phys = (run.first << sim::kPageShift) + offset;
  cmd.length = std::min(bytes, (run.pages << sim::kPageShift) - offset);
  return n.Respond(cmd);
}

}  // namespace iovalid::compat
