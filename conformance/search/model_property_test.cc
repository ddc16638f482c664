// SPDX-License-Identifier: Apache-2.0
//
// Properties of each model alone, over random programs of the search's alphabet.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "conformance/decode.h"
#include "conformance/recorder.h"
#include "conformance/search/alphabet.h"
#include "conformance/search/call_builder.h"
#include "conformance/search/failed_program.h"
#include "conformance/search/invariants.h"
#include "conformance/search/native_alphabet.h"
#include "conformance/search/program_property.h"
#include "conformance/search/random_program.h"
#include "conformance/step_compiler.h"
#include "conformance/verify.h"
#include "sim/fail_nth.h"
#include "traces/event_source.h"

// Random calls of the run without rapidcheck, and how many of them are followed by all checks.
#ifndef IOVALID_MODEL_CALLS
#define IOVALID_MODEL_CALLS 12000
#define IOVALID_MODEL_CHECKED 3000
// Each call of that number is first made to fail at each of its points.
#define IOVALID_MODEL_FAIL_EVERY 16
#endif

namespace iovalid::conformance::search {
namespace {

constexpr const char* kSides[] = {"type1@7.3",   "type1@6.12", "type1@6.1",  "compat@7.3",
                                  "compat@6.12", "native@7.3", "native@6.12"};

// The choice of letters on a side. Generators hold on to it while rapidcheck shrinks what they
// made, which is after the property has returned.
const LetterChoice& ChoiceFor(const std::string& side) {
  static const LetterChoice containers, native(NativeAlphabet());
  return side[0] == 'n' ? native : containers;
}

// A machine and the compiled alphabet.
struct Bench {
  explicit Bench(const std::string& side)
      : header(SearchHeader(HeaderMode(ParseSide(side)->mode))),
        letters(side[0] == 'n' ? NativeAlphabet() : Alphabet()),
        choice(ChoiceFor(side)),
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
    for (const Letter& letter : letters) events.push_back(letter.event);
    return Compile(events);
  }
  std::vector<traces::Event> StartOf(Start start, uint32_t iommu_type) const {
    return header.mode() == traces::NATIVE ? NativeStartingCalls(start)
                                           : StartingCalls(start, iommu_type);
  }
  void Append(const std::vector<size_t>& program, std::vector<traces::Event>* events) const {
    for (const size_t letter : program) events->push_back(letters[letter].event);
  }

  traces::Header header;
  const std::vector<Letter>& letters;
  const LetterChoice& choice;
  StepCompiler compiler;
  Machine machine;
};

// What a failed call leaves behind.
enum class Leaves {
  kNothing,    // everything is as it was before
  kUnnoticed,  // cuts or dirty bits, which devices and accounts do not notice
  kAnything,   // the call was done, and its answer could not be written
};

// iommufd_device_do_replace takes the group's reserved ranges off the IOAS when it fails, even
// where the device was in that IOAS already and stays there.
bool LosesReserved(const std::string& command, const std::string& point) {
  return command == "VFIO_DEVICE_ATTACH_IOMMUFD_PT" && point == "alloc:iommufd_attach_handle";
}

Leaves LeavesOf(const std::string& command, const std::string& point) {
  if (point == "copy_to_user") return Leaves::kAnything;
  // v1: both ends of the range are cut before anything is unmapped, and cuts stay.
  if (command == "VFIO_IOMMU_UNMAP_DMA" && point == "alloc:iopt_area") return Leaves::kUnnoticed;
  // update_user_bitmap has set and shifted the bits when it reads those that it will add to.
  if (point == "copy_from_user" &&
      (command == "VFIO_IOMMU_DIRTY_PAGES" || command == "VFIO_IOMMU_UNMAP_DMA")) {
    return Leaves::kUnnoticed;
  }
  return LosesReserved(command, point) ? Leaves::kUnnoticed : Leaves::kNothing;
}

bool SameForDevices(const compat::ObservedState& a, const compat::ObservedState& b,
                    bool same_usable) {
  for (size_t i = 0; i < a.devices.size(); ++i) {
    if (!(a.devices[i] == b.devices[i])) return false;
  }
  return a.mapped_bytes == b.mapped_bytes && a.charged_pages == b.charged_pages &&
         (a.usable == b.usable || !same_usable) && a.files == b.files;
}

struct Failures {
  uint64_t calls = 0;   // that were made to fail
  uint64_t points = 0;  // in all
  std::set<std::string> named;
};

// Lets each point of a call fail in turn, on copies of the machine that stands before it.
std::string TryFailures(const Machine& before, const Step& step, const std::string& command,
                        Failures* failures) {
  const sim::Digest identity = before.system().IdentityDigest();
  StepResult result;
  ++failures->calls;
  for (uint64_t n = 1; n < 1000; ++n) {
    Machine copy = before;
    sim::FailNth hook(n);
    copy.system().SetHook(&hook);
    const bool ran = copy.Run(step, &result).ok();
    copy.system().SetHook(nullptr);
    if (!ran) return "it cannot run";
    if (hook.failed().empty()) return "";
    const std::string where = " when " + hook.failed() + " fails, point " + std::to_string(n);
    ++failures->points;
    failures->named.insert(hook.failed());
    if (std::string broken = BrokenInvariant(copy); !broken.empty()) return broken + where;
    if (std::string broken = BrokenTeardown(copy); !broken.empty()) return broken + where;
    const Leaves leaves = LeavesOf(command, hook.failed());
    if (result.err == sim::Errno::kOk || leaves == Leaves::kAnything) continue;
    if (leaves == Leaves::kNothing && copy.system().IdentityDigest() != identity) {
      return "another state" + where;
    }
    if (!SameForDevices(copy.system().Observe(), before.system().Observe(),
                        !LosesReserved(command, hook.failed()))) {
      return "another state for devices" + where;
    }
  }
  return "there is no end of its points";
}

// What is checked of one call, which always has to be modelled.
struct Checks {
  bool failures = false;   // each of its points fails in turn, before the call itself
  bool invariant = false;  // of the state after it
  bool teardown = false;
};

// Runs one call; what is wrong, empty where nothing is.
std::string RunChecked(Machine* machine, const Step& step, const traces::Event& event,
                       const Checks& checks, Failures* failures, StepResult* result) {
  if (checks.failures) {
    std::string broken = TryFailures(*machine, step, event.ioctl().cmd(), failures);
    if (!broken.empty()) return broken;
  }
  if (!machine->Run(step, result).ok()) return "it cannot run";
  if (IsUnmodelled(result->rule)) return "not modelled: " + std::string(result->rule->id);
  std::string broken = checks.invariant ? BrokenInvariant(*machine) : "";
  if (broken.empty() && checks.teardown) broken = BrokenTeardown(*machine);
  return broken;
}

// A whole program, of which the last call is checked in every way.
std::string BrokenBy(Bench* bench, const std::vector<traces::Event>& program) {
  const std::vector<Step> steps = bench->Compile(program);
  StepResult result;
  Failures failures;
  std::string broken;
  for (size_t i = 0; i < steps.size() && broken.empty(); ++i) {
    const bool last = i + 1 == steps.size();
    broken =
        RunChecked(&bench->machine, steps[i], program[i], {last, last, last}, &failures, &result);
  }
  return broken;
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

// A long walk: the invariants after every call, teardown and the copy now and then. With
// IOVALID_MODEL_PROGRAM=N in the environment the program with that number alone, and all checks.
TEST_P(ModelProperty, InvariantsHoldAfterEveryCall) {
  const char* only = std::getenv("IOVALID_MODEL_PROGRAM");
  Bench bench(GetParam());
  const LetterChoice& choice = bench.choice;
  const std::vector<Step> letters = bench.CompileAlphabet();
  std::vector<std::vector<traces::Event>> starts;
  for (const Start start : kStarts) {
    for (const uint32_t type : {1u, 3u}) starts.push_back(bench.StartOf(start, type));
  }
  std::vector<std::vector<Step>> starting_steps;
  for (const auto& start : starts) starting_steps.push_back(bench.Compile(start));
  StepResult result;
  uint64_t succeeded = 0;
  Failures failures;
  uint64_t program = only == nullptr ? 0 : std::strtoull(only, nullptr, 10);
  for (uint64_t calls = 0; calls < IOVALID_MODEL_CALLS; ++program) {
    std::mt19937_64 random(program);
    const size_t start = program % starts.size();
    for (const Step& step : starting_steps[start]) {
      ASSERT_TRUE(bench.machine.Run(step, &result).ok());
    }
    std::vector<size_t> done;
    for (uint64_t length = 5 + random() % 40; length > 0; --length, ++calls) {
      done.push_back(choice(random()));
      const bool all = only != nullptr, last = length == 1;
      const Checks checks = {
          .failures = all || calls % IOVALID_MODEL_FAIL_EVERY == 0,
          .invariant = all || last || calls < IOVALID_MODEL_CHECKED,
          .teardown = all || last || (calls < IOVALID_MODEL_CHECKED && calls % 8 == 0)};
      std::string broken = RunChecked(&bench.machine, letters[done.back()],
                                      bench.letters[done.back()].event, checks, &failures, &result);
      if (!broken.empty()) {
        FailedProgram failed{.broken = std::move(broken),
                             .seed = "program " + std::to_string(program) + " of the walk",
                             .environment = "IOVALID_MODEL_PROGRAM=" + std::to_string(program),
                             .header = bench.header,
                             .events = starts[start]};
        bench.Append(done, &failed.events);
        ShrinkFailed(&failed, [&](const auto& events) { return BrokenBy(&bench, events); });
        FAIL() << FailureText(failed);
      }
      succeeded += result.answered && result.err == sim::Errno::kOk;
    }
    if (only != nullptr) return;
  }
  // The programs reach deep: a good part of their calls is not refused.
  EXPECT_GT(succeeded, uint64_t{IOVALID_MODEL_CALLS} / 5);
  // And they fail in every way that they can.
  EXPECT_GT(failures.points, failures.calls / 2);
  for (const char* point : {"copy_from_user", "copy_to_user", "pin_user_pages"}) {
    EXPECT_EQ(failures.named.count(point), 1u) << point;
  }
  RecordProperty("failures", std::to_string(failures.points));
  std::cout << failures.points << " failures in " << failures.calls << " calls, at "
            << failures.named.size() << " points\n";
}

std::vector<size_t> Program(const LetterChoice& choice) {
  return *rc::gen::resize(40, rc::gen::container<std::vector<size_t>>(rc::gen::map(
                                  rc::gen::resize(1000, rc::gen::arbitrary<uint64_t>()),
                                  [&choice](uint64_t r) { return choice(r); })));
}

// What a machine recorded verifies against a fresh machine of the same kind.
TEST_P(ModelProperty, ReplayOfItsOwnTraceIsTheIdentity) {
  EXPECT_TRUE(HoldsForPrograms([&](FailedProgram* shown) {
    Bench bench(GetParam());
    std::vector<traces::Event> events =
        bench.StartOf(kStarts[*rc::gen::inRange(0, 3)], *rc::gen::element(1u, 3u));
    bench.Append(Program(bench.choice), &events);
    shown->header = bench.header;
    shown->events = events;
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

// A copy goes its own way, and its original does not notice. What a failure shows are the calls
// before the copy, those that the copy goes away with, and those that both do.
TEST_P(ModelProperty, CopiesAreIndependent) {
  EXPECT_TRUE(HoldsForPrograms([&](FailedProgram* shown) {
    Bench bench(GetParam());
    const std::vector<Step> letters = bench.CompileAlphabet();
    shown->header = bench.header;
    shown->events = bench.StartOf(kStarts[*rc::gen::inRange(0, 3)], *rc::gen::element(1u, 3u));
    const std::vector<Step> start = bench.Compile(shown->events);
    const std::vector<size_t> before = Program(bench.choice);
    const std::vector<size_t> away = Program(bench.choice), after = Program(bench.choice);
    for (const auto* part : {&before, &away, &after}) bench.Append(*part, &shown->events);
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
