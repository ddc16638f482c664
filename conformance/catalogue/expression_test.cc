// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/expression.h"

#include <gtest/gtest.h>

#include <string>

namespace iovalid::conformance {
namespace {

class ExpressionTest : public testing::Test {
 protected:
  ExpressionTest() {
    variables_[static_cast<size_t>(Variable::kArg)] = 7;
    variables_[static_cast<size_t>(Variable::kLeftRet)] = 1;
    variables_[static_cast<size_t>(Variable::kRightRet)] = 2;
    variables_[static_cast<size_t>(Variable::kLeftWrote)] = 3;
    variables_[static_cast<size_t>(Variable::kRightWrote)] = 4;
    variables_[static_cast<size_t>(Variable::kRangeDiffers)] = 5;
  }

  uint64_t Value(const std::string& text, bool swapped = false) {
    const auto expression = Expression::Parse(text, LayoutOf("VFIO_GROUP_GET_STATUS"));
    EXPECT_TRUE(expression.ok()) << expression.status().message();
    if (!expression.ok()) return ~uint64_t{0};
    return expression->Evaluate(
        {.in = in_, .left = left_, .right = right_, .variables = &variables_, .swapped = swapped});
  }
  static std::string Error(const std::string& text) {
    return std::string(
        Expression::Parse(text, LayoutOf("VFIO_GROUP_GET_STATUS")).status().message());
  }

  Variables variables_{};
  uint8_t in_[8] = {8, 0, 0, 0, 0, 1, 0, 0};
  uint8_t left_[8] = {8, 0, 0, 0, 3, 0, 0, 0};
  uint8_t right_[8] = {8, 0, 0, 0, 1, 0, 0, 0};
};

TEST_F(ExpressionTest, OperatorsBindAsInC) {
  EXPECT_EQ(Value("1 + 2 % 2"), 1u);
  EXPECT_EQ(Value("(1 + 2) % 2"), 1u);
  EXPECT_EQ(Value("6 & 3 | 8"), 10u);
  EXPECT_EQ(Value("1 == 1 && 2 == 3 || 1"), 1u);
  EXPECT_EQ(Value("!0 && ~0 == 0xffffffffffffffff"), 1u);
  EXPECT_EQ(Value("3 - 4"), ~uint64_t{0});
  EXPECT_EQ(Value("2 < 3 && 3 <= 3 && 4 > 3 && 3 >= 3 && 1 != 2"), 1u);
  EXPECT_EQ(Value("5 % 0"), 0u);
}

TEST_F(ExpressionTest, FieldsAreThoseOfTheThreeStructs) {
  EXPECT_EQ(Value("in.flags"), 256u);
  EXPECT_EQ(Value("left.flags"), 3u);
  EXPECT_EQ(Value("right.flags"), 1u);
  EXPECT_EQ(Value("left.flags", /*swapped=*/true), 1u);
}

TEST_F(ExpressionTest, VariablesOfASideChangePlacesWhenSwapped) {
  EXPECT_EQ(Value("left.ret"), 1u);
  EXPECT_EQ(Value("left.ret", true), 2u);
  EXPECT_EQ(Value("right.wrote", true), 3u);
  EXPECT_EQ(Value("arg", true), 7u);
  EXPECT_EQ(Value("range.differs", true), 5u);
}

TEST_F(ExpressionTest, FieldsBeyondTheStructAreZero) {
  const auto expression = Expression::Parse("left.flags", LayoutOf("VFIO_GROUP_GET_STATUS"));
  ExpressionInput input;
  input.left = std::span<const uint8_t>(left_, 4);
  input.variables = &variables_;
  EXPECT_EQ(expression->Evaluate(input), 0u);
}

TEST_F(ExpressionTest, ErrorsNameThePlace) {
  EXPECT_EQ(Error("in.size"), "\"in.size\", character 1: there is no 'in.size'");
  EXPECT_EQ(Error("1 +"), "\"1 +\", character 4: something is missing here");
  EXPECT_EQ(Error("(1"), "\"(1\", character 3: ')' is missing");
  EXPECT_EQ(Error("1 2"), "\"1 2\", character 3: what follows is not understood");
  EXPECT_EQ(Error("0x"), "\"0x\", character 1: no such number");
  EXPECT_FALSE(Expression::Parse(std::string(100000, '('), nullptr).ok());
  EXPECT_FALSE(Expression::Parse(std::string(100000, '!'), nullptr).ok());
}

}  // namespace
}  // namespace iovalid::conformance
