// SPDX-License-Identifier: Apache-2.0
#include "conformance/outcome_text.h"

#include <span>

#include "conformance/printable.h"
#include "fmt/format.h"
#include "traces/errno_names.h"

namespace iovalid::conformance {
namespace {

std::span<const uint8_t> Span(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string ResultText(bool returned_fd, int64_t ret, uint32_t error) {
  if (error != 0) return "-1 " + traces::ErrnoToName(error);
  return returned_fd ? "fd" : std::to_string(ret);
}

// "fd d0", where the event tells the descriptor's name.
void NameFd(const traces::Event& event, Answer* answer) {
  if (answer->result == "fd" && event.has_ioctl() && !event.ioctl().retfd().empty()) {
    answer->result += " " + Printable(event.ioctl().retfd());
  }
}

void DecodeOut(const traces::Event& event, std::span<const uint8_t> out, Answer* answer) {
  if (!event.has_ioctl()) return;
  const std::string_view cmd = CommandOf(event.ioctl());
  const std::vector<NamedFd> fds = FdNames(event.ioctl());
  answer->changed = DecodeChanges(cmd, Span(event.ioctl().in()), out, fds);
  answer->after = DecodeStruct(cmd, out, fds);
}

std::string BufferText(uint64_t addr, const Bytes& bytes) {
  return fmt::format("{:#x}: {}", addr, HexBytes(bytes));
}

const DecodedStruct::Field* Find(const DecodedStruct& decoded, const std::string& name) {
  for (const DecodedStruct::Field& field : decoded.fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

}  // namespace

std::string HexBytes(const Bytes& bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

std::vector<std::string> Answer::Lines() const {
  std::vector<std::string> lines;
  DecodedStruct fields = changed;
  fields.parts.clear();
  lines.push_back("= " + result + (fields.fields.empty() ? "" : "  " + fields.ToString()));
  for (const std::string& part : changed.parts) lines.push_back(part);
  for (const std::string& buffer : memory) lines.push_back(buffer);
  return lines;
}

Answer AnswerOf(const traces::Event& event, const StepResult& result) {
  Answer answer;
  answer.result = ResultText(result.returned_fd, result.ret, static_cast<uint32_t>(result.err));
  NameFd(event, &answer);
  if (event.has_ioctl() && result.out_changed) {
    DecodeOut(event, result.out, &answer);
  } else if (event.has_ioctl()) {
    DecodeOut(event, Span(event.ioctl().in()), &answer);
  }
  for (size_t i = 0; i < result.mem.size(); ++i) {
    if (!result.mem[i].changed) continue;
    answer.memory.push_back(
        BufferText(event.ioctl().mem(static_cast<int>(i)).addr(), result.mem[i].bytes));
  }
  for (const Expectation::Spill& spill : result.spill) {
    answer.memory.push_back("beyond the struct, " + BufferText(spill.addr, spill.after));
  }
  for (const compat::UnmapNotice& notice : result.notices) {
    answer.memory.push_back(fmt::format("the driver of device {} is told: iova {:#x}, {:#x} bytes",
                                        notice.device, notice.iova, notice.length));
  }
  return answer;
}

Answer AnswerOf(const traces::Event& event, const Expectation& expected) {
  Answer answer;
  answer.result = ResultText(expected.returned_fd, expected.ret.value_or(0), expected.error);
  NameFd(event, &answer);
  if (event.has_ioctl() && expected.out_recorded && !expected.out_unchanged) {
    DecodeOut(event, expected.out, &answer);
  } else if (event.has_ioctl()) {
    DecodeOut(event, Span(event.ioctl().in()), &answer);
  }
  for (size_t i = 0; i < expected.mem.size(); ++i) {
    if (expected.mem[i].unchanged) continue;
    answer.memory.push_back(
        BufferText(event.ioctl().mem(static_cast<int>(i)).addr(), expected.mem[i].bytes));
  }
  for (const Expectation::Spill& spill : expected.spill) {
    answer.memory.push_back("beyond the struct, " + BufferText(spill.addr, spill.after));
  }
  return answer;
}

std::string DifferingParts(const Answer& left, const Answer& right) {
  std::vector<std::string> out;
  for (const DecodedStruct::Field& field : left.after.fields) {
    const DecodedStruct::Field* other = Find(right.after, field.name);
    if (other == nullptr || !(*other == field)) out.push_back(field.name);
  }
  if (left.after.parts != right.after.parts) out.push_back("capabilities");
  if (left.memory != right.memory) out.push_back("memory");
  std::string text;
  for (const std::string& name : out) text += (text.empty() ? "" : ", ") + name;
  if (!text.empty()) return text;
  return left.result == right.result ? "bytes between the fields" : "";
}

std::string RunText(const ViewRun& run, const HandleTable& names, const traces::Header& header) {
  constexpr const char* kRights[] = {"no rights", "r", "w", "rw"};
  std::string what;
  switch (run.what) {
    case ViewRun::What::kVa:
      what = Hex(run.value);
      break;
    case ViewRun::What::kStale:
      what = fmt::format("once {} +{:#x}", names.name(run.label), run.value);
      break;
    case ViewRun::What::kBar:
      what = fmt::format("BAR 0 of {} +{:#x}",
                         run.label < static_cast<uint32_t>(header.devices_size())
                             ? header.devices(static_cast<int>(run.label)).name()
                             : "?",
                         run.value);
      break;
    case ViewRun::What::kZero:
      what = "the zero page";
      break;
    case ViewRun::What::kSomePage:
      what = "some page";
      break;
  }
  return fmt::format("{} {} -> {}", HexRange(run.iova, run.iova + run.len - 1),
                     kRights[run.rights & 3], what);
}

}  // namespace iovalid::conformance
