// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_CATALOGUE_EXPRESSION_H_
#define IOVALID_CONFORMANCE_CATALOGUE_EXPRESSION_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/decode_tables.h"

namespace iovalid::conformance {

// What an expression of the catalogue can ask for besides the fields of structs.
enum class Variable : uint8_t {
  kArg,      // arg: the integer argument of the call, the pages of mdev_pin
  kLeftRet,  // left.ret, right.ret: return values (-1 for a failure)
  kRightRet,
  kLeftRemoved,  // left.removed, right.removed: bytes of mappings that the call removed
  kRightRemoved,
  kLeftAdded,  // left.added, right.added: bytes of mappings that it added
  kRightAdded,
  kLeftAttached,  // left.attached, right.attached: devices in a domain before the call; of those
                  // of the container, for a call on one that attaches and detaches none, and
                  // for GET_DEVICE_FD
  kRightAttached,
  kLeftMapped,  // left.mapped, right.mapped: bytes of mappings before the call
  kRightMapped,
  kLeftType,  // left.type, right.type: argument of the last SET_IOMMU that succeeded on
               // the container that an ioctl addresses; 0: none
  kRightType,
  kLeftWrote,  // left.wrote, right.wrote: 1 where the call changed its struct
  kRightWrote,
  kLeftContainer,  // left.container, right.container: after the call the number of the container
                   // that an ioctl's descriptor is or that its group is in, from 1; 0: none
  kRightContainer,
  // From here on of both sides together.
  kRangeDiffers,  // range.differs: 1 where the mappings in [in.iova, in.iova + in.size - 1]
                  // differed before the call
  kMappingsNew,   // mappings.new: how many mappings differ that did not differ before the call
  kVariables,
};
using Variables = std::array<uint64_t, static_cast<size_t>(Variable::kVariables)>;

// The structs of one call that an expression reads. Bytes beyond the end of one read as zeroes.
struct ExpressionInput {
  std::span<const uint8_t> in, left, right;
  const Variables* variables = nullptr;
  bool swapped = false;  // left is right and right is left
};

// A condition in the notation of C over unsigned 64-bit numbers: || && == != < <= > >= | & + - % !
// ~ and parentheses; decimal and hexadecimal numbers; the variables above; the fields of the call's
// struct, as they were given (in.size) and as each side left them (left.size, right.size).
class Expression {
 public:
  // `layout` may be null, for calls without a struct. InvalidArgument names what is wrong.
  static absl::StatusOr<Expression> Parse(std::string_view text, const StructLayout* layout);

  uint64_t Evaluate(const ExpressionInput& input) const;

 private:
  friend class ExpressionParser;

  enum class Op : uint8_t {
    kNumber,
    kVariable,
    kField,  // push
    kOr,
    kAnd,
    kEqual,
    kUnequal,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kBitOr,
    kBitAnd,
    kAdd,
    kSubtract,
    kModulo,  // of the two topmost
    kNot,
    kComplement,  // of the topmost
  };
  struct Instruction {
    Op op;
    uint8_t which = 0;  // field: 0 in, 1 left, 2 right; variable: Variable
    uint8_t width = 0;  // field: bytes
    uint16_t offset = 0;
    uint64_t number = 0;
  };
  static constexpr size_t kMaxDepth = 16;

  std::vector<Instruction> code_;  // postfix
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_CATALOGUE_EXPRESSION_H_
