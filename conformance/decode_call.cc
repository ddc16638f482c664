// SPDX-License-Identifier: Apache-2.0
// Whole events as calls; see decode.h.
#include <string>

#include "conformance/decode.h"
#include "conformance/printable.h"
#include "fmt/format.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance {
namespace {

std::string Rights(uint32_t prot) {
  std::string out;
  if (prot & 1) out += 'r';
  if (prot & 2) out += 'w';
  if (prot & 4) out += 'x';
  return out.empty() ? "none" : out;
}

const char* KindName(traces::MemoryKind kind) {
  switch (kind) {
    case traces::ANON_PRIVATE:
      return "anon-private";
    case traces::ANON_SHARED:
      return "anon-shared";
    case traces::MEMFD:
      return "memfd";
    case traces::FILE_RO:
      return "file-ro";
    case traces::FILE_PRIV:
      return "file-priv";
    case traces::FILE_RW:
      return "file-rw";
    case traces::HUGETLB:
      return "hugetlb";
    case traces::THP:
      return "thp";
    case traces::BAR:
      return "bar";
    default:
      return "unknown";
  }
}

const char* AdviceName(uint32_t advice) {
  switch (advice) {
    case 4:
      return "MADV_DONTNEED";
    case 10:
      return "MADV_DONTFORK";
    case 11:
      return "MADV_DOFORK";
    case 12:
      return "MADV_MERGEABLE";
    case 14:
      return "MADV_HUGEPAGE";
    case 15:
      return "MADV_NOHUGEPAGE";
    case 16:
      return "MADV_DONTDUMP";
    default:
      return nullptr;
  }
}

std::string Limit(int64_t bytes) { return bytes < 0 ? "unlimited" : std::to_string(bytes); }

std::string Named(const std::string& name) { return name.empty() ? "" : " as " + name; }

std::string Memory(const char* call, uint64_t addr, uint64_t len, uint32_t prot,
                   traces::MemoryKind kind, const std::string& obj, uint64_t off, bool has_region,
                   uint32_t region) {
  std::string out =
      fmt::format("{}({:#x}, {:#x}, {}, {}", call, addr, len, Rights(prot), KindName(kind));
  if (!obj.empty()) out += " " + obj;
  if (kind == traces::BAR && has_region) out += fmt::format(" region {}", region);
  if (off != 0) out += fmt::format(" +{:#x}", off);
  return out + ")";
}

std::string Decode(const traces::Event& event) {
  using traces::Event;
  switch (event.what_case()) {
    case Event::kSequenceBegin: {
      const auto& begin = event.sequence_begin();
      return fmt::format("sequence {} \"{}\" memlock={}{}{}{}", begin.seq(), begin.name(),
                         Limit(begin.rlimit_memlock()),
                         begin.cap_ipc_lock() ? "" : " without CAP_IPC_LOCK",
                         begin.dma_entry_limit() == 65535
                             ? ""
                             : fmt::format(" dma_entry_limit={}", begin.dma_entry_limit()),
                         begin.bits32() ? " 32 bits" : "");
    }
    case Event::kSequenceEnd:
      return fmt::format("end of sequence {}", event.sequence_end().seq());
    case Event::kOpen:
      return fmt::format("open(\"{}\"){}{}", event.open().path(),
                         event.open().node().empty() ? "" : " at " + event.open().node(),
                         Named(event.open().as()));
    case Event::kClose:
      return fmt::format("close({})", event.close().fd());
    case Event::kDup:
      return fmt::format("dup({}){}", event.dup().fd(), Named(event.dup().as()));
    case Event::kIoctl: {
      const traces::Ioctl& ioctl = event.ioctl();
      return fmt::format("ioctl({}, {}, {})", ioctl.fd(),
                         CommandOf(ioctl).empty() ? Hex(ioctl.nr()) : CommandName(ioctl),
                         DecodeArgument(ioctl));
    }
    case Event::kMmap: {
      const traces::Mmap& map = event.mmap();
      return Memory("mmap", map.addr(), map.len(), map.prot(), map.kind(), map.obj(), map.off(),
                    map.has_region(), map.region());
    }
    case Event::kVma: {
      const traces::Vma& map = event.vma();
      return Memory("vma", map.addr(), map.len(), map.prot(), map.kind(), map.obj(), map.off(),
                    map.has_region(), map.region());
    }
    case Event::kMunmap:
      return fmt::format("munmap({:#x}, {:#x})", event.munmap().addr(), event.munmap().len());
    case Event::kMprotect:
      return fmt::format("mprotect({:#x}, {:#x}, {})", event.mprotect().addr(),
                         event.mprotect().len(), Rights(event.mprotect().prot()));
    case Event::kMremap:
      return fmt::format("mremap({:#x}, {:#x}, {:#x}) to {:#x}", event.mremap().addr(),
                         event.mremap().old_len(), event.mremap().new_len(),
                         event.mremap().new_addr());
    case Event::kMlock:
      return fmt::format("{}({:#x}, {:#x})", event.mlock().call(), event.mlock().addr(),
                         event.mlock().len());
    case Event::kMadvise: {
      const traces::Madvise& advise = event.madvise();
      const char* name = AdviceName(advise.advice());
      return fmt::format("madvise({:#x}, {:#x}, {})", advise.addr(), advise.len(),
                         name != nullptr ? name : std::to_string(advise.advice()));
    }
    case Event::kTouch:
      return fmt::format("touch({:#x}, {:#x}, {})", event.touch().addr(), event.touch().len(),
                         event.touch().write() ? "write" : "read");
    case Event::kMemfd:
      return fmt::format("memfd_create({:#x}){}", event.memfd().size(), Named(event.memfd().as()));
    case Event::kEventfd:
      return fmt::format("eventfd(){}", Named(event.eventfd().as()));
    case Event::kFile:
      return fmt::format("file of {:#x} bytes{}", event.file().size(), Named(event.file().as()));
    case Event::kFtruncate:
      return fmt::format("ftruncate({}, {:#x})", event.ftruncate().fd(), event.ftruncate().size());
    case Event::kSetrlimit:
      return fmt::format("setrlimit(RLIMIT_MEMLOCK, {})", Limit(event.setrlimit().memlock()));
    case Event::kCapDrop:
      return fmt::format("drop CAP_{}", event.cap_drop().cap());
    case Event::kSetModuleParameter:
      return fmt::format("set {}.{} = {}", event.set_module_parameter().module(),
                         event.set_module_parameter().name(), event.set_module_parameter().value());
    case Event::kDmaView:
      return fmt::format("dma_view({})", event.dma_view().dev());
    case Event::kDeviceDma:
      return fmt::format("{} {}s {:#x} bytes at iova {:#x}", event.device_dma().dev(),
                         event.device_dma().write() ? "write" : "read", event.device_dma().len(),
                         event.device_dma().iova());
    case Event::kMdevPin:
      return fmt::format("driver of {} pins {} pages at iova {:#x}{}", event.mdev_pin().dev(),
                         event.mdev_pin().pages(), event.mdev_pin().iova(),
                         (event.mdev_pin().access() & 2) != 0 ? " for writing" : "");
    case Event::kMdevUnpin:
      return fmt::format("driver of {} unpins {} pages at iova {:#x}", event.mdev_unpin().dev(),
                         event.mdev_unpin().pages(), event.mdev_unpin().iova());
    case Event::kMdevRw:
      return fmt::format("driver of {} {} {:#x} bytes at iova {:#x}", event.mdev_rw().dev(),
                         event.mdev_rw().write() ? "writes" : "reads", event.mdev_rw().len(),
                         event.mdev_rw().iova());
    case Event::kRead:
      return fmt::format("read({}, {})", event.read().fd(), event.read().len());
    case Event::kWrite:
      return fmt::format("write({}, {} bytes)", event.write().fd(), event.write().data().size());
    case Event::kPoll:
      return fmt::format("poll({}, {:#x}, {})", event.poll().fd(), event.poll().events(),
                         event.poll().timeout());
    case Event::kFork:
      return fmt::format("fork() = task {}", event.fork().child());
    case Event::kExit:
      return fmt::format("exit({})", event.exit().status());
    case Event::kExec: {
      std::string kept;
      for (const std::string& name : event.exec().kept()) kept += (kept.empty() ? "" : ", ") + name;
      return "exec() keeping " + (kept.empty() ? "no descriptor" : kept);
    }
    case Event::kObserve:
      return fmt::format("VmLck {} kB, VmPin {} kB", event.observe().vm_lck(),
                         event.observe().vm_pin());
    case Event::kCrash:
      return fmt::format("the process died of signal {}", event.crash().sig());
    case Event::WHAT_NOT_SET:
      break;
  }
  return "event of a newer format";
}

}  // namespace

std::string DecodeCall(const traces::Event& event) { return Printable(Decode(event)); }

std::string DecodeOrigin(const traces::Header& header) {
  return Printable(header.program().empty() ? header.family() + " script" : header.program());
}

}  // namespace iovalid::conformance
