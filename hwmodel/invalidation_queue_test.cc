// SPDX-License-Identifier: Apache-2.0
#include "hwmodel/invalidation_queue.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "hwmodel/io_page_table.h"

namespace iovalid::hwmodel {
namespace {

constexpr uint64_t k4K = 4096;

class Device final : public AtsDevice {
 public:
  struct Forgotten {
    Pasid pasid;
    uint64_t address;
    unsigned size_log2;
    friend bool operator==(const Forgotten&, const Forgotten&) = default;
  };
  bool InvalidateDeviceTlb(Pasid pasid, uint64_t address, unsigned size_log2) override {
    forgotten.push_back({pasid, address, size_log2});
    return answers;
  }
  void RespondToPages(const PageResponse& response) override { responses.push_back(response); }

  bool answers = true;
  std::vector<Forgotten> forgotten;
  std::vector<PageResponse> responses;
};

class Bus final : public AtsBus {
 public:
  AtsDevice* Find(SourceId source) override { return source == 3 ? &device : nullptr; }
  Device device;
};

class InvalidationQueueTest : public testing::Test {
 protected:
  InvalidationQueueTest() {
    EXPECT_EQ(table_.Map(memory_, 0, 0x100000, 16 * k4K, kRead | kWrite), sim::Errno::kOk);
    Context context;
    context.mode = Context::Mode::kSecond;
    context.domain = 9;
    context.second = table_.stage();
    unit_.SetContext(3, context);
    for (uint64_t page = 0; page < 16; ++page) {
      EXPECT_TRUE(unit_.Translate(memory_, {3, page * k4K, kRead, kNoPasid}).ok);
    }
  }
  // Writes one descriptor behind the others and the tail register.
  void Submit(uint64_t low, uint64_t high = 0) {
    uint64_t* words = memory_.MutableWords(ring_);
    words[at_ / 8] = low;
    words[at_ / 8 + 1] = high;
    at_ = (at_ + 16) % 4096;
    queue_.WriteTail(at_, unit_, memory_, &bus_);
  }
  uint64_t Word(FrameId frame, unsigned index) { return memory_.Find(frame)->entry[index]; }

  TableMemory memory_;
  Unit unit_{UnitConfig{}};
  IoPageTable table_{memory_, IoPageTableConfig{}, 1};
  FrameId ring_ = memory_.Allocate(2);
  FrameId status_ = memory_.Allocate(2);
  InvalidationQueue queue_{uint64_t{ring_} << 12, 0, /*wide=*/false};
  Bus bus_;
  uint64_t at_ = 0;
};

TEST_F(InvalidationQueueTest, IotlbForms) {
  ASSERT_EQ(unit_.iotlb().size(), 16u);
  Submit(0x2 | 3 << 4 | 9 << 16, 4 * k4K | 1);  // two pages
  EXPECT_EQ(unit_.iotlb().size(), 14u);
  Submit(0x2 | 3 << 4 | 8 << 16, 0 | 4);  // another domain
  EXPECT_EQ(unit_.iotlb().size(), 14u);
  EXPECT_EQ(unit_.walk_cache().size(), 0u);  // the tables on the way were forgotten too
  Submit(0x2 | 2 << 4 | 9 << 16);
  EXPECT_EQ(unit_.iotlb().size(), 0u);
  EXPECT_EQ(queue_.head(), queue_.tail());
  EXPECT_FALSE(queue_.error());
}

TEST_F(InvalidationQueueTest, HintKeepsTheTables) {
  Submit(0x2 | 3 << 4 | 9 << 16, 4 * k4K | 1 << 6);
  EXPECT_EQ(unit_.iotlb().size(), 15u);
  EXPECT_EQ(unit_.walk_cache().size(), 3u);
  Submit(0x2 | 1 << 4);
  EXPECT_EQ(unit_.iotlb().size() + unit_.walk_cache().size(), 0u);
}

TEST_F(InvalidationQueueTest, ContextForms) {
  unit_.ClearContext(3);
  Submit(0x1 | 3 << 4 | uint64_t{4} << 32);
  Submit(0x1 | 2 << 4 | 8 << 16);
  EXPECT_TRUE(unit_.Translate(memory_, {3, 0, kRead, kNoPasid}).ok);
  Submit(0x1 | 3 << 4 | uint64_t{3} << 32);
  EXPECT_EQ(unit_.Translate(memory_, {3, 0, kRead, kNoPasid}).reason,
            FaultReason::kContextNotPresent);
}

TEST_F(InvalidationQueueTest, WaitWritesStatusAndInterrupts) {
  Submit(0x5 | 1 << 4 | 1 << 5 | uint64_t{0xabcd} << 32, (uint64_t{status_} << 12) + 12);
  EXPECT_EQ(Word(status_, 1), uint64_t{0xabcd} << 32);
  EXPECT_EQ(queue_.interrupts(), 1u);
  Submit(0x5 | 1 << 5 | uint64_t{0x11} << 32, (uint64_t{status_} << 12) + 8);
  EXPECT_EQ(Word(status_, 1), uint64_t{0xabcd} << 32 | 0x11);
  EXPECT_EQ(queue_.interrupts(), 1u);
}

TEST_F(InvalidationQueueTest, WaitToNowhereIsAnError) {
  Submit(0x5 | 1 << 5, uint64_t{1} << 40);
  EXPECT_TRUE(queue_.error());
}

TEST_F(InvalidationQueueTest, DeviceTlbForms) {
  Submit(0x3 | uint64_t{3} << 32, 0x7000);
  Submit(0x3 | uint64_t{3} << 32, 0x3000 | 1);  // 0b011: eight pages from 0
  Submit(0x8 | 3 << 16 | uint64_t{66} << 32, 0x8000 | 1 << 11);
  Submit(0x3 | uint64_t{3} << 32, ~uint64_t{0xfff} | 1);
  EXPECT_EQ(bus_.device.forgotten,
            (std::vector<Device::Forgotten>{
                {kNoPasid, 0x7000, 12}, {kNoPasid, 0, 15}, {66, 0x8000, 13}, {kNoPasid, 0, 64}}));
}

TEST_F(InvalidationQueueTest, SilentDeviceStopsTheWait) {
  bus_.device.answers = false;
  Submit(0x3 | uint64_t{3} << 32, 0x7000);
  EXPECT_FALSE(queue_.time_out());
  const uint64_t wait = at_;
  Submit(0x5 | 1 << 5 | uint64_t{1} << 32, uint64_t{status_} << 12);
  EXPECT_TRUE(queue_.time_out());
  EXPECT_EQ(queue_.head(), wait);
  EXPECT_EQ(Word(status_, 0), 0u);
  queue_.ClearErrors();
  queue_.WriteTail(at_, unit_, memory_, &bus_);
  EXPECT_EQ(Word(status_, 0), 1u);
}

TEST_F(InvalidationQueueTest, PageGroupResponse) {
  Submit(0x9 | 1 << 4 | 1 << 12 | 3 << 16 | uint64_t{44} << 32, 5 << 3);
  Submit(0x9 | 3 << 16, 6 << 3);
  EXPECT_EQ(bus_.device.responses,
            (std::vector<PageResponse>{{3, 44, 5, PageResponse::Code::kInvalid},
                                       {3, kNoPasid, 6, PageResponse::Code::kSuccess}}));
}

TEST_F(InvalidationQueueTest, IllegalDescriptorsStopTheQueue) {
  for (const uint64_t low : {uint64_t{0}, uint64_t{0xf}, uint64_t{0x1}, uint64_t{0x2},
                             uint64_t{0x6}, uint64_t{0x7 | 2 << 4}}) {
    const uint64_t where = queue_.head();
    Submit(low);
    EXPECT_TRUE(queue_.error()) << low;
    EXPECT_EQ(queue_.head(), where);
    // Software mends the descriptor and clears the error.
    memory_.MutableWords(ring_)[where / 8] = 0x4;
    queue_.ClearErrors();
    queue_.WriteTail(at_, unit_, memory_, &bus_);
    EXPECT_EQ(queue_.head(), at_);
  }
}

TEST_F(InvalidationQueueTest, WrapsAround) {
  for (int i = 0; i < 1000; ++i) Submit(0x4);
  EXPECT_EQ(queue_.head(), 1000u * 16 % 4096);
  EXPECT_FALSE(queue_.error());
}

TEST_F(InvalidationQueueTest, WideDescriptorsTakeTwiceTheRoom) {
  InvalidationQueue wide(uint64_t{ring_} << 12, 0, /*wide=*/true);
  uint64_t* words = memory_.MutableWords(ring_);
  words[0] = 0x4;
  words[4] = 0x2 | 1 << 4;
  wide.WriteTail(64, unit_, memory_, nullptr);
  EXPECT_EQ(wide.head(), 64u);
  EXPECT_EQ(unit_.iotlb().size(), 0u);
}

}  // namespace
}  // namespace iovalid::hwmodel
