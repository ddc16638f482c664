// SPDX-License-Identifier: Apache-2.0
//
// Properties of each model alone, over random programs of the search's alphabet.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "conformance/decode.h"
#include "conformance/recorder.h"
#include "conformance/search/alphabet.h"
#include "conformance/search/call_builder.h"
#include "conformance/search/invariants.h"
#include "conformance/search/random_program.h"
#include "conformance/step_compiler.h"
#include "conformance/verify.h"
#include "traces/event_source.h"

// Random calls of the run without rapidcheck, and how many of them are followed by all checks.
#ifndef IOVALID_MODEL_CALLS
#define IOVALID_MODEL_CALLS 12000
#define IOVALID_MODEL_CHECKED 3000
#endif

namespace iovalid::conformance::search {
namespace {

constexpr const char* kSides[] = {"type1@7.3", "type1@6.12", "type1@6.1", "compat@7.3",
                                  "compat@6.12"};

// A machine and the compiled alphabet.
struct Bench {
  explicit Bench(const std::string& side)
      : header(SearchHeader(side[0] == 't' ? traces::TYPE1 : traces::COMPAT)),
        compiler(header),
        machine(*Machine::Create(header, *ParseSide(side), {.views = false})) {}

  std::vector<Step> Compile(const std::vector<traces::Event>& events) {
    std::vector<Step> steps;
    for (const traces::Event& event : events) {
      Expectation expected;
      if (!compiler.Compile(event, &steps.emplace_back(), &expected).ok()) std::abort();
    }
    return steps;
  }
  std::vector<Step> CompileAlphabet() {
    std::vector<traces::Event> events;
    for (const Letter& letter : Alphabet()) events.push_back(letter.event);
    return Compile(events);
  }

  traces::Header header;
  StepCompiler compiler;
  Machine machine;
};

std::string Names(const std::vector<size_t>& letters) {
  std::string text;
  for (const size_t letter : letters) text += "\n  " + DecodeCall(Alphabet()[letter].event);
  return text;
}

class ModelProperty : public ::testing::TestWithParam<const char*> {};

TEST(AlphabetTest, IsLargeAndWithoutRepetition) {
  EXPECT_GE(Alphabet().size(), 300u);
  std::vector<std::string> all;
  for (const Letter& letter : Alphabet()) all.push_back(letter.event.SerializeAsString());
  std::sort(all.begin(), all.end());
  const auto twice = std::adjacent_find(all.begin(), all.end());
  if (twice != all.end()) {
    traces::Event event;
    event.ParseFromString(*twice);
    ADD_FAILURE() << DecodeCall(event) << " is there twice";
  }
}

TEST(AlphabetTest, ChoiceReachesEveryLetter) {
  const LetterChoice choice;
  std::vector<int> seen(Alphabet().size());
  for (uint64_t random = 0; random < 2000; ++random) ++seen[choice(random)];
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_GE(seen[i], static_cast<int>(Alphabet()[i].weight)) << i;
  }
}

// A long walk: the invariants after every call, teardown and the copy now and then.
TEST_P(ModelProperty, InvariantsHoldAfterEveryCall) {
  const LetterChoice choice;
  Bench bench(GetParam());
  const std::vector<Step> letters = bench.CompileAlphabet();
  std::vector<std::vector<Step>> starts;
  for (const Start start : kStarts) {
    for (const uint32_t type : {1u, 3u})
      starts.push_back(bench.Compile(StartingCalls(start, type)));
  }
  StepResult result;
  uint64_t succeeded = 0;
  for (uint64_t calls = 0, program = 0; calls < IOVALID_MODEL_CALLS; ++program) {
    std::mt19937_64 random(program);
    for (const Step& step : starts[program % starts.size()]) {
      ASSERT_TRUE(bench.machine.Run(step, &result).ok());
    }
    std::vector<size_t> done;
    for (uint64_t length = 5 + random() % 40; length > 0; --length, ++calls) {
      done.push_back(choice(random()));
      ASSERT_TRUE(bench.machine.Run(letters[done.back()], &result).ok()) << Names(done);
      succeeded += result.answered && result.err == sim::Errno::kOk;
      ASSERT_FALSE(IsUnmodelled(result.rule)) << result.rule->id << Names(done);
      if (calls >= IOVALID_MODEL_CHECKED) continue;
      ASSERT_EQ(BrokenInvariant(bench.machine), "") << "program " << program << Names(done);
      if (calls % 8 == 0) {
        ASSERT_EQ(BrokenTeardown(bench.machine), "") << "program " << program << Names(done);
      }
    }
    ASSERT_EQ(BrokenInvariant(bench.machine), "") << "program " << program << Names(done);
    ASSERT_EQ(BrokenTeardown(bench.machine), "") << "program " << program << Names(done);
  }
  // The programs reach deep: a good part of their calls is not refused.
  EXPECT_GT(succeeded, uint64_t{IOVALID_MODEL_CALLS} / 4);
}

std::vector<size_t> Program() {
  const LetterChoice choice;
  return *rc::gen::resize(40, rc::gen::container<std::vector<size_t>>(rc::gen::map(
                                  rc::gen::resize(1000, rc::gen::arbitrary<uint64_t>()),
                                  [choice](uint64_t r) { return choice(r); })));
}

// What a machine recorded verifies against a fresh machine of the same kind.
TEST_P(ModelProperty, ReplayOfItsOwnTraceIsTheIdentity) {
  EXPECT_TRUE(rc::check([&] {
    Bench bench(GetParam());
    std::vector<traces::Event> events =
        StartingCalls(kStarts[*rc::gen::inRange(0, 3)], *rc::gen::element(1u, 3u));
    for (const size_t letter : Program()) events.push_back(Alphabet()[letter].event);
    std::vector<traces::Event> trace;
    StepResult result;
    uint64_t calls = 0;
    for (const traces::Event& event : events) {
      const Step step = bench.Compile({event}).front();
      RC_ASSERT(bench.machine.Run(step, &result).ok());
      Record(event, step, result, &trace);
      calls += step.IsCall();
    }
    traces::VectorSource source(bench.header, trace);
    // The path that the header's mode opens is the side's own.
    const auto verified = Verify(source, "x", [](const Mismatch&) {}, {});
    RC_ASSERT(verified.ok());
    // The recorded kernel is 7.3: other sides are compared by running them again.
    if (std::string(GetParam()).find("7.3") == std::string::npos) return;
    RC_ASSERT(verified->counts.calls == calls);
    RC_ASSERT(verified->counts.mismatch == 0u);
  }));
}

// A copy goes its own way, and its original does not notice.
TEST_P(ModelProperty, CopiesAreIndependent) {
  EXPECT_TRUE(rc::check([&] {
    Bench bench(GetParam());
    const std::vector<Step> letters = bench.CompileAlphabet();
    const std::vector<Step> start =
        bench.Compile(StartingCalls(kStarts[*rc::gen::inRange(0, 3)], *rc::gen::element(1u, 3u)));
    const std::vector<size_t> before = Program(), away = Program(), after = Program();
    StepResult result;
    const auto run = [&](Machine* machine, const std::vector<size_t>& program, RunDigest* digest) {
      for (const size_t letter : program) {
        RC_ASSERT(machine->Run(letters[letter], &result).ok());
        if (digest != nullptr) Machine::AddToDigest(result, machine->system().Observe(), digest);
      }
    };
    for (const Step& step : start) RC_ASSERT(bench.machine.Run(step, &result).ok());
    run(&bench.machine, before, nullptr);
    Machine first = bench.machine, second = bench.machine;
    RunDigest expected, actual;
    run(&first, after, &expected);
    run(&second, away, nullptr);
    const sim::Digest identity = bench.machine.system().IdentityDigest();
    run(&second, away, nullptr);
    RC_ASSERT(bench.machine.system().IdentityDigest() == identity);
    run(&bench.machine, after, &actual);
    RC_ASSERT(expected.ToString() == actual.ToString());
    RC_ASSERT(first.system().IdentityDigest() == bench.machine.system().IdentityDigest());
  }));
}

std::string SideLabel(const ::testing::TestParamInfo<const char*>& param) {
  std::string name = param.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Sides, ModelProperty, ::testing::ValuesIn(kSides), SideLabel);

}  // namespace
}  // namespace iovalid::conformance::search
