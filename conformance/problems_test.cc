// SPDX-License-Identifier: Apache-2.0
// Problems that users reported (docs/problems.md), each as a short trace: what every mode and
// kernel answers, as traces/problems/verdicts.txt says it, and that the catalogue knows why they
// differ.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "compat/abi/vfio.h"
#include "conformance/decode.h"
#include "conformance/machine.h"
#include "conformance/replay.h"
#include "conformance/step_compiler.h"
#include "traces/errno_names.h"
#include "traces/open_any.h"

namespace iovalid::conformance {
namespace {

constexpr char kDirectory[] = "traces/problems/";
const char* const kSides[] = {"type1@6.1",   "type1@6.12", "type1@7.3",
                              "compat@6.12", "compat@7.3", "compat-node@7.3"};

std::vector<std::string> Problems() {
  std::vector<std::string> names;
  for (int n = 1; n <= 23; ++n) {
    const std::string name = "U" + std::to_string(n);
    if (std::ifstream(kDirectory + name + ".textproto").good()) names.push_back(name);
  }
  return names;
}

// "MAP_DMA=0 UNMAP_DMA=0(0x1000)": the answers from the first SET_CONTAINER on.
std::string Verdict(const std::string& name, const std::string& side) {
  auto source = traces::OpenAny(kDirectory + name + ".textproto");
  EXPECT_TRUE(source.ok()) << source.status().message();
  if (!source.ok()) return "";
  auto machine = Machine::Create((*source)->header(), *ParseSide(side));
  EXPECT_TRUE(machine.ok()) << machine.status().message();
  if (!machine.ok()) return "";
  StepCompiler compiler((*source)->header());
  std::string out;
  absl::Status read;
  for (const traces::Event& event : traces::Events(**source, &read)) {
    Step step;
    Expectation unused;
    StepResult result;
    EXPECT_TRUE(compiler.Compile(event, &step, &unused).ok());
    EXPECT_TRUE(machine->Run(step, &result).ok());
    if (!event.has_ioctl() && !event.has_open()) continue;
    std::string call = event.has_ioctl() ? event.ioctl().cmd() : event.open().path();
    for (const char* prefix : {"VFIO_IOMMU_", "VFIO_GROUP_", "VFIO_"}) {
      if (call.rfind(prefix, 0) == 0) call = call.substr(std::strlen(prefix));
    }
    out += " " + call + "=";
    if (result.err != sim::Errno::kOk) {
      out += traces::ErrnoToName(static_cast<uint32_t>(result.err));
    } else {
      out += result.returned_fd ? "fd" : std::to_string(result.ret);
    }
    const auto* ioctl = std::get_if<IoctlAction>(&step.action);
    if (ioctl == nullptr || ioctl->nr != compat::abi::kVfioIommuUnmapDma) continue;
    uint64_t size;
    const Bytes& bytes = result.out_changed ? result.out : ioctl->in;
    std::memcpy(&size, &bytes[offsetof(compat::abi::VfioIommuType1DmaUnmap, size)], sizeof(size));
    out += "(" + Hex(size) + ")";
  }
  EXPECT_TRUE(read.ok()) << read;
  return out;
}

TEST(ProblemsTest, EveryModeAndKernelAnswersAsRecorded) {
  std::map<std::string, std::string> expected;
  std::ifstream file(std::string(kDirectory) + "verdicts.txt");
  ASSERT_TRUE(file.good());
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t colon = line.find(':');
    ASSERT_NE(colon, std::string::npos) << line;
    expected[line.substr(0, colon)] = line.substr(colon + 1);
  }
  EXPECT_GE(Problems().size(), 20u);
  for (const std::string& name : Problems()) {
    for (const char* side : kSides) {
      const std::string key = name + " " + side;
      EXPECT_EQ(key + ":" + Verdict(name, side), key + ":" + expected[key]);
      expected.erase(key);
    }
  }
  EXPECT_TRUE(expected.empty()) << expected.begin()->first << " has no trace";
}

struct Silent : ReplayReporter {
  void Begin(const std::string&, const traces::Header&, const Side&, const Side&) override {}
  void Step(const Position&, const traces::Event&, Differ&, const Label&) override {}
  void End(const ReplayCounts&) override {}
};

TEST(ProblemsTest, TheCatalogueKnowsWhy) {
  for (const std::string& name : Problems()) {
    for (const char* kernel : {"6.12", "7.3"}) {
      const std::string path = kDirectory + name + ".textproto";
      auto source = traces::OpenAny(path);
      ASSERT_TRUE(source.ok()) << source.status().message();
      Silent silent;
      const auto counts = Replay(**source, path, *ParseSide("type1", kernel),
                                 *ParseSide("compat", kernel), &silent, nullptr);
      ASSERT_TRUE(counts.ok()) << counts.status().message();
      EXPECT_EQ(counts->unexplained, 0u) << name << " on " << kernel;
      EXPECT_GT(counts->differing(), 0u) << name << " on " << kernel;
    }
  }
}

}  // namespace
}  // namespace iovalid::conformance
