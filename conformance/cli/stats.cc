// SPDX-License-Identifier: Apache-2.0
// iovalid stats: what a trace consists of, as it was recorded.
#include <algorithm>
#include <bit>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "compat/abi/vfio.h"
#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "fmt/format.h"
#include "traces/errno_names.h"
#include "traces/open_any.h"

namespace iovalid::conformance::cli {
namespace {

using compat::abi::VfioIommuType1DmaMap;
using compat::abi::VfioIommuType1DmaUnmap;

constexpr char kFooter[] =
    "Counts what the recording says: calls for each command and errno, the share that succeeded, "
    "how\n"
    "many mappings a container held at most, and how large the mappings were. Mappings that an\n"
    "unmap split count as gone.\n"
    "\n"
    "Example:\n"
    "  iovalid stats traces/captures/dpdk-24.11-type1-7.3.iovt";

class Statistics {
 public:
  void Add(const traces::Event& event) {
    ++events_;
    if (event.has_sequence_begin()) {
      ++sequences_;
      live_.clear();
    }
    if (event.has_open()) Count("open", event);
    if (event.has_close()) Count("close", event);
    if (event.has_dup()) Count("dup", event);
    if (!event.has_ioctl()) return;
    const traces::Ioctl& ioctl = event.ioctl();
    Count(ioctl.cmd(), event);
    if (event.outcome().error() != 0) return;
    if (ioctl.nr() == compat::abi::kVfioIommuMapDma) Map<VfioIommuType1DmaMap>(ioctl);
    if (ioctl.nr() == compat::abi::kVfioIommuUnmapDma) Unmap(ioctl);
  }

  void Print() const {
    uint64_t calls = 0;
    uint64_t succeeded = 0;
    std::cout << fmt::format("{:<36} {:>9}  {}\n", "call", "calls", "answers");
    for (const auto& [name, answers] : calls_) {
      uint64_t count = 0;
      std::string text;
      for (const auto& [error, n] : answers) {
        count += n;
        if (error == 0) succeeded += n;
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                            error == 0 ? "ok" : traces::ErrnoToName(error), n);
      }
      calls += count;
      std::cout << fmt::format("{:<36} {:>9}  {}\n", name, count, text);
    }
    std::cout << fmt::format(
        "\nevents {}, sequences {}, calls {}, succeeded {:.1f}%\n", events_, sequences_, calls,
        calls == 0 ? 0.0 : 100.0 * static_cast<double>(succeeded) / static_cast<double>(calls));
    std::cout << fmt::format("mappings at the same time, at most: {}\n", peak_);
    if (sizes_.empty()) return;
    std::cout << "sizes of mappings\n";
    const uint64_t most =
        std::max_element(sizes_.begin(), sizes_.end(), [](const auto& a, const auto& b) {
          return a.second < b.second;
        })->second;
    for (const auto& [log2, n] : sizes_) {
      const size_t bar = static_cast<size_t>(40 * n / most);
      std::cout << fmt::format("  from 2^{:<2} bytes {:>9}  {}\n", log2, n,
                               std::string(std::max<size_t>(bar, 1), '#'));
    }
  }

 private:
  void Count(const std::string& name, const traces::Event& event) {
    ++calls_[name][event.outcome().error()];
  }

  template <typename T>
  static bool Argument(const traces::Ioctl& ioctl, T* arg) {
    if (ioctl.in().size() < sizeof(T)) return false;
    std::memcpy(arg, ioctl.in().data(), sizeof(T));
    return true;
  }

  template <typename T>
  void Map(const traces::Ioctl& ioctl) {
    T map;
    if (!Argument(ioctl, &map) || map.size == 0 || (map.flags & 4) != 0) return;
    ++sizes_[static_cast<unsigned>(std::bit_width(map.size)) - 1];
    live_[ioctl.fd()][map.iova] = map.size;
    size_t total = 0;
    for (const auto& [fd, mappings] : live_) total += mappings.size();
    peak_ = std::max(peak_, total);
  }

  void Unmap(const traces::Ioctl& ioctl) {
    VfioIommuType1DmaUnmap unmap;
    if (!Argument(ioctl, &unmap) || (unmap.flags & 4) != 0) return;
    auto& mappings = live_[ioctl.fd()];
    if ((unmap.flags & 2) != 0) {
      mappings.clear();
      return;
    }
    const auto first = mappings.lower_bound(unmap.iova);
    const uint64_t last = unmap.iova + (unmap.size - 1);
    mappings.erase(first, last < unmap.iova ? mappings.end() : mappings.upper_bound(last));
  }

  uint64_t events_ = 0, sequences_ = 0;
  size_t peak_ = 0;
  std::map<std::string, std::map<uint32_t, uint64_t>> calls_;  // by command, then errno
  std::map<unsigned, uint64_t> sizes_;                         // by log2 of bytes
  std::map<std::string, std::map<uint64_t, uint64_t>> live_;   // by descriptor: IOVA to bytes
};

int RunStats(const std::string& path) {
  auto source = traces::OpenAny(path);
  if (!source.ok()) return Fail(source.status());
  Statistics statistics;
  absl::Status status;
  for (const traces::Event& event : traces::Events(**source, &status)) statistics.Add(event);
  if (!status.ok()) return Fail(status);
  statistics.Print();
  PrintWarnings(**source);
  return kClean;
}

}  // namespace

void AddStats(CLI::App& app, Run* run) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("stats", "Count what a trace holds.");
  command->footer(kFooter);
  command->add_option("TRACE", *path, ".iovt, golden JSONL or .textproto")->required();
  command->callback([path, run] { *run = [path] { return RunStats(*path); }; });
}

}  // namespace iovalid::conformance::cli
