// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_HWMODEL_H_
#define IOVALID_HWMODEL_HWMODEL_H_

// All that a program needs to embed the IOMMU model; see docs/embedding.md.
//
//   Unit               the hardware: contexts, caches, translation, faults, page requests
//   PhysicalMemory     the memory it reads; the embedder's, or a TableMemory
//   IoPageTable        a page table of any format, as a driver keeps it
//   InvalidationQueue  VT-d's ring of descriptors
//   AtsFunction        a device with ATS and PRI
//   FaultCode          a fault's number in each architecture
#include "hwmodel/ats_function.h"        // IWYU pragma: export
#include "hwmodel/fault_code.h"          // IWYU pragma: export
#include "hwmodel/invalidation_queue.h"  // IWYU pragma: export
#include "hwmodel/io_page_table.h"       // IWYU pragma: export
#include "hwmodel/table_memory.h"        // IWYU pragma: export
#include "hwmodel/unit.h"                // IWYU pragma: export

#endif  // IOVALID_HWMODEL_HWMODEL_H_
