// SPDX-License-Identifier: Apache-2.0
// Fault queues: eventq.c. No device here reports page faults, so a queue stays empty.
#include "compat/iommufd/native_call.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

constexpr Rule kFlags{"iommufd.fault_queue.flags", "iommufd_fault_alloc", "no flag is known"};
constexpr Rule kFile{"iommufd.fault_queue.file", "iommufd_eventq_init",
                     "no memory for the file of the queue"};
constexpr Rule kNoFd{"iommufd.fault_queue.no_fd", "iommufd_eventq_init", "no descriptor is free"};

}  // namespace

// The file of the queue is the object's second user, so that it can't be destroyed before that is
// closed, and keeps the context open.
Outcome NativeCommands::FaultQueueAlloc(const NativeCall& n, abi::IommuFaultAlloc& cmd) {
  if (cmd.flags != 0) return Fail(Errno::kOPNOTSUPP, kFlags);
  Context& context = n.context;
  Outcome outcome = context.NewObject(n.call, ObjectType::kFault, 0, &cmd.out_fault_id);
  if (!outcome.ok()) return outcome;
  if (n.call.AllocFails("alloc:eventq_file")) {
    outcome = Fail(Errno::kNOMEM, kFile);
  } else {
    ++context.objects_[cmd.out_fault_id].users;  // until ReleaseFaultQueue
    const int fd = n.files.InstallFaultQueue(cmd.out_fault_id);
    if (fd < 0) outcome = Fail(Errno::kMFILE, kNoFd);
    cmd.out_fault_fd = static_cast<uint32_t>(fd);
    if (outcome.ok()) {
      outcome = n.Respond(cmd);
      if (!outcome.ok()) n.files.RemoveFaultQueue(fd);
    }
  }
  if (!outcome.ok()) {
    Context::Core core(n.call);
    context.DestroyRecord(core, cmd.out_fault_id);
  }
  return outcome;
}

}  // namespace iovalid::compat
