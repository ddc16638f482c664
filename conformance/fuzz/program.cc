// SPDX-License-Identifier: Apache-2.0
#include "conformance/fuzz/program.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <random>
#include <variant>

#include "conformance/catalogue/facets.h"
#include "conformance/search/alphabet.h"
#include "conformance/search/call_builder.h"

namespace iovalid::conformance::fuzz {
namespace {

constexpr uint64_t kEdges[] = {0,
                               1,
                               2,
                               3,
                               0xfff,
                               0x1000,
                               0x1001,
                               0x2000,
                               0x3000,
                               0x10000,
                               0x100000,
                               0x101000,
                               0x102000,
                               0x200000,
                               0x201000,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               0x100000000,
                               0xfedff000,
                               0xfee00000,
                               0xfeeff000,
                               0xfef00000,
                               0x7ffffff000,
                               0x8000000000,
                               0x7fffffe00000,
                               0x7ffffffff000,
                               0x800000000000,
                               0x7fffffffffffffff,
                               0x8000000000000000,
                               0xfffffffffffff000,
                               0xffffffffffffffff,
                               search::kBuffer,
                               search::kBuffer + 0x1000,
                               search::kBuffer + 0xf000,
                               search::kBuffer + 0x10000,
                               search::kReadOnly,
                               search::kNoAccess,
                               search::kShared,
                               search::kHole,
                               search::kBarAt,
                               search::kScratch};

constexpr uint32_t kFirstVfioCommand = 0x3b64, kLastVfioCommand = 0x3b7f;
constexpr size_t kLongestAnswer = 256;  // bytes; GET_INFO with all capabilities takes about 150

size_t Words(size_t bytes) { return bytes / 4; }

uint64_t Changed(uint64_t old, const Call& call) {
  const uint64_t edge = EdgeValue(call.value);
  return (call.where & 0x40) != 0 ? old + edge : edge;
}

// Changes `size` bytes of a struct.
template <typename Container>
void ChangeBytes(const Call& call, Container* bytes) {
  if (bytes->size() < 4) return;
  size_t at = (call.where & 0x3f) % Words(bytes->size()) * 4;
  const size_t width = (call.where & 0x80) != 0 && bytes->size() >= 8 ? 8 : 4;
  at = std::min(at, bytes->size() - width);
  uint64_t value = 0;
  std::memcpy(&value, bytes->data() + at, width);
  value = Changed(value, call);
  std::memcpy(bytes->data() + at, &value, width);
}

// A struct of VFIO begins with argsz. One that says more than it has would let the kernel write what
// lies behind it, which tells of that memory and not of the kernel: it grows instead, as far as any
// answer goes.
template <typename Container>
void GrowToArgsz(uint32_t nr, Container* bytes) {
  if (nr < kFirstVfioCommand || nr > kLastVfioCommand || bytes->size() < 8) return;
  uint32_t argsz = 0;
  std::memcpy(&argsz, bytes->data(), sizeof(argsz));
  if (argsz > bytes->size()) bytes->resize(std::min<size_t>(argsz, kLongestAnswer));
}

uint32_t CommandOfLetter(size_t letter) {
  const traces::Event& event = search::Alphabet()[letter].event;
  return event.has_ioctl() ? event.ioctl().nr() : static_cast<uint32_t>(event.what_case());
}

uint16_t Clamp(size_t letter) { return static_cast<uint16_t>(letter % search::Alphabet().size()); }

}  // namespace

uint64_t EdgeValue(uint8_t value) {
  if (value <= std::size(kEdges)) return value == 0 ? 0 : kEdges[value - 1];
  // Flags and sizes.
  return value - std::size(kEdges);
}

Program ParseProgram(std::span<const uint8_t> bytes) {
  Program program;
  if (bytes.empty()) return program;
  program.calls.reserve(std::min(bytes.size() / 4, kMostCalls));
  program.start = bytes[0];
  bytes = bytes.subspan(1);
  while (bytes.size() >= 4 && program.calls.size() < kMostCalls) {
    program.calls.push_back({Clamp(static_cast<size_t>(bytes[0] | bytes[1] << 8)), bytes[2],
                             bytes[3]});
    bytes = bytes.subspan(4);
  }
  return program;
}

std::vector<uint8_t> ProgramBytes(const Program& program) {
  std::vector<uint8_t> bytes;
  bytes.reserve(1 + 4 * program.calls.size());
  bytes.push_back(program.start);
  for (const Call& call : program.calls) {
    bytes.push_back(static_cast<uint8_t>(call.letter));
    bytes.push_back(static_cast<uint8_t>(call.letter >> 8));
    bytes.push_back(call.where);
    bytes.push_back(call.value);
  }
  return bytes;
}

void ChangeArgument(const Call& call, Step* step) {
  if (call.value == 0) return;
  IoctlAction* ioctl = std::get_if<IoctlAction>(&step->action);
  if (ioctl == nullptr) return;
  if (ioctl->argument == IoctlAction::Argument::kStruct) {
    ChangeBytes(call, &ioctl->in);
    GrowToArgsz(ioctl->nr, &ioctl->in);
  } else if (ioctl->argument == IoctlAction::Argument::kInteger && !ioctl->set_up_iommu) {
    ioctl->value = Changed(ioctl->value, call);
  }
}

void ChangeArgument(const Call& call, traces::Event* event) {
  if (call.value == 0 || !event->has_ioctl()) return;
  traces::Ioctl* ioctl = event->mutable_ioctl();
  if (ioctl->argument_case() == traces::Ioctl::kIn) {
    ChangeBytes(call, ioctl->mutable_in());
    GrowToArgsz(ioctl->nr(), ioctl->mutable_in());
  } else if (ioctl->argument_case() == traces::Ioctl::kInteger) {
    ioctl->set_integer(
        static_cast<int64_t>(Changed(static_cast<uint64_t>(ioctl->integer()), call)));
  }
}

void Mutate(const search::LetterChoice& choice, uint64_t seed, Program* program) {
  std::minstd_rand random(static_cast<uint32_t>(seed ^ seed >> 32) | 1);
  const auto bits = [&] {
    return static_cast<uint64_t>(random()) << 33 ^ static_cast<uint64_t>(random()) << 8 ^ random();
  };
  std::vector<Call>& calls = program->calls;
  const auto place = [&](size_t n) { return static_cast<long>(bits() % n); };
  const uint64_t what = bits() % 16;
  if (calls.empty() || what < 5) {
    const Call fresh{static_cast<uint16_t>(choice(bits())), 0, 0};
    // Mostly at the end, where the state is deepest.
    const long at = bits() % 3 != 0 ? static_cast<long>(calls.size()) : place(calls.size() + 1);
    if (calls.size() < kMostCalls) calls.insert(calls.begin() + at, fresh);
    return;
  }
  const long at = place(calls.size());
  Call& call = calls[static_cast<size_t>(at)];
  switch (what) {
    case 5:
    case 6:
      calls.erase(calls.begin() + at);
      break;
    case 7: {
      const Call copy = call;
      if (calls.size() < kMostCalls) calls.insert(calls.begin() + place(calls.size() + 1), copy);
      break;
    }
    case 8:
      std::swap(call, calls[static_cast<size_t>(place(calls.size()))]);
      break;
    case 9:
    case 10: {
      // A neighbour in the alphabet is mostly one of the same command.
      const size_t n = search::Alphabet().size();
      const size_t other = (call.letter + n + bits() % 17 - 8) % n;
      if (CommandOfLetter(other) == CommandOfLetter(call.letter)) call.letter = Clamp(other);
      break;
    }
    case 11:
      call.letter = static_cast<uint16_t>(choice(bits()));
      break;
    case 12:
      call.value = 0;
      break;
    case 13:
      program->start = static_cast<uint8_t>(bits());
      break;
    default:
      call.where = static_cast<uint8_t>(bits());
      call.value = static_cast<uint8_t>(1 + bits() % (std::size(kEdges) + 24));
      break;
  }
}

Program Cross(const Program& a, const Program& b, uint64_t seed) {
  Program out;
  out.start = a.start;
  const size_t keep = a.calls.empty() ? 0 : seed % (a.calls.size() + 1);
  const size_t from = b.calls.empty() ? 0 : (seed >> 16) % b.calls.size();
  out.calls.assign(a.calls.begin(), a.calls.begin() + static_cast<long>(keep));
  for (size_t i = from; i < b.calls.size() && out.calls.size() < kMostCalls; ++i) {
    out.calls.push_back(b.calls[i]);
  }
  return out;
}

}  // namespace iovalid::conformance::fuzz
