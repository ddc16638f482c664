// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_FUZZ_PROGRAM_H_
#define IOVALID_CONFORMANCE_FUZZ_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "conformance/search/random_program.h"
#include "conformance/step.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance::fuzz {

// One call: a letter of the search's alphabet, with one word of its argument changed.
struct Call {
  uint16_t letter = 0;
  // Bits 0 to 5: which 4-byte word of the struct. Bit 6: the value is added and not stored. Bit 7:
  // 8 bytes wide. For an integer argument only bit 6 counts.
  uint8_t where = 0;
  uint8_t value = 0;  // 0: nothing is changed; else what EdgeValue says
  friend bool operator==(const Call&, const Call&) = default;
};

// An input of the fuzzer: a program. Any bytes are one, so that whatever a mutation makes parses: the
// first byte chooses where the program starts, each four that follow are a call.
struct Program {
  uint8_t start = 0;
  std::vector<Call> calls;
  friend bool operator==(const Program&, const Program&) = default;
};
inline constexpr size_t kMostCalls = 40;

// Calls beyond kMostCalls and bytes that make no whole call are dropped.
Program ParseProgram(std::span<const uint8_t> bytes);
std::vector<uint8_t> ProgramBytes(const Program& program);

// Values on which lengths, addresses, flags and counts turn.
uint64_t EdgeValue(uint8_t value);

// Changes the step's argument as the call says. `step` is a copy of the letter's.
void ChangeArgument(const Call& call, Step* step);
// The same for its event.
void ChangeArgument(const Call& call, traces::Event* event);

// One small change, by the bits of `seed`: a call comes, goes, doubles, changes its place, becomes
// another one of its command, or gets another argument. New calls are chosen as the search does.
void Mutate(const search::LetterChoice& choice, uint64_t seed, Program* program);
// The beginning of one and the end of another.
Program Cross(const Program& a, const Program& b, uint64_t seed);

}  // namespace iovalid::conformance::fuzz

#endif  // IOVALID_CONFORMANCE_FUZZ_PROGRAM_H_
