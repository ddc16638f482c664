// SPDX-License-Identifier: Apache-2.0
// Device calls of real kernels against the model: every answer, byte for byte. testdata/README.md
// says where the recordings come from.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "compat/pci/testing_device.h"
#include "nlohmann/json.hpp"

namespace iovalid::compat::pci {
namespace {

using Json = nlohmann::json;

std::vector<Json> ReadLines(const std::string& name) {
  const char* root = std::getenv("TEST_SRCDIR");
  std::ifstream file((root != nullptr ? std::string(root) + "/iovalid/" : std::string()) +
                     "compat/pci/testdata/" + name);
  std::vector<Json> lines;
  std::string line;
  while (std::getline(file, line)) lines.push_back(Json::parse(line));
  return lines;
}

const PciProfile& ProfileOf(const std::string& kernel) {
  if (kernel.substr(0, 4) == "6.1." || kernel == "6.1") return kPciProfile61;
  if (kernel.substr(0, 4) == "6.12") return kPciProfile612;
  return kPciProfile73;
}

uint64_t Hex(const Json& text) {
  return std::strtoull(text.get<std::string>().c_str(), nullptr, 16);
}

std::vector<uint8_t> Bytes(const Json& text) {
  const std::string raw = absl::HexStringToBytes(text.get<std::string>());
  return {raw.begin(), raw.end()};
}

std::string ToHex(const uint8_t* bytes, size_t len) {
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(bytes), len));
}

// Replays the calls of one process.
class Replay {
 public:
  Replay(const Json& header, const std::string& kernel)
      : machine_(ProfileOf(kernel), &ProfileOf(kernel) != &kPciProfile61, Names(header)) {}

  // Compares one recorded step; `expected` holds its answer.
  void Step(const Json& step, const Json& expected) {
    SCOPED_TRACE(step.dump());
    const DeviceIndex device = Device(step["dev"]);
    if (step.contains("reopen") || step.contains("close")) {
      VfioPciClose(machine_.states[device]);
      return;
    }
    if (step.contains("mmap")) {
      Call call = machine_.call();
      sim::PageId first = 0;
      const Outcome o = ResolveMmap(call, machine_.environment.Devices()[device].pci,
                                    Hex(step["mmap"]), Hex(step["len"]), true, &first);
      EXPECT_EQ(sim::ErrnoName(o.err), expected["errno"].get<std::string>());
      EXPECT_EQ(first != 0, o.ok());
      CheckRule(o);
      return;
    }
    const auto cmd = static_cast<uint32_t>(Hex(step["cmd"]));
    if (step.contains("argptr")) {
      CheckAnswer(machine_.Ioctl(device, cmd, Hex(step["argptr"])), expected);
      return;
    }
    Ioctl(device, cmd, step, expected);
  }

  size_t calls() const { return calls_; }
  const std::set<std::string>& rules() const { return rules_; }

 private:
  static TestEnvironment::Names Names(const Json& header) {
    TestEnvironment::Names names;
    for (const Json& d : header["devices"]) {
      DeviceConfig config;
      config.name = d["name"].get<std::string>();
      config.bdf = d["bdf"].get<std::string>();
      config.pci = *PciFunctionForModel(d["model"].get<std::string>(), 0,
                                        static_cast<uint32_t>(names.devices.size()));
      names.devices.push_back(config);
      names.groups.push_back(d["group"].get<uint32_t>());
    }
    return names;
  }

  DeviceIndex Device(const Json& name) const {
    const std::vector<DeviceConfig>& all = machine_.environment.Devices();
    for (DeviceIndex i = 0; i < all.size(); ++i) {
      if (all[i].name == name.get<std::string>()) return i;
    }
    ADD_FAILURE() << "no device " << name;
    return 0;
  }

  void Ioctl(DeviceIndex device, uint32_t cmd, const Json& step, const Json& expected) {
    std::vector<uint8_t> in = Bytes(step["in"]);
    std::vector<uint8_t> out = expected["out"] == "=" ? in : Bytes(expected["out"]);
    ASSERT_EQ(in.size(), out.size());
    // Descriptors are zeros in the recording; the calls leave them alone.
    for (const Json& fix : step.value("fdfix", Json::array())) {
      const int fd = machine_.environment.Fd(fix[1].get<std::string>());
      std::memcpy(in.data() + fix[0].get<size_t>(), &fd, sizeof(fd));
      std::memcpy(out.data() + fix[0].get<size_t>(), &fd, sizeof(fd));
    }
    const bool read_only = step.value("ro", false);
    const uint64_t page = read_only ? TestMachine::kReadOnlyPage : TestMachine::kPage;
    const size_t at = step.value("end", false) ? sim::kPageSize - in.size() : 0;
    machine_.mm.AddPage(page, 0xaa, !read_only);
    auto& memory = machine_.mm.Bytes(page);
    std::memcpy(memory.data() + at, in.data(), in.size());
    auto wanted = memory;
    std::memcpy(wanted.data() + at, out.data(), out.size());

    CheckAnswer(machine_.Ioctl(device, cmd, page + at), expected);
    EXPECT_EQ(ToHex(memory.data() + at, in.size()), ToHex(out.data(), out.size()));
    EXPECT_TRUE(memory == wanted) << "bytes outside the argument changed";
  }

  void CheckAnswer(const Outcome& o, const Json& expected) {
    ++calls_;
    EXPECT_EQ(sim::ErrnoName(o.err), expected["errno"].get<std::string>());
    if (expected["ret"] == "fd") {
      EXPECT_EQ(o.ret, TestEnvironment::kDmabuf);
    } else {
      EXPECT_EQ(o.ret, expected["ret"].get<int64_t>());
    }
    CheckRule(o);
  }

  void CheckRule(const Outcome& o) {
    if (o.rule != nullptr) rules_.insert(o.rule->id);
    EXPECT_TRUE(o.ok() || o.rule != nullptr) << "a failure names its rule";
  }

  TestMachine machine_;
  size_t calls_ = 0;
  std::set<std::string> rules_;
};

class RecordedEdgeCalls : public testing::TestWithParam<const char*> {};

TEST_P(RecordedEdgeCalls, Match) {
  const std::vector<Json> lines = ReadLines("edge_calls.jsonl");
  ASSERT_GT(lines.size(), 1u);
  Replay replay(lines[0], GetParam());
  for (size_t i = 1; i < lines.size(); ++i) {
    // The answers of 7.3, with what another kernel answers otherwise.
    replay.Step(lines[i], lines[i].contains(GetParam()) ? lines[i][GetParam()] : lines[i]);
  }
  EXPECT_GT(replay.calls(), 1300u);
  // The recording reaches the rules, not only the first check of each call.
  EXPECT_GT(replay.rules().size(), 50u);
}

INSTANTIATE_TEST_SUITE_P(Kernels, RecordedEdgeCalls, testing::Values("7.3", "6.12", "6.1"),
                         [](const auto& info) {
                           std::string name = info.param;
                           name[name.find('.')] = '_';
                           return "Kernel" + name;
                         });

TEST(RecordedCaptureCalls, Match) {
  std::unique_ptr<Replay> replay;
  size_t calls = 0, programs = 0;
  for (const Json& line : ReadLines("capture_calls.jsonl")) {
    if (line.contains("captures")) {
      if (replay != nullptr) calls += replay->calls();
      replay = std::make_unique<Replay>(line, line["kernel"].get<std::string>());
      programs += line["captures"].size();
      continue;
    }
    ASSERT_NE(replay, nullptr);
    replay->Step(line, line);
  }
  ASSERT_NE(replay, nullptr);
  EXPECT_EQ(programs, 18u);
  EXPECT_GT(calls + replay->calls(), 150u);
}

}  // namespace
}  // namespace iovalid::compat::pci
