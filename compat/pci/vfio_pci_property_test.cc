// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <numeric>

#include "compat/pci/device_call.h"
#include "compat/pci/testing_device.h"

namespace iovalid::compat::pci {
namespace {

const PciProfile* const kProfiles[] = {&kPciProfile61, &kPciProfile612, &kPciProfile73};

TestEnvironment::Names OneDevice() {
  TestEnvironment::Names names;
  DeviceConfig d;
  d.name = "0";
  d.bdf = "0000:00:05.0";
  d.pci = *PciFunctionForModel("e1000e", 0, 0);
  names.devices.push_back(d);
  names.groups.push_back(1);
  return names;
}

// File offsets and lengths near the edges of BARs.
rc::Gen<uint64_t> NearPageCounts() {
  return rc::gen::map(rc::gen::pair(rc::gen::element<uint64_t>(0, 1, 1, 2, 2, 4, 32, 1u << 28),
                                    rc::gen::inRange<int64_t>(-1, 2)),
                      [](const std::pair<uint64_t, int64_t>& p) {
                        return (p.first + static_cast<uint64_t>(p.second)) << sim::kPageShift;
                      });
}

// mmap works exactly where region, alignment and end allow it, and page ids follow the offset.
RC_GTEST_PROP(ResolveMmap, AgreesWithArithmetic, ()) {
  TestMachine m(kPciProfile73, true, OneDevice());
  const PciFunction& f = m.environment.Devices()[0].pci;
  const auto index = *rc::gen::element<uint64_t>(0, 0, 1, 1, 3, 3, 2, 4, 6, 9);
  const uint64_t skew = *rc::gen::element<uint64_t>(0, 0, 0, 0, 0, 0, 0, 1, 0x800);
  const uint64_t position = (*NearPageCounts() + skew) & (RegionOffset(1) - 1);
  const uint64_t len = *NearPageCounts() - *rc::gen::element<uint64_t>(0, 0, 1, 0xfff);

  Call call = m.call();
  sim::PageId first = 0;
  const Outcome o = ResolveMmap(call, f, RegionOffset(index) + position, len, true, &first);

  using Wide = unsigned __int128;
  const Wide end = static_cast<Wide>(position) + (static_cast<Wide>(len) + 0xfff) / 0x1000 * 0x1000;
  const bool fits = index < 6 && f.bars[index].memory && position % 0x1000 == 0 && len != 0 &&
                    end <= f.bars[index].size;
  RC_CLASSIFY(fits);
  RC_ASSERT(o.ok() == fits);
  if (fits) RC_ASSERT(first == f.bars[index].first_frame + position / 0x1000);
  if (!fits) RC_ASSERT(o.err == sim::Errno::kINVAL && first == 0u);
}

// The generator above reaches both outcomes.
TEST(ResolveMmap, GeneratorReachesBothOutcomes) {
  TestMachine m(kPciProfile73, true, OneDevice());
  const PciFunction& f = m.environment.Devices()[0].pci;
  int fits = 0, fails = 0;
  for (uint64_t index = 0; index < 10; ++index) {
    for (uint64_t seed = 0; seed < 100; ++seed) {
      rc::Random random(seed);
      const uint64_t position = NearPageCounts()(random, 10).value() & (RegionOffset(1) - 1);
      const uint64_t len = NearPageCounts()(rc::Random(seed + 1000), 10).value();
      Call call = m.call();
      sim::PageId first = 0;
      (ResolveMmap(call, f, RegionOffset(index) + position, len, true, &first).ok() ? fits
                                                                                    : fails)++;
    }
  }
  EXPECT_GT(fits, 20);
  EXPECT_GT(fails, 20);
}

struct RandomCall {
  uint32_t cmd;
  std::vector<uint8_t> bytes;
};

// Arguments whose first words are plausible and whose rest is anything.
rc::Gen<RandomCall> AnyCall() {
  using rc::gen::element;
  const auto word = rc::gen::oneOf(
      element<uint32_t>(0, 1, 2, 3, 4, 5, 0x20, 0x21, 0x22, 0x24, 100, 101, 110, 0xffffffff,
                        abi::kVfioDeviceFeatureGet | 11, abi::kVfioDeviceFeatureSet | 3,
                        abi::kVfioDeviceFeatureSet | 5),
      rc::gen::arbitrary<uint32_t>());
  return rc::gen::map(rc::gen::tuple(rc::gen::inRange<uint32_t>(0x3b6a, 0x3b7a),
                                     element<uint32_t>(12, 16, 20, 24, 28, 32, 40, 64),
                                     rc::gen::container<std::vector<uint32_t>>(10, word)),
                      [](const std::tuple<uint32_t, uint32_t, std::vector<uint32_t>>& t) {
                        RandomCall c{std::get<0>(t), {}};
                        std::vector<uint32_t> words = {std::get<1>(t)};
                        words.insert(words.end(), std::get<2>(t).begin(), std::get<2>(t).end());
                        c.bytes.resize(words.size() * 4);
                        std::memcpy(c.bytes.data(), words.data(), c.bytes.size());
                        return c;
                      });
}

// Whatever a program calls: failures name a rule, the state stays within what the function has, and
// the same calls give the same answers and state.
RC_GTEST_PROP(VfioPciIoctl, StateStaysWithinTheFunction, ()) {
  const PciProfile& profile = *kProfiles[*rc::gen::inRange<size_t>(0, 3)];
  TestMachine m(profile, true, OneDevice());
  TestMachine twin(profile, true, OneDevice());
  const PciFunction& f = m.environment.Devices()[0].pci;
  const auto calls = *rc::gen::container<std::vector<RandomCall>>(30, AnyCall());
  int good = 0;
  for (const RandomCall& c : calls) {
    std::vector<uint8_t> out = c.bytes, twin_out = c.bytes;
    const VfioPciState before = m.states[0];
    const Outcome o = m.IoctlWith(0, c.cmd, out);
    const Outcome same = twin.IoctlWith(0, c.cmd, twin_out);
    RC_ASSERT(o.ret == same.ret);
    RC_ASSERT(o.err == same.err);
    RC_ASSERT(o.rule == same.rule);
    RC_ASSERT(out == twin_out);
    RC_ASSERT(m.states[0] == twin.states[0]);
    RC_ASSERT((IdentityDigest(m.states[0], 0) == IdentityDigest(before, 0)) ==
              (m.states[0] == before));
    RC_ASSERT((o.ret == -1) == !o.ok());
    RC_ASSERT(o.ok() || o.rule != nullptr);
    good += o.ok();

    const VfioPciState& s = m.states[0];
    const uint32_t vectors = IrqCount(f, profile, s.irq_type);
    RC_ASSERT(s.triggers.size() <= vectors);
    if (s.irq_type == abi::kVfioPciNumIrqs) {
      RC_ASSERT(s.triggers.empty());
    } else {
      RC_ASSERT(s.irq_type <= abi::kVfioPciMsixIrqIndex);
    }
    for (const VfioPciIoeventfd& e : s.ioeventfds) {
      RC_ASSERT(e.offset + e.width <= f.bars[e.bar].size);
    }
  }
  RC_TAG(good == 0 ? "no call succeeded" : good < 5 ? "1 to 4 calls succeeded" : "5 or more");
}

}  // namespace
}  // namespace iovalid::compat::pci
