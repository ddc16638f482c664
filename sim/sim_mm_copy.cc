// SPDX-License-Identifier: Apache-2.0
// Copies from and to an address space.
#include <algorithm>
#include <cstring>

#include "sim/sim_memory.h"
#include "sim/sim_mm.h"

namespace iovalid::sim {

bool SimMm::AccessOk(uint64_t addr, uint64_t len) const {
  return len <= kUserTop && addr <= kUserTop - len;
}

// Faults the page in and finds its contents. kNoSlot in `slot`: it is all zero (for reading only),
// or device memory (reads as zero, writes have no effect). With `force` the rights do not matter.
// False: the access faults.
bool SimMm::Reach(uint64_t page, bool write, bool force, uint32_t* slot) {
  Vma vma;
  uint64_t reach = page;
  const Access access = write ? Access::kWrite : Access::kRead;
  const int signal = FaultSignal(page, access, page, &vma, &reach);
  if (signal != 0 && !(force && Backed(page, &vma))) return false;
  *slot = PageContent::kNoSlot;
  if (vma.is_device()) return true;
  FaultIn(vma, PageRange{page, page}, access);
  const PageId id = space_.runs.value(space_.runs.Find(page)).Page(page);
  if (write) {
    memory_->CollectContent();
    *slot = memory_->content_.Ensure(id);
  } else {
    *slot = memory_->content_.Find(id);
  }
  if (*slot != PageContent::kNoSlot && signal == 0) {
    cached_pages_[page % kCachedPages] = CachedPage{page, *slot, write};
  }
  return true;
}

// Whether there is a mapping and, in an object, a page behind it, whatever the rights.
bool SimMm::Backed(uint64_t page, Vma* vma) const {
  const auto c = space_.vmas.Find(page);
  if (!c) return false;
  *vma = space_.vmas.value(c);
  return vma->object == kNoObject || page + vma->index_bias < memory_->objects_.pages(vma->object);
}

size_t SimMm::CopyIn(uint64_t addr, void* to, size_t len) {
  const uint64_t offset = addr % kPageSize;
  const CachedPage& cached = cached_pages_[(addr >> kPageShift) % kCachedPages];
  if (len != 0 && cached.page == addr >> kPageShift && len <= kPageSize - offset) {
    std::memcpy(to, memory_->content_.bytes(cached.slot) + offset, len);
    return len;
  }
  if (!AccessOk(addr, len)) return 0;
  return Read(addr, to, len);
}

size_t SimMm::Read(uint64_t addr, void* to, size_t len) {
  uint8_t* bytes = static_cast<uint8_t*>(to);
  size_t done = 0;
  while (done < len) {
    const uint64_t offset = (addr + done) % kPageSize;
    const size_t n = std::min<size_t>(len - done, kPageSize - offset);
    uint32_t slot;
    if (!Reach((addr + done) >> kPageShift, false, false, &slot)) break;
    if (slot == PageContent::kNoSlot) {
      std::memset(bytes + done, 0, n);
    } else {
      std::memcpy(bytes + done, memory_->content_.bytes(slot) + offset, n);
    }
    done += n;
  }
  return done;
}

size_t SimMm::Write(uint64_t addr, const void* from, size_t len, bool force) {
  const uint8_t* bytes = static_cast<const uint8_t*>(from);
  size_t done = 0;
  while (done < len) {
    const uint64_t offset = (addr + done) % kPageSize;
    const size_t n = std::min<size_t>(len - done, kPageSize - offset);
    uint32_t slot;
    if (!Reach((addr + done) >> kPageShift, true, force, &slot)) break;
    if (slot != PageContent::kNoSlot) {
      std::memcpy(memory_->content_.bytes(slot) + offset, bytes + done, n);
    }
    done += n;
  }
  return done;
}

size_t SimMm::CopyOut(uint64_t addr, const void* from, size_t len) {
  const uint64_t offset = addr % kPageSize;
  const CachedPage& cached = cached_pages_[(addr >> kPageShift) % kCachedPages];
  size_t done;
  if (len != 0 && cached.page == addr >> kPageShift && cached.writable &&
      len <= kPageSize - offset) {
    std::memcpy(memory_->content_.bytes(cached.slot) + offset, from, len);
    done = len;
  } else {
    if (!AccessOk(addr, len)) return 0;
    done = Write(addr, from, len, false);
  }
  if (done != 0) write_log_.push_back(WriteRange{addr, done});
  return done;
}

bool SimMm::Poke(uint64_t addr, const void* from, size_t len) {
  const uint64_t offset = addr % kPageSize;
  const CachedPage& cached = cached_pages_[(addr >> kPageShift) % kCachedPages];
  if (len != 0 && cached.page == addr >> kPageShift && cached.writable &&
      len <= kPageSize - offset) {
    std::memcpy(memory_->content_.bytes(cached.slot) + offset, from, len);
    return true;
  }
  return AccessOk(addr, len) && Write(addr, from, len, true) == len;
}

// Looks without faulting anything in: what a read would find is known without it.
bool SimMm::Peek(uint64_t addr, void* to, size_t len) const {
  const PageContent& content = memory_->content_;
  const uint64_t start = addr % kPageSize;
  const CachedPage& cached = cached_pages_[(addr >> kPageShift) % kCachedPages];
  if (len != 0 && cached.page == addr >> kPageShift && len <= kPageSize - start) {
    std::memcpy(to, content.bytes(cached.slot) + start, len);
    return true;
  }
  if (!AccessOk(addr, len)) return false;
  uint8_t* bytes = static_cast<uint8_t*>(to);
  for (size_t done = 0; done < len;) {
    const uint64_t page = (addr + done) >> kPageShift;
    const uint64_t offset = (addr + done) % kPageSize;
    const size_t n = std::min<size_t>(len - done, kPageSize - offset);
    Vma vma;
    if (!Backed(page, &vma)) return false;
    PageId id = kZeroPage;
    uint64_t run = 0;
    if (!PresentPage(page << kPageShift, &id) && vma.object != kNoObject) {
      id = memory_->objects_.Page(vma.object, page + vma.index_bias, &run);
    }
    const uint32_t slot = content.Find(id);
    if (slot == PageContent::kNoSlot) {
      std::memset(bytes + done, 0, n);
    } else {
      std::memcpy(bytes + done, content.bytes(slot) + offset, n);
    }
    done += n;
  }
  return true;
}

}  // namespace iovalid::sim
