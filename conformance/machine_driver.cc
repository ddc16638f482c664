// SPDX-License-Identifier: Apache-2.0
// What the drivers of a machine's devices ask of VFIO.
#include "conformance/machine.h"

namespace iovalid::conformance {

void Machine::RunDriver(const DriverAction& driver, StepResult* result) {
  using What = DriverAction::What;
  if (driver.device >= system_.config().devices.size()) return;
  const sim::TaskId context = driver.kernel_thread ? sim::kKernelThread : task();
  switch (driver.what) {
    case What::kPin:
      Answer(system_.PinPages(context, driver.device, driver.iova, driver.pages, driver.rights,
                              &frames_),
             result);
      break;
    case What::kUnpin:
      Answer(system_.UnpinPages(context, driver.device, driver.iova, driver.pages), result);
      break;
    case What::kRead:
      result->data.resize(driver.len);
      Answer(system_.DmaRw(context, driver.device, memory_, driver.iova, result->data.data(),
                           driver.len, /*write=*/false),
             result);
      if (result->err != sim::Errno::kOk) result->data.clear();
      break;
    case What::kWrite:
      placed_ = driver.data;
      Answer(system_.DmaRw(context, driver.device, memory_, driver.iova, placed_.data(),
                           placed_.size(), /*write=*/true),
             result);
      break;
  }
}

}  // namespace iovalid::conformance
