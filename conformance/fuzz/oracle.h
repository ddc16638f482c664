// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_FUZZ_ORACLE_H_
#define IOVALID_CONFORMANCE_FUZZ_ORACLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "conformance/fuzz/program.h"
#include "conformance/search/world.h"
#include "traces/trace.pb.h"

namespace iovalid::conformance::fuzz {

// What a program must not show: a difference between type1 and compat that no row of the catalogue
// accounts for, or a state that breaks an invariant.
struct Finding {
  std::string kind;  // the signature of the difference, or the broken invariant; one line
  Program program;   // the shortest known
};

// Runs programs on type1 and compat of each kernel that has both. One thread.
class Oracle {
 public:
  static absl::StatusOr<Oracle> Create();

  // Nothing where the program shows what is known. `calls` is added the number of calls that ran.
  // The differences of all calls are looked at; the invariants of the state at the end where no
  // program ended in such a state before, and of every 64th program, the first among them, those and
  // what is left when its process exits.
  std::optional<Finding> Run(const Program& program, uint64_t* calls);
  // Drops calls and changes of arguments as long as the kind of the finding stays the same.
  Finding Shrink(Finding finding);

  // The program as a trace, and as lines for a reader.
  traces::Header header() const { return worlds_[0].header(); }
  std::vector<traces::Event> Events(const Program& program) const;
  std::string ToText(const Finding& finding) const;

 private:
  explicit Oracle(std::vector<search::World> worlds);

  std::optional<Finding> Run(const Program& program, bool thorough, uint64_t* calls);
  // The kind of finding that the broken invariant is; empty where none is broken.
  std::string Broken(const Machine& machine, const compat::ObservedState& state, bool thorough);
  size_t RootOf(const Program& program) const { return program.start % roots_.size(); }

  std::vector<search::World> worlds_;
  struct Start {
    size_t world, root;
    search::Node node;
  };
  std::vector<Start> roots_;
  std::vector<search::Node> scratch_;  // one for each start: what it keeps costs nothing again
  Step changed_;
  uint64_t runs_ = 0;
  absl::flat_hash_set<uint64_t> sound_;  // states whose invariants hold, by StateNumber
};

}  // namespace iovalid::conformance::fuzz

#endif  // IOVALID_CONFORMANCE_FUZZ_ORACLE_H_
