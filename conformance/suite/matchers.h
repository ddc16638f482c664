// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_SUITE_MATCHERS_H_
#define IOVALID_CONFORMANCE_SUITE_MATCHERS_H_

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "compat/errno_matcher.h"
#include "conformance/side.h"
#include "conformance/suite/kernel.h"

namespace iovalid::conformance::suite {

// What a call is expected to answer. All of them take a CallResult:
//
//   EXPECT_THAT(container.MapDma({...}), FailsWithErrno(EINVAL));
//   EXPECT_THAT(container.UnmapDma({...}), AllOf(Succeeds(), HasField("size", "0x1000")));
//   EXPECT_THAT(container.MapDma({...}),
//               Answers(On(kType1.Since("7.3"), FailsWithErrno(EOVERFLOW)),
//                       On(kType1, FailsWithErrno(EINVAL)), On(kCompat, Succeeds())));
using compat::FailsWithErrno;
using compat::Succeeds;
using compat::SucceedsWith;

using ResultMatcher = testing::Matcher<const CallResult&>;

// The kernels that a row of a table is for: a mode, and from which version up to which. Versions
// compare by their numbers: 6.12 is later than 6.1.
class Kernels {
 public:
  explicit constexpr Kernels(Mode mode) : mode_(mode) {}

  // From that version on.
  constexpr Kernels Since(std::string_view version) const {
    Kernels kernels = *this;
    kernels.since_ = version;
    return kernels;
  }
  // Up to the version before that one.
  constexpr Kernels Before(std::string_view version) const {
    Kernels kernels = *this;
    kernels.before_ = version;
    return kernels;
  }

  bool Include(const Side& side) const;
  // "type1", "type1 since 6.12 before 7.3".
  std::string Text() const;

 private:
  Mode mode_;
  std::string_view since_, before_;
};

inline constexpr Kernels kType1{Mode::kType1};
inline constexpr Kernels kCompat{Mode::kCompat};

struct ExpectationRow {
  Kernels kernels;
  ResultMatcher expected;
};
inline ExpectationRow On(const Kernels& kernels, const ResultMatcher& expected) {
  return {kernels, expected};
}

// The first row for the kernel that answered says what it has to answer. A kernel without a row
// fails, so that a new one needs its expectations written down.
ResultMatcher AnswersByRow(std::vector<ExpectationRow> rows);
template <typename... Rows>
ResultMatcher Answers(const Rows&... rows) {
  return AnswersByRow({rows...});
}

// A field of the struct after the call, as `iovalid show` prints it: HasField("size", "0x1000").
testing::Matcher<const CallResult&> HasField(std::string_view name, std::string_view value);
// The capabilities, devices or ranges in the struct after the call, each as a line.
template <typename M>
ResultMatcher HasParts(const M& parts) {
  return testing::Field("argument", &CallResult::argument,
                        testing::Field("parts", &DecodedStruct::parts, parts));
}

// What the process is charged after the call, in pages of 4 KiB: VmLck, and VmPin.
ResultMatcher Locks(uint64_t pages);
ResultMatcher Pins(uint64_t pages);

// The first bits of the call's bitmap, after the call.
ResultMatcher HasDirtyBits(uint64_t bits);

}  // namespace iovalid::conformance::suite

#endif  // IOVALID_CONFORMANCE_SUITE_MATCHERS_H_
