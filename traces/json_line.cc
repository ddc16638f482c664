// SPDX-License-Identifier: Apache-2.0
#include "traces/json_line.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace iovalid::traces {
namespace {

constexpr int kMaxDepth = 8;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | code >> 6));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | code >> 12));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | code >> 18));
    out->push_back(static_cast<char>(0x80 | (code >> 12 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

}  // namespace

absl::Status JsonLine::Error(const std::string& what) const {
  return absl::InvalidArgumentError(absl::StrCat("column ", pos_ + 1, ": ", what));
}

void JsonLine::SkipBlanks() {
  while (pos_ < line_.size() && (line_[pos_] == ' ' || line_[pos_] == '\t')) ++pos_;
}

bool JsonLine::Eat(std::string_view word) {
  if (line_.substr(pos_, word.size()) != word) return false;
  pos_ += word.size();
  return true;
}

absl::Status JsonLine::Parse(std::string_view line) {
  line_ = line;
  pos_ = 0;
  nodes_.clear();
  unescaped_.clear();
  nodes_.emplace_back();
  SkipBlanks();
  if (pos_ == line_.size() || line_[pos_] != '{') return Error("expected a JSON object");
  if (auto status = ParseValue(0, 0); !status.ok()) return status;
  SkipBlanks();
  if (pos_ != line_.size()) return Error("something after the JSON object");
  return absl::OkStatus();
}

const JsonLine::Node* JsonLine::Find(const Node& object, std::string_view key) const {
  for (const Node* node = First(object); node != nullptr; node = Next(*node)) {
    if (node->key == key) return node;
  }
  return nullptr;
}

absl::Status JsonLine::ParseValue(uint32_t node, int depth) {
  SkipBlanks();
  nodes_[node].column = pos_ + 1;
  if (pos_ == line_.size()) return Error("the line ends early");
  switch (line_[pos_]) {
    case '{':
      return ParseContainer(node, depth, true);
    case '[':
      return ParseContainer(node, depth, false);
    case '"': {
      nodes_[node].type = Type::kString;
      std::string_view text;
      if (auto status = ParseString(&text); !status.ok()) return status;
      nodes_[node].text = text;
      return absl::OkStatus();
    }
    case 't':
    case 'f':
    case 'n':
      if (Eat("null")) return absl::OkStatus();
      nodes_[node].type = Type::kBool;
      nodes_[node].boolean = line_[pos_] == 't';
      if (Eat("true") || Eat("false")) return absl::OkStatus();
      return Error("not a JSON value");
    default:
      return ParseNumber(node);
  }
}

absl::Status JsonLine::ParseContainer(uint32_t node, int depth, bool object) {
  const char close = object ? '}' : ']';
  if (depth == kMaxDepth) return Error("nested too deeply");
  nodes_[node].type = object ? Type::kObject : Type::kArray;
  ++pos_;
  SkipBlanks();
  if (pos_ < line_.size() && line_[pos_] == close) {
    ++pos_;
    return absl::OkStatus();
  }
  uint32_t previous = 0;
  for (;;) {
    const uint32_t child = static_cast<uint32_t>(nodes_.size());
    nodes_.emplace_back();
    (previous == 0 ? nodes_[node].first_child : nodes_[previous].next_sibling) = child;
    ++nodes_[node].count;
    previous = child;
    if (object) {
      SkipBlanks();
      if (pos_ == line_.size() || line_[pos_] != '"') return Error("expected a key in quotes");
      std::string_view key;
      if (auto status = ParseString(&key); !status.ok()) return status;
      nodes_[child].key = key;
      SkipBlanks();
      if (!Eat(":")) return Error("expected ':'");
    }
    if (auto status = ParseValue(child, depth + 1); !status.ok()) return status;
    SkipBlanks();
    if (Eat(",")) continue;
    if (pos_ < line_.size() && line_[pos_] == close) {
      ++pos_;
      return absl::OkStatus();
    }
    return Error(pos_ == line_.size()
                     ? std::string("the line ends early")
                     : absl::StrCat("expected ',' or '", std::string(1, close), "'"));
  }
}

absl::Status JsonLine::ParseNumber(uint32_t node) {
  const size_t start = pos_;
  const bool negative = Eat("-");
  uint64_t value = 0;
  const size_t digits = pos_;
  while (pos_ < line_.size() && line_[pos_] >= '0' && line_[pos_] <= '9') {
    const uint64_t digit = static_cast<uint64_t>(line_[pos_] - '0');
    if (value > (UINT64_MAX - digit) / 10) return Error("a number beyond 64 bits");
    value = value * 10 + digit;
    ++pos_;
  }
  if (pos_ == digits) {
    pos_ = start;
    return Error("not a JSON value");
  }
  if (pos_ - digits > 1 && line_[digits] == '0') return Error("a number with a leading zero");
  if (pos_ < line_.size() && (line_[pos_] == '.' || line_[pos_] == 'e' || line_[pos_] == 'E')) {
    return Error("not an integer");
  }
  if (negative && value > uint64_t{1} << 63) return Error("a number beyond 64 bits");
  nodes_[node].type = Type::kInt;
  nodes_[node].negative = negative && value != 0;
  nodes_[node].magnitude = value;
  return absl::OkStatus();
}

absl::Status JsonLine::ParseString(std::string_view* out) {
  const size_t start = ++pos_;
  std::string* copy = nullptr;
  bool ascii = true;
  for (;;) {
    if (pos_ == line_.size()) return Error("a string without end");
    const char c = line_[pos_];
    if (c == '"') break;
    if (static_cast<unsigned char>(c) < 0x20) return Error("a control character in a string");
    if (static_cast<unsigned char>(c) >= 0x80) ascii = false;
    if (c == '\\') {
      if (copy == nullptr) copy = &unescaped_.emplace_back(line_.substr(start, pos_ - start));
      if (auto status = ParseEscape(copy); !status.ok()) return status;
      continue;
    }
    if (copy != nullptr) copy->push_back(c);
    ++pos_;
  }
  *out = copy != nullptr ? std::string_view(*copy) : line_.substr(start, pos_ - start);
  if (!ascii && !IsValidUtf8(*out)) {
    pos_ = start;
    return Error("a string that is not UTF-8");
  }
  ++pos_;
  return absl::OkStatus();
}

absl::Status JsonLine::ParseHex4(uint32_t* value) {
  *value = 0;
  for (int i = 0; i < 4; ++i, ++pos_) {
    const int digit = pos_ < line_.size() ? HexDigit(line_[pos_]) : -1;
    if (digit < 0) return Error("\\u without four hex digits");
    *value = *value << 4 | static_cast<uint32_t>(digit);
  }
  return absl::OkStatus();
}

absl::Status JsonLine::ParseEscape(std::string* out) {
  ++pos_;
  if (pos_ == line_.size()) return Error("a string without end");
  const char c = line_[pos_++];
  switch (c) {
    case '"':
    case '\\':
    case '/':
      out->push_back(c);
      return absl::OkStatus();
    case 'b':
      out->push_back('\b');
      return absl::OkStatus();
    case 'f':
      out->push_back('\f');
      return absl::OkStatus();
    case 'n':
      out->push_back('\n');
      return absl::OkStatus();
    case 'r':
      out->push_back('\r');
      return absl::OkStatus();
    case 't':
      out->push_back('\t');
      return absl::OkStatus();
    case 'u':
      break;
    default:
      --pos_;
      return Error("an unknown escape");
  }
  uint32_t code = 0;
  if (auto status = ParseHex4(&code); !status.ok()) return status;
  if (code >= 0xd800 && code < 0xdc00 && Eat("\\u")) {
    uint32_t low = 0;
    if (auto status = ParseHex4(&low); !status.ok()) return status;
    if (low < 0xdc00 || low >= 0xe000) return Error("half a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (code >= 0xd800 && code < 0xe000) {
    return Error("half a surrogate pair");
  }
  AppendUtf8(code, out);
  return absl::OkStatus();
}

bool IsValidUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4) return false;
    uint32_t code = lead & (0x3fu >> more);
    for (int k = 0; k < more; ++k, ++i) {
      if (i == text.size() || (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return false;
      code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
    }
    const uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  }
  return true;
}

void AppendJsonString(std::string_view text, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out->append("\\u00");
      out->push_back(kDigits[c >> 4]);
      out->push_back(kDigits[c & 15]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

}  // namespace iovalid::traces
