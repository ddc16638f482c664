// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/table_walk.h"

namespace iovalid::hwmodel {

StageTables MakeStageTables(FormatId format, unsigned levels, unsigned input_bits, uint64_t root,
                            const HardwareLimits& limits, AdMode ad) {
  StageTables tables;
  tables.format = format;
  tables.levels = static_cast<uint8_t>(levels);
  tables.input_bits = static_cast<uint8_t>(input_bits);
  tables.root = root;
  tables.ad = ad;
  if (format == FormatId::kVtdFirstStage) tables.ad = AdMode::kHardware;
  tables.sign_extended = format == FormatId::kVtdFirstStage || format == FormatId::kRiscvSv;
  VisitFormat(format, [&](auto f) {
    using Format = decltype(f);
    tables.shape = {Format::kGranuleLog2, Format::kIndexBits};
    tables.reserved = Format::Limits(limits);
  });
  return tables;
}

}  // namespace iovalid::hwmodel
