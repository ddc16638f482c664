// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_IOMMUFD_CONTEXT_FILES_H_
#define IOVALID_COMPAT_IOMMUFD_CONTEXT_FILES_H_

#include <cstdint>

#include "compat/file.h"
#include "ioas/pages.h"
#include "sim/units.h"

namespace iovalid::compat {

// What a dma-buf is to iommufd (vfio_pci_dma_buf_iommufd_map).
struct DmabufView {
  uint64_t size = 0;     // bytes, of all its ranges
  uint32_t ranges = 0;   // how many it has; iommufd takes those with one
  sim::PageRun first;    // the first range: device memory
  bool revoked = false;  // nobody may map it now
};

// What the commands of /dev/iommu need of the files of the calling task.
class ContextFiles {
 public:
  virtual ~ContextFiles() = default;

  // fget without the reference. kind is kNone where `fd` is not open.
  virtual File FileOfFd(int fd) const = 0;

  // Dma-buf `index` (File::index of a kDmabuf file).
  virtual DmabufView Dmabuf(uint32_t index) const = 0;

  // get_file of what is open at `fd`: a reference for the context, whose name comes back through
  // IommufdContext::TakeReleasedFiles.
  virtual ioas::FileToken HoldFile(int fd) = 0;

  // A new descriptor for a fault queue, `object` of the context, whose file keeps the context's own
  // file open (iommufd_eventq_init). -1 where the task has none free (EMFILE);
  // ReleaseFaultQueue has run then, as for any file that is closed.
  virtual int InstallFaultQueue(uint32_t object) = 0;
  // Closes it again.
  virtual void RemoveFaultQueue(int fd) = 0;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_IOMMUFD_CONTEXT_FILES_H_
