// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_JSON_H_
#define IOVALID_CONFORMANCE_REPORT_JSON_H_

#include <ostream>
#include <string>

#include "conformance/replay.h"

namespace iovalid::conformance {

// One JSON object a line for each differing step (or each step, with `all`):
//   file           the trace; only where `with_file`
//   seq, i         the sequence and the script's step in it
//   call           "VFIO_IOMMU_MAP_DMA", "open", "close", "mmap", ...
//   left, right    ret (a number, or "fd"), errno ("0", "EFAULT"), and for ioctls with a struct
//                  out: its bytes after the call in hexadecimal, or "=" where the call left it as
//                  it was; mem and spill as in golden JSONL, where the call has them; rule: {id,
//                  function, text} of what decided, where the model names one
//   outcome_differs  ret, errno, out, mem or spill differ
//   state_differs    components whose difference is new: "mappings", "reach:dev0", ...
//   state_resolved   components that are equal again; only where there are any
//   row, class     the row of the catalogue that accounts for the difference (the most specific);
//                  null and "UNEXPLAINED" where something in it is accounted for by none:
//                  `unexplained` says what
//   consequence_of {row, i, through, rule}: the difference follows from one that step i brought
//   about rows           every row that accounts for a part: row, class, explains, consequence_of
class JsonReporter : public ReplayReporter {
 public:
  JsonReporter(std::ostream& out, bool all, bool with_file)
      : out_(out), all_(all), with_file_(with_file) {}

  void Begin(const std::string& file, const traces::Header& header, const Side& left,
             const Side& right) override;
  void Step(const Position& at, const traces::Event& event, Differ& differ,
            const Label& label) override;
  void End(const ReplayCounts& counts) override;

 private:
  std::ostream& out_;
  bool all_, with_file_;
  std::string file_;
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_REPORT_JSON_H_
