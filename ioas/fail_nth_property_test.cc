// SPDX-License-Identifier: Apache-2.0
// Every step that can fail is made to fail, one at a time: a call that fails leaves everything as
// it was, and the same call goes through when it is made again.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ioas/shared_states.h"

namespace iovalid::ioas {
namespace {

using Op = SharedStates::Op;

// Fails the n-th point and remembers which that was.
class FailNthNamed : public sim::PointHook {
 public:
  explicit FailNthNamed(uint64_t n) : n_(n) {}
  bool Reached(const char* point) override {
    if (++reached_ != n_) return false;
    failed_ = point;
    return true;
  }
  // Null where the call had fewer points.
  const char* failed() const { return failed_; }

 private:
  uint64_t n_;
  uint64_t reached_ = 0;
  const char* failed_ = nullptr;
};

// Makes `op` fail at each of its points. Returns their names.
std::set<std::string> FailEach(bool small_pages, const std::vector<Op>& ops, const Op& op) {
  std::set<std::string> names;
  SharedStates reference(small_pages, ops);
  const sim::Errno answer = reference.Run(op).err;
  for (uint64_t n = 1;; ++n) {
    SharedStates s(small_pages, ops);
    const auto before = s.See();
    FailNthNamed hook(n);
    const Result result = s.Run(op, &hook);
    if (hook.failed() == nullptr) {
      EXPECT_EQ(result.err, answer);
      break;
    }
    names.insert(hook.failed());
    EXPECT_FALSE(result.ok()) << hook.failed();
    EXPECT_TRUE(s.See() == before) << hook.failed();
    EXPECT_EQ(s.Run(op).err, answer) << hook.failed();
    EXPECT_TRUE(s.See() == reference.See()) << hook.failed();
    if (::testing::Test::HasFailure()) break;
  }
  return names;
}

RC_GTEST_PROP(FailNthPropertyTest, AFailedCallChangesNothing, ()) {
  const auto small_pages = *rc::gen::arbitrary<bool>();
  const auto ops = *rc::gen::container<std::vector<Op>>(SharedStates::OpGen());
  const auto op = *SharedStates::OpGen();
  FailEach(small_pages, ops, op);
  RC_ASSERT(!::testing::Test::HasFailure());
}

// The calls have the points that the kernel's have.
TEST(FailNthTest, PointsOfEachCall) {
  const std::vector<Op> two_domains = {{Op::kAddDomain, 0, 0, 0, 0, 0},
                                       {Op::kAddDomain, 0, 0, 0, 0, 0}};
  EXPECT_EQ(FailEach(false, two_domains, {Op::kMap, 0, 0, 4, 0, 3}),
            (std::set<std::string>{"alloc:iopt_pages", "alloc:iopt_area", "alloc:pfn_batch",
                                   "alloc:upages", "pin_user_pages", "alloc:iommu_map"}));
  std::vector<Op> mapped = two_domains;
  mapped.push_back({Op::kMap, 0, 0, 4, 0, 3});
  EXPECT_EQ(FailEach(false, mapped, {Op::kCopy, 0, 0, 4, 8, 3}),
            (std::set<std::string>{"alloc:iopt_pages_list", "alloc:iopt_area", "alloc:pfn_batch",
                                   "alloc:iommu_map"}));
  EXPECT_EQ(FailEach(true, {{Op::kMap, 0, 0, 4, 0, 3}}, {Op::kCut, 0, 2, 0, 0, 0}),
            (std::set<std::string>{"alloc:iopt_area"}));
  EXPECT_EQ(FailEach(false, {{Op::kMap, 0, 0, 4, 0, 3}}, {Op::kAddDomain, 0, 0, 0, 0, 0}),
            (std::set<std::string>{"alloc:iopt_reserved", "alloc:pfn_batch", "alloc:upages",
                                   "pin_user_pages", "alloc:iommu_map"}));
  EXPECT_EQ(FailEach(false, mapped, {Op::kUnmap, 0, 0, 4, 0, 0}), std::set<std::string>{});
}

}  // namespace
}  // namespace iovalid::ioas
