// SPDX-License-Identifier: Apache-2.0
// Device files that were opened as character devices: drivers/vfio/device_cdev.c.
#include <array>
#include <cstddef>

#include "compat/abi/vfio.h"
#include "compat/pci/bind_args.h"
#include "compat/system.h"

namespace iovalid::compat {

namespace {

using sim::Errno;

constexpr Rule kBindFault{"cdev.bind.fault", "vfio_df_ioctl_bind_iommufd",
                          "the token can't be read or the id can't be written"};
constexpr Rule kBindGroupOpen{"cdev.bind.group_open", "vfio_device_block_group",
                              "the device's group is open"};
constexpr Rule kBindTwice{"cdev.bind.twice", "vfio_df_ioctl_bind_iommufd",
                          "the file is bound already"};
constexpr Rule kBindToken{"cdev.bind.token", "vfio_pci_validate_vf_token",
                          "a VF token for a device without one"};
constexpr Rule kBindBadFd{"cdev.bind.bad_fd", "iommufd_ctx_from_fd",
                          "iommufd is not an open descriptor"};
constexpr Rule kBindForeign{"cdev.bind.foreign", "iommufd_ctx_from_fd",
                            "the descriptor is no iommufd"};
constexpr Rule kBindOpen{"cdev.bind.open", "vfio_df_open", "the device is open already"};
constexpr Rule kPtFault{"cdev.attach.fault", "vfio_df_ioctl_attach_pt",
                        "the argument can't be read or written"};
constexpr Rule kPtArgsz{"cdev.attach.argsz", "vfio_df_ioctl_attach_pt",
                        "argsz is smaller than what the flags ask for"};
constexpr Rule kPtFlags{"cdev.attach.flags", "vfio_df_ioctl_attach_pt", "an unknown flag"};
constexpr Rule kPtPasid{"unmodelled.cdev.pasid", "vfio_iommufd_physical_pasid_attach_ioas",
                        "attaching a PASID is not modelled"};

constexpr uint32_t kAttachMinBytes = 12;
constexpr uint32_t kDetachMinBytes = 8;
constexpr uint32_t kPasidBytes = 4;

}  // namespace

Outcome System::CdevBind(Call& call, DeviceFile* file, uint64_t arg) {
  abi::VfioDeviceBindIommufd bind;
  Outcome read = ReadBindArgs(call, arg, &bind);
  if (!read.ok()) return read;

  const DeviceIndex device = file->device;
  VfioGroup& group = groups_[kernel_.group_of_device[device]];
  if (group.opened_file != kNoIndex) return Fail(Errno::kBUSY, kBindGroupOpen);
  if (file->access_granted) return Fail(Errno::kINVAL, kBindTwice);
  if (bind.flags & abi::kVfioDeviceBindFlagToken) {
    // A driver without match_token_uuid does not even look.
    if (IsEmulated(device)) return Fail(Errno::kINVAL, kBindToken);
    std::array<char, 16> uuid;
    if (!call.CopyIn(bind.token_uuid_ptr, uuid.data(), uuid.size())) {
      return Fail(Errno::kFAULT, kBindFault);
    }
    return Fail(Errno::kINVAL, kBindToken);
  }
  const FileIndex iommufd = FileOf(call.task_id, bind.iommufd);
  if (iommufd == kNoIndex) return Fail(Errno::kBADF, kBindBadFd);
  if (files_[iommufd].kind != FileKind::kIommufd) return Fail(Errno::kBADFD, kBindForeign);
  if (devices_[device].open_count != 0) return Fail(Errno::kINVAL, kBindOpen);
  Outcome bound = BindIommufd(call, device, iommufd);
  if (!bound.ok()) return bound;
  ++devices_[device].open_count;
  file->iommufd = iommufd;
  const uint32_t id = devices_[device].iommufd_object;
  if (!call.CopyOut(arg + offsetof(abi::VfioDeviceBindIommufd, out_devid), &id, sizeof(id))) {
    CloseDevice(*file);
    file->iommufd = kNoIndex;
    return Fail(Errno::kFAULT, kBindFault);
  }
  GetFile(iommufd);
  file->access_granted = true;
  ++group.cdev_opens;
  return Ok();
}

Outcome System::CdevAttach(Call& call, const DeviceFile& file, uint64_t arg) {
  const bool pasid_known = call.profile().vfio.cdev_knows_pasid;
  abi::VfioDeviceAttachIommufdPt attach{};
  if (!call.CopyIn(arg, &attach, kAttachMinBytes)) return Fail(Errno::kFAULT, kPtFault);
  if (attach.argsz < kAttachMinBytes) return Fail(Errno::kINVAL, kPtArgsz);
  if (attach.flags & ~(pasid_known ? abi::kVfioDeviceAttachPasid : 0)) {
    return Fail(Errno::kINVAL, kPtFlags);
  }
  if (attach.flags != 0) {
    if (attach.argsz < kAttachMinBytes + kPasidBytes) return Fail(Errno::kINVAL, kPtArgsz);
    return Fail(Errno::kOPNOTSUPP, kPtPasid);
  }
  const uint32_t object = devices_[file.device].iommufd_object;
  Outcome outcome = IsEmulated(file.device)
                        ? context(file.iommufd).AttachAccess(call, object, attach.pt_id)
                        : context(file.iommufd).Attach(call, object, &attach.pt_id);
  if (!outcome.ok()) return outcome;
  if (!call.CopyOut(arg + offsetof(abi::VfioDeviceAttachIommufdPt, pt_id), &attach.pt_id,
                    sizeof(attach.pt_id))) {
    DetachPt(file);
    return Fail(Errno::kFAULT, kPtFault);
  }
  return outcome;
}

Outcome System::CdevDetach(Call& call, const DeviceFile& file, uint64_t arg) {
  const bool pasid_known = call.profile().vfio.cdev_knows_pasid;
  abi::VfioDeviceDetachIommufdPt detach{};
  if (!call.CopyIn(arg, &detach, kDetachMinBytes)) return Fail(Errno::kFAULT, kPtFault);
  if (detach.argsz < kDetachMinBytes) return Fail(Errno::kINVAL, kPtArgsz);
  if (detach.flags & ~(pasid_known ? abi::kVfioDeviceDetachPasid : 0)) {
    return Fail(Errno::kINVAL, kPtFlags);
  }
  if (detach.flags != 0) {
    if (detach.argsz < kDetachMinBytes + kPasidBytes) return Fail(Errno::kINVAL, kPtArgsz);
    return Fail(Errno::kOPNOTSUPP, kPtPasid);
  }
  DetachPt(file);
  return Ok();
}

void System::DetachPt(const DeviceFile& file) {
  const uint32_t object = devices_[file.device].iommufd_object;
  if (IsEmulated(file.device)) {
    context(file.iommufd).DetachAccess(kernel_, object);
  } else {
    context(file.iommufd).Detach(kernel_, object);
  }
}

}  // namespace iovalid::compat
