// SPDX-License-Identifier: Apache-2.0
// The hardware alone: contexts, PASIDs, nested walks, caches that go stale, ATS and page requests.
#include "hwmodel/unit.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "hwmodel/ats_function.h"
#include "hwmodel/io_page_table.h"
#include "hwmodel/vtd_first_stage.h"

namespace iovalid::hwmodel {
namespace {

using sim::Errno;

constexpr unsigned kRw = kRead | kWrite;
constexpr uint64_t k4K = 4096;
constexpr uint64_t k2M = uint64_t{1} << 21;
constexpr SourceId kDevice = 5;
constexpr Pasid kProcess = 77;

IoPageTableConfig Format(FormatId format, unsigned levels, unsigned bits) {
  IoPageTableConfig config;
  config.format = format;
  config.levels = levels;
  config.input_bits = bits;
  return config;
}

Invalidation Forget(Invalidation::Kind kind, DomainId domain = 1, Pasid pasid = kNoPasid) {
  Invalidation what;
  what.kind = kind;
  what.domain = domain;
  what.source = kDevice;
  what.pasid = pasid;
  return what;
}

class UnitTest : public testing::Test {
 protected:
  Context Second(const IoPageTable& table, DomainId domain = 1) {
    Context context;
    context.mode = Context::Mode::kSecond;
    context.domain = domain;
    context.second = table.stage();
    return context;
  }
  Translation Ask(uint64_t address, unsigned access = kRead, Pasid pasid = kNoPasid) {
    return unit_.Translate(memory_, {kDevice, address, access, pasid});
  }
  FaultRecord LastFault() {
    FaultRecord record;
    EXPECT_TRUE(unit_.faults().Take(&record));
    return record;
  }

  TableMemory memory_;
  Unit unit_{UnitConfig{.fault_records = 8}};
  IoPageTable table_{memory_, Format(FormatId::kVtdSecondStage, 4, 48), 1};
};

TEST_F(UnitTest, UnknownBlockedAndIdentity) {
  EXPECT_EQ(Ask(0).reason, FaultReason::kContextNotPresent);
  unit_.SetContext(kDevice, Context{});
  EXPECT_EQ(Ask(0).reason, FaultReason::kBlocked);
  Context identity;
  identity.mode = Context::Mode::kIdentity;
  unit_.SetContext(kDevice, identity);  // what blocks is not cached
  const Translation t = Ask(0x123456789a, kRw);
  EXPECT_TRUE(t.ok);
  EXPECT_EQ(t.address, 0x123456789au);
  EXPECT_TRUE(Ask(0xfee00000, kWrite).interrupt);
  EXPECT_EQ(Ask(uint64_t{1} << 52).reason, FaultReason::kAddressBeyondWidth);
  EXPECT_EQ(unit_.faults().total(), 3u);
}

TEST_F(UnitTest, TheInterruptWindowIsWholePages) {
  unit_ = Unit(UnitConfig{.msi_first = 0xfee00800, .msi_last = 0xfee00801});
  ASSERT_EQ(table_.Map(memory_, 0xfedff000, 0x5000, 3 * k4K, kRw), Errno::kOk);
  unit_.SetContext(kDevice, Second(table_));
  for (int round = 0; round < 2; ++round) {  // a walk, then the IOTLB
    EXPECT_EQ(Ask(0xfedff004).bytes_left_in_run, k4K - 4);
    EXPECT_TRUE(Ask(0xfee00000).interrupt);
    EXPECT_TRUE(Ask(0xfee00fff).interrupt);
    EXPECT_EQ(Ask(0xfee01000).address, 0x7000u);
  }
}

// Where there is no window the very last byte is no interrupt either, nor does it end a run.
TEST_F(UnitTest, WithoutAWindowNothingIsAnInterrupt) {
  unit_ = Unit(UnitConfig{.host_address_bits = 64, .msi_first = 1, .msi_last = 0});
  Context identity;
  identity.mode = Context::Mode::kIdentity;
  unit_.SetContext(kDevice, identity);
  const Translation t = Ask(~uint64_t{0} - 1);
  EXPECT_TRUE(t.ok);
  EXPECT_EQ(t.bytes_left_in_run, 2u);
  EXPECT_TRUE(Ask(~uint64_t{0}).ok);
}

TEST_F(UnitTest, ContextIsStaleUntilInvalidated) {
  ASSERT_EQ(table_.Map(memory_, 0, 0x5000, k4K, kRw), Errno::kOk);
  IoPageTable other(memory_, Format(FormatId::kAmdV1, 3, 39), 2);
  ASSERT_EQ(other.Map(memory_, 0, 0x9000, k4K, kRw), Errno::kOk);
  unit_.SetContext(kDevice, Second(table_, 1));
  EXPECT_EQ(Ask(0x10).address, 0x5010u);
  unit_.SetContext(kDevice, Second(other, 2));
  EXPECT_EQ(Ask(0x10).address, 0x5010u);
  unit_.Invalidate(Forget(Invalidation::Kind::kContextsDomain, 2));  // another domain's
  EXPECT_EQ(Ask(0x10).address, 0x5010u);
  unit_.Invalidate(Forget(Invalidation::Kind::kContextOfSource));
  EXPECT_EQ(Ask(0x10).address, 0x9010u);
  unit_.ClearContext(kDevice);
  EXPECT_TRUE(Ask(0x10).ok);
  unit_.Invalidate(Forget(Invalidation::Kind::kContextsGlobal));
  EXPECT_EQ(Ask(0x10).reason, FaultReason::kContextNotPresent);
}

TEST_F(UnitTest, FaultReportsCanBeOff) {
  Context quiet = Second(table_);
  quiet.fault_reports = false;
  unit_.SetContext(kDevice, quiet);
  EXPECT_EQ(Ask(0).reason, FaultReason::kReadNotPermitted);
  EXPECT_EQ(unit_.faults().total(), 0u);
}

TEST_F(UnitTest, PasidsHaveTablesAndTagsOfTheirOwn) {
  IoPageTable first(memory_, Format(FormatId::kVtdFirstStage, 4, 48), 2);
  ASSERT_EQ(first.Map(memory_, 0x1000, 0x7000, k4K, kRead), Errno::kOk);
  ASSERT_EQ(table_.Map(memory_, 0x1000, 0x5000, k4K, kRw), Errno::kOk);
  Context device = Second(table_);
  unit_.SetContext(kDevice, device);
  EXPECT_EQ(Ask(0x1000, kRead, kProcess).reason, FaultReason::kPasidNotEnabled);
  device.pasids = true;
  unit_.SetContext(kDevice, device);
  EXPECT_EQ(Ask(0x1000, kRead, kProcess).reason, FaultReason::kPasidNotPresent);
  EXPECT_EQ(LastFault().pasid, kProcess);
  Context process;
  process.mode = Context::Mode::kFirst;
  process.domain = 1;
  process.first = first.stage();
  unit_.SetPasidContext(kDevice, kProcess, process);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Ask(0x1000, kRead, kProcess).address, 0x7000u);
    EXPECT_EQ(Ask(0x1000).address, 0x5000u);
  }
  EXPECT_EQ(unit_.iotlb().size(), 2u);
  // A request with PASID in the interrupt window is translated.
  EXPECT_EQ(Ask(0xfee00000, kWrite, kProcess).reason, FaultReason::kNotPresent);
  unit_.Invalidate(Forget(Invalidation::Kind::kIotlbPasid, 1, kProcess));
  EXPECT_EQ(unit_.iotlb().size(), 1u);
  // The PASID's context is cached too.
  unit_.ClearPasidContext(kDevice, kProcess);
  EXPECT_TRUE(Ask(0x1000, kRead, kProcess).ok);
  unit_.Invalidate(Forget(Invalidation::Kind::kPasidOfDomain, 1, kProcess));
  EXPECT_EQ(Ask(0x1000, kRead, kProcess).reason, FaultReason::kPasidNotPresent);
}

TEST_F(UnitTest, CanonicalAddressesOnly) {
  IoPageTable first(memory_, Format(FormatId::kVtdFirstStage, 4, 48), 2);
  Context context;
  context.mode = Context::Mode::kFirst;
  context.first = first.stage();
  unit_.SetContext(kDevice, context);
  EXPECT_EQ(Ask(uint64_t{1} << 47).reason, FaultReason::kAddressBeyondWidth);
  EXPECT_EQ(LastFault().stage, 1);
  EXPECT_EQ(Ask(~uint64_t{0} << 47).reason, FaultReason::kNotPresent);
}

class NestedTest : public UnitTest {
 protected:
  // The first stage's tables are frames of the same memory, at guest addresses 1 GiB higher.
  static constexpr uint64_t kGuest = uint64_t{1} << 30;

  void SetUp() override {
    ASSERT_EQ(first_.Map(memory_, 0x1000, 0x40000, k4K, kRw), Errno::kOk);
    ASSERT_EQ(first_.Map(memory_, 0x2000, 0x41000, k4K, kRead), Errno::kOk);
    ASSERT_EQ(first_.Map(memory_, 4 * k2M, 2 * k2M, k2M, kRw), Errno::kOk);
    Rebase(first_.root(), 4);
    ASSERT_EQ(table_.Map(memory_, kGuest, 0, 256 * k4K, kRw), Errno::kOk);
    ASSERT_EQ(table_.Map(memory_, 0x40000, 0x900000, k4K, kRw), Errno::kOk);
    ASSERT_EQ(table_.Map(memory_, 0x41000, 0x901000, k4K, kRw), Errno::kOk);
    ASSERT_EQ(table_.Map(memory_, 2 * k2M, 0x40000000, k2M, kRead), Errno::kOk);
    context_.mode = Context::Mode::kNested;
    context_.domain = 1;
    context_.first = first_.stage();
    context_.first.root += kGuest;
    context_.second = table_.stage();
    unit_.SetContext(kDevice, context_);
  }
  // Makes the tables refer to each other by guest addresses.
  void Rebase(uint64_t frame, unsigned level) {
    if (level == 1) return;
    for (uint64_t& entry : memory_.Mutable(static_cast<FrameId>(frame))->entry) {
      if (VtdFirstStage::KindOf(entry, level) != EntryKind::kTable) continue;
      Rebase(VtdFirstStage::TableAddress(entry) / k4K, level - 1);
      entry += kGuest;
    }
  }

  IoPageTable first_{memory_, Format(FormatId::kVtdFirstStage, 4, 48), 2};
  Context context_;
};

TEST_F(NestedTest, BothStagesCount) {
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Ask(0x1234, kRw).address, 0x900234u);
    EXPECT_EQ(Ask(0x2234).address, 0x901234u);
    EXPECT_EQ(Ask(4 * k2M + 5).address, 0x40000005u);
  }
  EXPECT_EQ(Ask(0x2234, kWrite).reason, FaultReason::kWriteNotPermitted);
  EXPECT_EQ(LastFault().stage, 1);
  EXPECT_EQ(Ask(4 * k2M, kWrite).reason, FaultReason::kWriteNotPermitted);
  EXPECT_EQ(LastFault().stage, 2);
}

TEST_F(NestedTest, SecondStageFaultOfATableIsTheSecondStages) {
  const uint64_t gone = kGuest + first_.root() * k4K;
  ASSERT_EQ(table_.Unmap(memory_, gone & ~uint64_t{0xfff}, k4K), k4K);
  EXPECT_EQ(Ask(0x1000).reason, FaultReason::kReadNotPermitted);
  const FaultRecord record = LastFault();
  EXPECT_EQ(record.stage, 2);
  EXPECT_EQ(record.page, 1u);  // the request's address, not the table's
}

TEST_F(NestedTest, SecondStageInvalidationTakesNestedEntries) {
  EXPECT_EQ(Ask(0x1000).address, 0x900000u);
  ASSERT_EQ(table_.Unmap(memory_, 0x40000, k4K), k4K);
  EXPECT_EQ(Ask(0x1000).address, 0x900000u);
  Invalidation pages = Forget(Invalidation::Kind::kIotlbRange);
  pages.address = 0x40000;
  unit_.Invalidate(pages);
  EXPECT_EQ(Ask(0x1000).reason, FaultReason::kReadNotPermitted);
  EXPECT_EQ(LastFault().stage, 2);
}

TEST_F(NestedTest, FirstStageInvalidationIsByPage) {
  EXPECT_TRUE(Ask(0x1000).ok);
  EXPECT_TRUE(Ask(0x2000).ok);
  // The last table's entries, through physical memory.
  uint64_t frame = first_.root();
  for (unsigned level = 4; level > 1; --level) {
    frame = (VtdFirstStage::TableAddress(memory_.Find(frame)->entry[0]) - kGuest) / k4K;
  }
  memory_.Mutable(static_cast<FrameId>(frame))->entry[1] = 0;
  memory_.Mutable(static_cast<FrameId>(frame))->entry[2] = 0;
  Invalidation pages = Forget(Invalidation::Kind::kIotlbPasidRange, 1, 0);
  pages.address = 0x1000;
  unit_.Invalidate(pages);
  EXPECT_EQ(Ask(0x1000).reason, FaultReason::kNotPresent);
  EXPECT_TRUE(Ask(0x2000).ok);
}

TEST_F(UnitTest, DirtyBitIsSetByTheFirstWriteOnly) {
  IoPageTableConfig config = Format(FormatId::kVtdSecondStage, 4, 48);
  config.ad = AdMode::kHardware;
  IoPageTable table(memory_, config, 3);
  ASSERT_EQ(table.Map(memory_, 0, 0, 3 * k4K, kRw), Errno::kOk);
  unit_.SetContext(kDevice, Second(table));
  const auto dirty = [&](bool clear) {
    uint64_t bytes = 0;
    table.ReadDirty(memory_, 0, ~uint64_t{0}, clear, [&](uint64_t, uint64_t n) { bytes += n; });
    return bytes;
  };
  EXPECT_TRUE(Ask(0, kRead).ok);
  EXPECT_EQ(dirty(false), 0u);
  EXPECT_TRUE(Ask(0, kWrite).ok);
  EXPECT_TRUE(Ask(k4K, kWrite).ok);
  EXPECT_EQ(dirty(true), 2 * k4K);
  // Without an invalidation the next write is not seen: a missing one shows.
  EXPECT_TRUE(Ask(0, kWrite).ok);
  EXPECT_EQ(dirty(false), 0u);
  unit_.Invalidate({});
  EXPECT_TRUE(Ask(0, kWrite).ok);
  EXPECT_EQ(dirty(false), k4K);
}

TEST_F(UnitTest, RiscvWithoutHardwareUpdatesFaultsOnAClearDirtyBit) {
  IoPageTableConfig config = Format(FormatId::kRiscvSv, 3, 39);
  config.attributes.dirty_tracking = true;
  IoPageTable table(memory_, config, 3);
  ASSERT_EQ(table.Map(memory_, 0, 0x6000, k4K, kRw), Errno::kOk);
  unit_.SetContext(kDevice, Second(table));
  EXPECT_TRUE(Ask(0, kRead).ok);
  EXPECT_EQ(Ask(0, kWrite).reason, FaultReason::kDirtyFlag);
}

TEST_F(UnitTest, AtsAndPageRequests) {
  Context context = Second(table_);
  context.second = table_.stage();
  unit_.SetContext(kDevice, context);
  AtsFunction device(kDevice);
  uint64_t address = 0;
  // Neither ATS nor PRI.
  EXPECT_EQ(device.Access(unit_, memory_, 0x1000, kRead, kNoPasid, &address),
            AtsFunction::Step::kRefused);
  EXPECT_EQ(LastFault().reason, FaultReason::kAtsBlocked);
  EXPECT_EQ(unit_.TranslatedRequest({kDevice, 0x1000, kRead}).reason, FaultReason::kAtsBlocked);
  context.ats = true;
  unit_.SetContext(kDevice, context);
  unit_.Invalidate(Forget(Invalidation::Kind::kContextOfSource));
  // No page, and no page requests: the answer is the unit's own.
  EXPECT_EQ(device.Access(unit_, memory_, 0x1000, kRead, kNoPasid, &address),
            AtsFunction::Step::kRefused);
  context.pri = true;
  unit_.SetContext(kDevice, context);
  EXPECT_EQ(device.Access(unit_, memory_, 0x1000, kWrite, kNoPasid, &address),
            AtsFunction::Step::kWaiting);
  EXPECT_EQ(device.Access(unit_, memory_, 0x1000, kWrite, kNoPasid, &address),
            AtsFunction::Step::kWaiting);
  PageRequest request;
  ASSERT_TRUE(unit_.page_requests().Take(&request));
  EXPECT_EQ(request, (PageRequest{kDevice, kNoPasid, 0x1000, kWrite, request.group, true}));
  EXPECT_FALSE(unit_.page_requests().Take(&request));
  ASSERT_EQ(table_.Map(memory_, 0x1000, 0x8000, k4K, kRw), Errno::kOk);
  device.RespondToPages({kDevice, kNoPasid, request.group, PageResponse::Code::kSuccess});
  EXPECT_EQ(device.Access(unit_, memory_, 0x1004, kWrite, kNoPasid, &address),
            AtsFunction::Step::kReady);
  EXPECT_EQ(address, 0x8004u);
  EXPECT_TRUE(unit_.TranslatedRequest({kDevice, address, kWrite}).ok);
  // The device's own cache goes stale as the unit's does.
  ASSERT_EQ(table_.Unmap(memory_, 0x1000, k4K), k4K);
  unit_.Invalidate({});
  EXPECT_EQ(device.Access(unit_, memory_, 0x1004, kRead, kNoPasid, &address),
            AtsFunction::Step::kReady);
  device.InvalidateDeviceTlb(kNoPasid, 0x1000, 12);
  EXPECT_EQ(device.Access(unit_, memory_, 0x1004, kRead, kNoPasid, &address),
            AtsFunction::Step::kWaiting);
  ASSERT_TRUE(unit_.page_requests().Take(&request));
  device.RespondToPages({kDevice, kNoPasid, request.group, PageResponse::Code::kInvalid});
  EXPECT_EQ(device.Access(unit_, memory_, 0x1004, kRead, kNoPasid, &address),
            AtsFunction::Step::kRefused);
  EXPECT_EQ(unit_.faults().total(), 2u);  // recoverable ones are not recorded
}

TEST_F(UnitTest, PageRequestOverflowIsAnsweredByTheUnit) {
  Unit unit(UnitConfig{.page_requests = 2});
  Context context = Second(table_);
  context.ats = context.pri = true;
  unit.SetContext(kDevice, context);
  PageResponse answer;
  bool answered = false;
  for (uint16_t group = 0; group < 2; ++group) {
    EXPECT_TRUE(unit.RequestPage({kDevice, kNoPasid, 0, kRead, group, true}, &answer, &answered));
  }
  EXPECT_FALSE(unit.RequestPage({kDevice, kNoPasid, 0, kRead, 7, true}, &answer, &answered));
  EXPECT_TRUE(answered);
  EXPECT_EQ(answer, (PageResponse{kDevice, kNoPasid, 7, PageResponse::Code::kSuccess}));
  EXPECT_FALSE(unit.RequestPage({kDevice, kNoPasid, 0, kRead, 8, false}, &answer, &answered));
  EXPECT_FALSE(answered);  // not the last of its group
  PageRequest taken;
  EXPECT_TRUE(unit.page_requests().Take(&taken));
  EXPECT_TRUE(unit.page_requests().overflow());
  EXPECT_FALSE(unit.RequestPage({kDevice, kNoPasid, 0, kRead, 9, true}, &answer, &answered));
  unit.page_requests().ClearOverflow();
  EXPECT_TRUE(unit.RequestPage({kDevice, kNoPasid, 0, kRead, 9, true}, &answer, &answered));
}

TEST_F(UnitTest, CopiesAreIndependent) {
  ASSERT_EQ(table_.Map(memory_, 0, 0x5000, k4K, kRw), Errno::kOk);
  unit_.SetContext(kDevice, Second(table_));
  EXPECT_TRUE(Ask(0).ok);
  Unit copy = unit_;
  copy.Invalidate({});
  EXPECT_EQ(copy.iotlb().size(), 0u);
  EXPECT_EQ(unit_.iotlb().size(), 1u);
  EXPECT_EQ(unit_.walk_cache().size(), 3u);
}

}  // namespace
}  // namespace iovalid::hwmodel
