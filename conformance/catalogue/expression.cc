// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/expression.h"

#include <cctype>
#include <charconv>
#include <cstring>
#include <string>

#include "absl/status/status.h"

namespace iovalid::conformance {
namespace {

struct NamedVariable {
  std::string_view name;
  Variable variable;
};
constexpr NamedVariable kNames[] = {
    {"arg", Variable::kArg},
    {"left.ret", Variable::kLeftRet},
    {"right.ret", Variable::kRightRet},
    {"left.removed", Variable::kLeftRemoved},
    {"right.removed", Variable::kRightRemoved},
    {"left.added", Variable::kLeftAdded},
    {"right.added", Variable::kRightAdded},
    {"left.attached", Variable::kLeftAttached},
    {"right.attached", Variable::kRightAttached},
    {"left.mapped", Variable::kLeftMapped},
    {"right.mapped", Variable::kRightMapped},
    {"left.type", Variable::kLeftType},
    {"right.type", Variable::kRightType},
    {"left.wrote", Variable::kLeftWrote},
    {"right.wrote", Variable::kRightWrote},
    {"left.container", Variable::kLeftContainer},
    {"right.container", Variable::kRightContainer},
    {"range.differs", Variable::kRangeDiffers},
    {"mappings.new", Variable::kMappingsNew},
};

// The same variable of the other side: both follow one another in the enumeration.
Variable Mirror(Variable variable) {
  const auto number = static_cast<uint8_t>(variable);
  if (variable == Variable::kArg || variable >= Variable::kRangeDiffers) return variable;
  return static_cast<Variable>(number % 2 == 1 ? number + 1 : number - 1);
}

bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

}  // namespace

// Recursive descent, lowest precedence first.
class ExpressionParser {
 public:
  using Op = Expression::Op;

  ExpressionParser(std::string_view text, const StructLayout* layout)
      : text_(text), layout_(layout) {}

  absl::StatusOr<Expression> Parse() {
    Binary(0);
    Skip();
    if (error_.empty() && at_ != text_.size()) Fail("what follows is not understood");
    if (!error_.empty()) {
      return absl::InvalidArgumentError("\"" + std::string(text_) + "\", character " +
                                        std::to_string(at_ + 1) + ": " + error_);
    }
    return expression_;
  }

 private:
  struct Operator {
    std::string_view text;
    int level;
    Op op;
  };
  // Longer spellings first.
  static constexpr Operator kOperators[] = {
      {"||", 0, Op::kOr},      {"&&", 1, Op::kAnd},       {"==", 2, Op::kEqual},
      {"!=", 2, Op::kUnequal}, {"<=", 3, Op::kLessEqual}, {">=", 3, Op::kGreaterEqual},
      {"<", 3, Op::kLess},     {">", 3, Op::kGreater},    {"|", 4, Op::kBitOr},
      {"&", 5, Op::kBitAnd},   {"+", 6, Op::kAdd},        {"-", 6, Op::kSubtract},
      {"%", 7, Op::kModulo},
  };
  static constexpr int kUnary = 8;

  void Skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  void Fail(std::string what) {
    if (error_.empty()) error_ = std::move(what);
  }
  void Emit(Expression::Instruction instruction, int change) {
    depth_ += change;
    if (depth_ > static_cast<int>(Expression::kMaxDepth)) Fail("the expression is too deep");
    expression_.code_.push_back(instruction);
  }

  void Binary(int level) {
    if (level == kUnary) return Unary();
    if (++nesting_ > 200) return Fail("the expression is nested too deeply");
    Binary(level + 1);
    while (error_.empty()) {
      Skip();
      const Operator* found = nullptr;
      for (const Operator& op : kOperators) {
        if (text_.substr(at_, op.text.size()) == op.text) {
          found = &op;
          break;
        }
      }
      if (found == nullptr || found->level != level) break;
      at_ += found->text.size();
      Binary(level + 1);
      Emit({.op = found->op}, -1);
    }
    --nesting_;
  }

  void Unary() {
    Skip();
    if (at_ == text_.size()) return Fail("something is missing here");
    const char c = text_[at_];
    if (c == '!' || c == '~') {
      ++at_;
      if (++nesting_ > 200) return Fail("the expression is nested too deeply");
      Unary();
      --nesting_;
      return Emit({.op = c == '!' ? Op::kNot : Op::kComplement}, 0);
    }
    if (c == '(') {
      ++at_;
      Binary(0);
      Skip();
      if (at_ == text_.size() || text_[at_] != ')') return Fail("')' is missing");
      ++at_;
      return;
    }
    if (!IsWord(c)) return Fail("a number or a name is missing");
    size_t end = at_;
    while (end < text_.size() && IsWord(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      Number(word);
    } else {
      Name(word);
    }
    if (error_.empty()) at_ = end;
  }

  void Number(std::string_view word) {
    const bool hex = word.substr(0, 2) == "0x";
    const std::string_view digits = hex ? word.substr(2) : word;
    uint64_t number = 0;
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
    if (code != std::errc() || end != digits.data() + digits.size()) return Fail("no such number");
    Emit({.op = Op::kNumber, .number = number}, 1);
  }

  void Name(std::string_view word) {
    for (const NamedVariable& named : kNames) {
      if (named.name == word) {
        return Emit({.op = Op::kVariable, .which = static_cast<uint8_t>(named.variable)}, 1);
      }
    }
    constexpr std::string_view kSides[] = {"in.", "left.", "right."};
    for (uint8_t side = 0; side < 3 && layout_ != nullptr; ++side) {
      if (word.substr(0, kSides[side].size()) != kSides[side]) continue;
      for (const FieldLayout& field : layout_->fields) {
        if (word.substr(kSides[side].size()) != field.name) continue;
        return Emit({.op = Op::kField, .which = side, .width = field.width, .offset = field.offset},
                    1);
      }
    }
    Fail("there is no '" + std::string(word) + "'");
  }

  std::string_view text_;
  const StructLayout* layout_;
  size_t at_ = 0;
  int depth_ = 0, nesting_ = 0;
  std::string error_;
  Expression expression_;
};

absl::StatusOr<Expression> Expression::Parse(std::string_view text, const StructLayout* layout) {
  return ExpressionParser(text, layout).Parse();
}

uint64_t Expression::Evaluate(const ExpressionInput& input) const {
  uint64_t stack[kMaxDepth];
  size_t top = 0;
  const std::span<const uint8_t> structs[] = {input.in, input.swapped ? input.right : input.left,
                                              input.swapped ? input.left : input.right};
  for (const Instruction& i : code_) {
    if (i.op == Op::kNumber) {
      stack[top++] = i.number;
    } else if (i.op == Op::kVariable) {
      const auto variable = static_cast<Variable>(i.which);
      stack[top++] =
          (*input.variables)[static_cast<size_t>(input.swapped ? Mirror(variable) : variable)];
    } else if (i.op == Op::kField) {
      const std::span<const uint8_t> bytes = structs[i.which];
      uint64_t value = 0;
      if (size_t{i.offset} + i.width <= bytes.size()) {
        std::memcpy(&value, bytes.data() + i.offset, i.width);
      }
      stack[top++] = value;
    } else if (i.op == Op::kNot) {
      stack[top - 1] = stack[top - 1] == 0;
    } else if (i.op == Op::kComplement) {
      stack[top - 1] = ~stack[top - 1];
    } else {
      const uint64_t b = stack[--top];
      uint64_t& a = stack[top - 1];
      switch (i.op) {
        case Op::kOr:
          a = a != 0 || b != 0;
          break;
        case Op::kAnd:
          a = a != 0 && b != 0;
          break;
        case Op::kEqual:
          a = a == b;
          break;
        case Op::kUnequal:
          a = a != b;
          break;
        case Op::kLess:
          a = a < b;
          break;
        case Op::kLessEqual:
          a = a <= b;
          break;
        case Op::kGreater:
          a = a > b;
          break;
        case Op::kGreaterEqual:
          a = a >= b;
          break;
        case Op::kBitOr:
          a |= b;
          break;
        case Op::kBitAnd:
          a &= b;
          break;
        case Op::kAdd:
          a += b;
          break;
        case Op::kSubtract:
          a -= b;
          break;
        case Op::kModulo:
          a = b == 0 ? 0 : a % b;
          break;
        default:
          break;
      }
    }
  }
  return top == 0 ? 0 : stack[top - 1];
}

}  // namespace iovalid::conformance
