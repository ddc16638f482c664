// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_JSON_LINE_H_
#define IOVALID_TRACES_JSON_LINE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace iovalid::traces {

// A strict parser for one line of JSON as recordings have it: no fractions or exponents, nesting to
// a depth of 8, integers within 64 bits, valid UTF-8. Errors are InvalidArgument and give the
// column, counting bytes from 1. Reusing one object reuses its memory.
class JsonLine {
 public:
  enum class Type : uint8_t { kNull, kBool, kInt, kString, kArray, kObject };

  struct Node {
    Type type = Type::kNull;
    bool boolean = false;
    bool negative = false;      // of an integer
    uint64_t magnitude = 0;     // of an integer
    std::string_view key;       // of an object's member
    std::string_view text;      // of a string, unescaped; points into the line or the parser
    uint32_t count = 0;         // members or items
    uint32_t first_child = 0;   // 0: none
    uint32_t next_sibling = 0;  // 0: none
    size_t column = 0;
  };

  // Parses a line that must hold exactly one object. `line` must live as long as the nodes are
  // used.
  absl::Status Parse(std::string_view line);

  const Node& root() const { return nodes_[0]; }
  // The first child and the next one; nullptr when there is none.
  const Node* First(const Node& parent) const { return At(parent.first_child); }
  const Node* Next(const Node& node) const { return At(node.next_sibling); }
  // The member of an object, nullptr when there is none.
  const Node* Find(const Node& object, std::string_view key) const;

 private:
  const Node* At(uint32_t index) const { return index == 0 ? nullptr : &nodes_[index]; }
  absl::Status Error(const std::string& what) const;
  void SkipBlanks();
  absl::Status ParseValue(uint32_t node, int depth);
  absl::Status ParseContainer(uint32_t node, int depth, bool object);
  absl::Status ParseNumber(uint32_t node);
  absl::Status ParseString(std::string_view* out);
  absl::Status ParseEscape(std::string* out);
  absl::Status ParseHex4(uint32_t* value);
  bool Eat(std::string_view word);

  std::string_view line_;
  size_t pos_ = 0;
  std::vector<Node> nodes_;
  std::deque<std::string> unescaped_;
};

// True for a well-formed UTF-8 string (no overlong forms, no surrogates).
bool IsValidUtf8(std::string_view text);

// Appends `text` as a JSON string with its quotes.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_JSON_LINE_H_
