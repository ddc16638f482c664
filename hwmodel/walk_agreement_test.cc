// SPDX-License-Identifier: Apache-2.0
// The hardware's walk against the naive walkers, on tables full of rubbish: loops, frames that do
// not exist, reserved bits, sizes that the format lacks. With the caches on and nothing
// invalidated, which must not show while the tables stay as they are.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "hwmodel/format_shapes.h"
#include "hwmodel/formats.h"
#include "hwmodel/io_page_table.h"
#include "hwmodel/naive_formats.h"
#include "hwmodel/naive_walk.h"
#include "hwmodel/table_memory.h"
#include "hwmodel/unit.h"
#include "sim/random.h"

#ifndef IOVALID_TRANSLATIONS
#define IOVALID_TRANSLATIONS 100000
#endif

namespace iovalid::hwmodel {
namespace {

constexpr uint64_t kTranslations = IOVALID_TRANSLATIONS;
constexpr unsigned kFramesLog2 = 6;

// Fills the frames [first, first + 2^kFramesLog2) with entries that are right, or wrong in one of
// many ways. Tables are looked for at `table_base` onwards; leaves lead below 2^leaf_bits.
template <typename Format>
void FillWithRubbish(TableMemory& memory, FrameId first, uint64_t table_base, sim::Random& random,
                     unsigned leaf_bits = 56) {
  constexpr unsigned kTableFrames = Format::kIndexBits > 9 ? 1u << (Format::kIndexBits - 9) : 1;
  constexpr unsigned kFrames = 1u << kFramesLog2;
  for (unsigned f = 0; f < kFrames; ++f) {
    for (uint64_t& entry : memory.Mutable(first + f)->entry) {
      const unsigned level = 1 + static_cast<unsigned>(random.Below(Format::kMaxLevels));
      PageAttributes attributes;
      attributes.force_snoop = random.Below(4) == 0;
      attributes.dirty_tracking = random.Below(4) == 0;
      const uint64_t bits =
          Format::Attributes(1 + static_cast<unsigned>(random.Below(3)), attributes);
      const unsigned size = Format::EntrySizeLog2(level) +
                            static_cast<unsigned>(random.Below(3) == 0 ? random.Below(9) : 0);
      const uint64_t address = random.Below(uint64_t{1} << (leaf_bits - 12)) << 12;
      const uint64_t aligned = size < 48 ? address & ~BitsBelow(size) : 0;
      switch (random.Below(16)) {
        case 0:
          entry = random.Next();
          break;
        case 1:
          entry = 0;
          break;
        case 2:
          entry = Format::MakeTable(address & ~BitsBelow(16), level);
          break;
        case 3:
        case 4:
        case 5:
          entry = Format::MakeLeaf(aligned & BitsBelow(51), level, size < 51 ? size : 50, bits);
          break;
        default:
          entry = Format::MakeTable(
              table_base + (random.Below(kFrames) & ~uint64_t{kTableFrames - 1}) * 4096,
              level < 2 ? 2 : level);
          break;
      }
      if (random.Below(8) == 0) entry ^= uint64_t{1} << random.Below(64);
    }
  }
}

// Makes every leaf one entry: rubbish makes entries of one group differ, and what is cached of a
// group then depends on who asked first.
void TakeGroupsApart(FormatId format, TableMemory& memory, FrameId first, unsigned frames) {
  for (unsigned f = 0; f < frames; ++f) {
    for (uint64_t& entry : memory.Mutable(first + f)->entry) {
      switch (format) {
        case FormatId::kVtdSecondStage:
        case FormatId::kVtdFirstStage:
          break;
        case FormatId::kAmdV1:
        case FormatId::kMock2K:
          if (AmdV1::NextLevelField(entry) == 7) entry &= ~AmdV1::kNextLevel;
          break;
        case FormatId::kRiscvSv:
        case FormatId::kRiscvGStage:
          entry &= ~RiscvSv::kNapot;
          break;
        default:
          entry &= ~ArmLpae<1, 12>::kContiguous;
      }
    }
  }
}

NaiveFault FromVtd(int reason) {
  switch (reason) {
    case 0:
      return NaiveFault::kNone;
    case 4:
      return NaiveFault::kWidth;
    case 5:
      return NaiveFault::kWrite;
    case 6:
      return NaiveFault::kRead;
    case 7:
      return NaiveFault::kNoAnswer;
  }
  return NaiveFault::kReserved;
}

NaiveFault FromModel(FaultReason reason) {
  switch (reason) {
    case FaultReason::kNone:
      return NaiveFault::kNone;
    case FaultReason::kAddressBeyondWidth:
      return NaiveFault::kWidth;
    case FaultReason::kNotPresent:
      return NaiveFault::kNotPresent;
    case FaultReason::kReadNotPermitted:
      return NaiveFault::kRead;
    case FaultReason::kWriteNotPermitted:
      return NaiveFault::kWrite;
    case FaultReason::kTableAccessError:
      return NaiveFault::kNoAnswer;
    case FaultReason::kReservedBit:
      return NaiveFault::kReserved;
    case FaultReason::kAddressSize:
      return NaiveFault::kAddressSize;
    case FaultReason::kAccessFlag:
      return NaiveFault::kAccessFlag;
    case FaultReason::kDirtyFlag:
      return NaiveFault::kDirtyFlag;
    default:
      ADD_FAILURE() << "a reason that no walk has";
      return NaiveFault::kNone;
  }
}

NaiveAnswer Naive(const FormatShape& shape, const HardwareLimits& limits, bool updates,
                  uint64_t root, const std::function<bool(uint64_t, uint64_t*)>& read,
                  uint64_t input, unsigned access) {
  const bool reads = (access & kRead) != 0;
  const bool writes = (access & kWrite) != 0;
  const bool can_2m = (limits.page_sizes >> 21 & 1) != 0;
  const bool can_1g = (limits.page_sizes >> 30 & 1) != 0;
  const int levels = static_cast<int>(shape.levels);
  const int width = static_cast<int>(shape.input_bits);
  const int host = static_cast<int>(limits.host_address_bits);
  if (shape.format == FormatId::kVtdSecondStage) {
    const NaiveUnit unit = {read, root, levels, width, host, can_2m, can_1g, limits.snoop_control};
    const NaiveWalkResult result = NaiveWalk(unit, input, reads, writes);
    return {FromVtd(result.reason), result.address, result.page_bytes};
  }
  const NaiveTables tables = {read, root, levels, width, host, can_2m, can_1g, updates};
  switch (shape.format) {
    case FormatId::kVtdFirstStage:
      return NaiveVtdFirstStage(tables, input, reads, writes);
    case FormatId::kAmdV1:
      return NaiveAmdV1(tables, 4096, input, reads, writes);
    case FormatId::kMock2K:
      return NaiveAmdV1(tables, 2048, input, reads, writes);
    case FormatId::kArm4KStage1:
      return NaiveArm(tables, 1, 4096, input, reads, writes);
    case FormatId::kArm4KStage2:
      return NaiveArm(tables, 2, 4096, input, reads, writes);
    case FormatId::kArm16KStage1:
      return NaiveArm(tables, 1, 16384, input, reads, writes);
    case FormatId::kArm16KStage2:
      return NaiveArm(tables, 2, 16384, input, reads, writes);
    case FormatId::kArm64KStage1:
      return NaiveArm(tables, 1, 65536, input, reads, writes);
    case FormatId::kArm64KStage2:
      return NaiveArm(tables, 2, 65536, input, reads, writes);
    case FormatId::kRiscvSv:
      return NaiveRiscv(tables, false, input, reads, writes);
    default:
      return NaiveRiscv(tables, true, input, reads, writes);
  }
}

HardwareLimits LimitsOf(const FormatShape& shape, sim::Random& random) {
  HardwareLimits limits;
  const bool arm =
      shape.format >= FormatId::kArm4KStage1 && shape.format <= FormatId::kArm64KStage2;
  const unsigned most = arm ? 48 : shape.format == FormatId::kMock2K ? 51 : 52;
  limits.host_address_bits = random.Below(3) == 0 ? 44 : most;
  limits.snoop_control = random.Below(2) == 0;
  if (random.Below(3) == 0) limits.page_sizes &= ~(uint64_t{1} << (random.Below(2) == 0 ? 21 : 30));
  return limits;
}

uint64_t RandomInput(unsigned bits, sim::Random& random) {
  const uint64_t input = random.Next();
  switch (random.Below(20)) {
    case 0:
      return input;
    case 1:  // sign-extended
      return bits < 64 ? input | ~BitsBelow(bits - 1) : input;
    case 2:
      return input & BitsBelow(bits / 2);
    default:
      return input & BitsBelow(bits);
  }
}

class WalkAgreementTest : public testing::TestWithParam<FormatShape> {};

TEST_P(WalkAgreementTest, NaiveWalkerSaysTheSame) {
  const FormatShape shape = GetParam();
  const uint64_t requests = kTranslations / std::size(kFormatShapes) / 40 + 1;
  std::map<NaiveFault, uint64_t> seen;
  for (uint64_t n = 0; n < 40; ++n) {
    sim::Random random(n * 64 + static_cast<uint64_t>(shape.format) * 7 + shape.levels);
    TableMemory memory;
    const FrameId base = memory.AllocateRun(0, kFramesLog2);
    VisitFormat(shape.format, [&](auto format) {
      FillWithRubbish<decltype(format)>(memory, base, uint64_t{base} << 12, random);
    });
    const bool cached = n % 4 < 2;
    if (cached) TakeGroupsApart(shape.format, memory, base, 1u << kFramesLog2);
    const HardwareLimits limits = LimitsOf(shape, random);
    const bool updates = shape.format == FormatId::kVtdFirstStage || n % 2 == 0;
    Context context;
    context.mode = Context::Mode::kSecond;
    context.second =
        MakeStageTables(shape.format, shape.levels, shape.input_bits, uint64_t{base} << 12, limits,
                        updates ? AdMode::kHardware : AdMode::kOff);
    UnitConfig config;
    config.msi_first = 1;
    config.msi_last = 0;
    config.walk_cache_sets = n % 3 == 0 ? 0 : 4;
    config.iotlb_sets_4k = 8;
    Unit unit(config);
    unit.SetContext(0, context);
    const auto read = [&memory](uint64_t address, uint64_t* word) {
      const uint64_t* words = memory.Words(address / 4096);
      if (words == nullptr) return false;
      *word = words[address % 4096 / 8];
      return true;
    };
    std::vector<uint64_t> before;
    for (uint64_t i = 0; i < requests; ++i) {
      // Now and then an address that was asked for already.
      if (before.empty() || i % 4 != 0) before.push_back(RandomInput(shape.input_bits, random));
      const uint64_t input = i % 4 == 0 ? before[random.Below(before.size())] : before.back();
      const unsigned access = 1 + static_cast<unsigned>(random.Below(3));
      if (!cached) {  // the pages; the tables stay known
        Invalidation pages;
        pages.kind = Invalidation::Kind::kIotlbRange;
        pages.size_log2 = 64;
        pages.leaf_only = true;
        unit.Invalidate(pages);
      }
      const NaiveAnswer naive =
          Naive(shape, limits, updates, uint64_t{base} << 12, read, input, access);
      const Translation model = unit.Translate(memory, {0, input, access, kNoPasid});
      ++seen[naive.fault];
      ASSERT_EQ(FromModel(model.reason), naive.fault) << "unit " << n << " input " << input;
      ASSERT_EQ(model.ok, naive.fault == NaiveFault::kNone);
      if (!model.ok) continue;
      ASSERT_EQ(model.address, naive.address) << "unit " << n << " input " << input;
      // A hit may know of a smaller page than the tables have.
      ASSERT_LE(model.bytes_left_in_run, naive.page_bytes - input % naive.page_bytes);
      ASSERT_GT(model.bytes_left_in_run, 0u);
    }
  }
  // The rubbish is of every kind.
  for (const NaiveFault fault : {NaiveFault::kNone, NaiveFault::kNoAnswer, NaiveFault::kWrite}) {
    EXPECT_GT(seen[fault], kTranslations / 100000) << static_cast<int>(fault);
  }
}

INSTANTIATE_TEST_SUITE_P(AllFormats, WalkAgreementTest, testing::ValuesIn(kFormatShapes),
                         [](const auto& info) { return ShapeName(info.param); });

struct Nest {
  FormatShape first;
  FormatShape second;
};

// Both stages full of rubbish. VT-d is not here: its first stage always writes accessed bits, which
// the naive walkers do not.
TEST(NestedAgreementTest, NaiveWalkerSaysTheSame) {
  const Nest nests[] = {
      {{FormatId::kRiscvSv, 4, 48}, {FormatId::kRiscvGStage, 4, 50}},
      {{FormatId::kRiscvSv, 3, 39}, {FormatId::kRiscvGStage, 5, 59}},
      {{FormatId::kArm4KStage1, 4, 48}, {FormatId::kArm4KStage2, 3, 42}},
      {{FormatId::kArm16KStage1, 3, 47}, {FormatId::kArm4KStage2, 4, 44}},
  };
  uint64_t translated = 0;
  uint64_t second_faults = 0;
  for (uint64_t n = 0; n < 40; ++n) {
    const Nest& nest = nests[n % std::size(nests)];
    sim::Random random(n + 1);
    TableMemory memory;
    const FrameId first_base = memory.AllocateRun(0, kFramesLog2);
    const uint64_t root = uint64_t{first_base} << 12;
    VisitFormat(nest.first.format, [&](auto format) {
      FillWithRubbish<decltype(format)>(memory, first_base, root, random, 40);
    });
    // The second stage: the first stage's tables where they seem to be, most of them writable, a
    // few places besides, and then some bits flipped.
    IoPageTableConfig table;
    table.format = nest.second.format;
    table.levels = nest.second.levels;
    table.input_bits = nest.second.input_bits;
    table.hardware.host_address_bits = 48;
    table.page_sizes = uint64_t{1} << 12 | 1u << 21 | 1u << 30;  // no groups, see TakeGroupsApart
    IoPageTable second_stage(memory, table, 7);
    for (uint64_t at = 0; at < 1u << kFramesLog2; ++at) {
      const unsigned rights = random.Below(8) == 0 ? kWrite : kRead | kWrite;
      ASSERT_EQ(second_stage.Map(memory, root + at * 4096, root + at * 4096, 4096, rights),
                sim::Errno::kOk);
    }
    for (unsigned at = 0; at < 64; ++at) {
      const uint64_t where = (random.Next() & BitsBelow(41)) & ~BitsBelow(21);
      second_stage.Map(memory, where, random.Below(1u << 20) << 21,
                       random.Below(3) == 0 ? 4096 : 1u << 21,
                       1 + static_cast<unsigned>(random.Below(3)));
    }
    // What the first stage's leaves lead to, as far as it is still free.
    for (uint64_t at = 0; at < 1u << 10; ++at) {
      second_stage.Map(memory, at << 30, (at ^ 5) << 30, 1u << 30, kRead | kWrite);
    }
    const uint64_t second_base = second_stage.root();
    for (FrameId frame = 1; frame < first_base + 200; ++frame) {
      if (memory.owner(frame) != 7 || random.Below(4) != 0) continue;
      memory.Mutable(frame)->entry[random.Below(512)] ^= uint64_t{1} << random.Below(64);
      TakeGroupsApart(nest.second.format, memory, frame, 1);
    }
    TakeGroupsApart(nest.first.format, memory, first_base, 1u << kFramesLog2);
    HardwareLimits limits;
    limits.host_address_bits = 48;
    Context context;
    context.mode = Context::Mode::kNested;
    context.first =
        MakeStageTables(nest.first.format, nest.first.levels, nest.first.input_bits, root, limits);
    context.second = MakeStageTables(nest.second.format, nest.second.levels, nest.second.input_bits,
                                     uint64_t{second_base} << 12, limits);
    UnitConfig config;
    config.msi_first = 1;
    config.msi_last = 0;
    Unit unit(config);
    unit.SetContext(0, context);
    const auto physical = [&memory](uint64_t address, uint64_t* word) {
      const uint64_t* words = memory.Words(address / 4096);
      if (words == nullptr) return false;
      *word = words[address % 4096 / 8];
      return true;
    };
    const auto second = [&](uint64_t address, unsigned access) {
      return Naive(nest.second, limits, false, uint64_t{second_base} << 12, physical, address,
                   access);
    };
    for (uint64_t i = 0; i < kTranslations / 400 + 1; ++i) {
      const uint64_t input = RandomInput(nest.first.input_bits, random);
      const unsigned access = 1 + static_cast<unsigned>(random.Below(3));
      NaiveFault table_fault = NaiveFault::kNone;
      const auto guest = [&](uint64_t address, uint64_t* word) {
        const NaiveAnswer where = second(address, kRead);
        table_fault = where.fault;
        return where.fault == NaiveFault::kNone && physical(where.address, word);
      };
      NaiveAnswer naive = Naive(nest.first, limits, false, root, guest, input, access);
      if (naive.fault == NaiveFault::kNoAnswer && table_fault != NaiveFault::kNone) {
        naive.fault = table_fault;
        ++second_faults;
      } else if (naive.fault == NaiveFault::kNone) {
        naive = second(naive.address, access);
        second_faults += naive.fault != NaiveFault::kNone;
      }
      const Translation model = unit.Translate(memory, {0, input, access, kNoPasid});
      ASSERT_EQ(FromModel(model.reason), naive.fault) << "unit " << n << " input " << input;
      if (!model.ok) continue;
      ++translated;
      ASSERT_EQ(model.address, naive.address) << "unit " << n << " input " << input;
    }
  }
  EXPECT_GT(second_faults, kTranslations / 100);
  EXPECT_GT(translated, kTranslations / 500);
}

}  // namespace
}  // namespace iovalid::hwmodel
