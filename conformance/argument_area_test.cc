// SPDX-License-Identifier: Apache-2.0
#include "conformance/argument_area.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "sim/sim_memory.h"

namespace iovalid::conformance {
namespace {

constexpr uint64_t kBase = 0x70000000;

class ArgumentAreaTest : public testing::Test {
 protected:
  ArgumentAreaTest() : memory_(sim::MemoryPolicy()), area_(kBase, sim::kPageSize) {
    memory_.AddMm();
    sim::MapRequest request;
    request.addr = kBase;
    request.len = sim::kPageSize;
    request.read = request.write = true;
    std::vector<uint32_t> released;
    EXPECT_EQ(mm().Map(request, &released), sim::Errno::kOk);
    area_.FillAll(mm());
  }
  sim::SimMm& mm() { return memory_.mm(0); }
  Bytes Page() {
    Bytes bytes(sim::kPageSize);
    EXPECT_TRUE(mm().Peek(kBase, bytes.data(), bytes.size()));
    return bytes;
  }
  void KernelWrites(uint64_t addr, const Bytes& bytes) {
    ASSERT_EQ(mm().CopyOut(addr, bytes.data(), bytes.size()), bytes.size());
  }

  sim::SimMemory memory_;
  ArgumentArea area_;
  std::vector<Expectation::Spill> spill_;
};

TEST_F(ArgumentAreaTest, EveryCallFindsTheRestOfThePageFilled) {
  const Bytes first(40, 1), second(8, 2);
  area_.Clear(mm(), kBase, first.size());
  ASSERT_TRUE(area_.Place(mm(), kBase, first));
  mm().ClearWriteLog();
  KernelWrites(kBase + 100, {3, 3});
  area_.CollectSpill(mm(), kBase, first.size(), &spill_);

  area_.Clear(mm(), kBase, second.size());
  ASSERT_TRUE(area_.Place(mm(), kBase, second));
  Bytes want(sim::kPageSize, ArgumentArea::kFill);
  std::copy(second.begin(), second.end(), want.begin());
  EXPECT_EQ(Page(), want);
}

TEST_F(ArgumentAreaTest, SpillIsWhatChangedOutsideTheStructInMaximalRuns) {
  area_.Clear(mm(), kBase, 8);
  ASSERT_TRUE(area_.Place(mm(), kBase, Bytes(8, 0)));
  mm().ClearWriteLog();
  // Two writes that meet, one byte of which is what was there, and one that begins in the struct.
  KernelWrites(kBase + 20, {1, 2});
  KernelWrites(kBase + 22, {3, ArgumentArea::kFill, 4});
  KernelWrites(kBase + 4, {9, 9, 9, 9, 9});
  area_.CollectSpill(mm(), kBase, 8, &spill_);
  ASSERT_EQ(spill_.size(), 3u);
  EXPECT_EQ(spill_[0].addr, kBase + 8);
  EXPECT_EQ(spill_[0].after, (Bytes{9}));
  EXPECT_EQ(spill_[1].addr, kBase + 20);
  EXPECT_EQ(spill_[1].after, (Bytes{1, 2, 3}));
  EXPECT_EQ(spill_[2].addr, kBase + 24);
  EXPECT_EQ(spill_[2].after, (Bytes{4}));
}

TEST_F(ArgumentAreaTest, WritesElsewhereAreNoSpill) {
  sim::MapRequest request;
  request.addr = kBase + 0x10000;
  request.len = sim::kPageSize;
  request.read = request.write = true;
  std::vector<uint32_t> released;
  ASSERT_EQ(mm().Map(request, &released), sim::Errno::kOk);
  area_.Clear(mm(), 0, 0);
  mm().ClearWriteLog();
  KernelWrites(kBase + 0x10000, {1});
  area_.CollectSpill(mm(), 0, 0, &spill_);
  EXPECT_TRUE(spill_.empty());
}

TEST_F(ArgumentAreaTest, StructAcrossTheEndDoesNotFit) {
  area_.Clear(mm(), kBase + sim::kPageSize - 4, 8);
  EXPECT_FALSE(area_.Place(mm(), kBase + sim::kPageSize - 4, Bytes(8, 0)));
  EXPECT_TRUE(area_.Place(mm(), kBase + sim::kPageSize - 8, Bytes(8, 0)));
}

}  // namespace
}  // namespace iovalid::conformance
