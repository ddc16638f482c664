// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_HWMODEL_FORMAT_SHAPES_H_
#define IOVALID_HWMODEL_FORMAT_SHAPES_H_

#include <string>

#include "hwmodel/format.h"

namespace iovalid::hwmodel {

// Every format with numbers of levels and widths that units have, for tests.
struct FormatShape {
  FormatId format;
  unsigned levels;
  unsigned input_bits;
};

inline constexpr FormatShape kFormatShapes[] = {
    {FormatId::kVtdSecondStage, 3, 39}, {FormatId::kVtdSecondStage, 4, 48},
    {FormatId::kVtdSecondStage, 5, 57}, {FormatId::kVtdFirstStage, 4, 48},
    {FormatId::kVtdFirstStage, 5, 57},  {FormatId::kAmdV1, 3, 39},
    {FormatId::kAmdV1, 4, 48},          {FormatId::kAmdV1, 6, 64},
    {FormatId::kArm4KStage1, 4, 48},    {FormatId::kArm4KStage1, 3, 39},
    {FormatId::kArm4KStage2, 3, 42},    {FormatId::kArm4KStage2, 4, 44},
    {FormatId::kArm16KStage1, 3, 47},   {FormatId::kArm16KStage2, 3, 40},
    {FormatId::kArm64KStage1, 3, 48},   {FormatId::kArm64KStage2, 2, 42},
    {FormatId::kRiscvSv, 3, 39},        {FormatId::kRiscvSv, 4, 48},
    {FormatId::kRiscvSv, 5, 57},        {FormatId::kRiscvGStage, 3, 41},
    {FormatId::kRiscvGStage, 4, 50},    {FormatId::kRiscvGStage, 5, 59},
    {FormatId::kMock2K, 3, 38},         {FormatId::kMock2K, 5, 56},
};

// A name that a test case can have.
inline std::string ShapeName(const FormatShape& shape) {
  std::string name(FormatName(shape.format));
  std::erase(name, '-');
  return name + "Levels" + std::to_string(shape.levels);
}

}  // namespace iovalid::hwmodel

#endif  // IOVALID_HWMODEL_FORMAT_SHAPES_H_
