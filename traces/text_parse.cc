// SPDX-License-Identifier: Apache-2.0
#include "traces/text_parse.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "traces/errno_names.h"
#include "traces/limits.h"
#include "traces/spelling.h"
#include "traces/trace.pb.h"

namespace iovalid::traces {
namespace {

constexpr int kMaxDepth = 16;

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '+' || c == '.';
}

// The names of all bytes fields. No string field has one of these names (a test sees to it).
const std::set<std::string, std::less<>>& BytesFields() {
  static const auto* names = [] {
    auto* set = new std::set<std::string, std::less<>>;
    const google::protobuf::FileDescriptor* file = Event::descriptor()->file();
    for (int i = 0; i < file->message_type_count(); ++i) {
      for (int j = 0; j < file->message_type(i)->field_count(); ++j) {
        const google::protobuf::FieldDescriptor* field = file->message_type(i)->field(j);
        if (field->type() == google::protobuf::FieldDescriptor::TYPE_BYTES) {
          set->insert(field->name());
        }
      }
    }
    return set;
  }();
  return *names;
}

bool DecodeHex(std::string_view text, std::string* bytes) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ' && c != '\t') digits.push_back(c);
  }
  return BytesFromHex(digits, bytes);
}

void AppendEscaped(std::string_view bytes, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out->push_back('"');
  for (const char c : bytes) {
    out->append("\\x");
    out->push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    out->push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  out->push_back('"');
}

// Keeps the first complaint.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int /*column*/, const std::string& message) override {
    if (!message_.empty()) return;
    line_ = line;
    message_ = message;
  }
  int line() const { return line_; }
  const std::string& message() const { return message_; }

 private:
  int line_ = 0;
  std::string message_;
};

}  // namespace

absl::StatusOr<bool> TextScanner::SkipToToken(TextBlock* block) {
  for (;;) {
    if (!have_line_) {
      auto more = lines_.Next();
      if (!more.ok()) return more.status();
      if (!*more) return false;
      have_line_ = true;
      pos_ = 0;
    }
    const std::string& line = lines_.line();
    while (pos_ < line.size() && (line[pos_] == ' ' || line[pos_] == '\t' || line[pos_] == '\r')) {
      ++pos_;
    }
    if (pos_ < line.size() && line[pos_] != '#') return true;
    have_line_ = false;
    if (block != nullptr) block->body.push_back('\n');
  }
}

std::string_view TextScanner::ReadWord() {
  const std::string& line = lines_.line();
  const size_t start = pos_;
  while (pos_ < line.size() && IsWordChar(line[pos_])) ++pos_;
  return std::string_view(line).substr(start, pos_ - start);
}

absl::StatusOr<std::string_view> TextScanner::ReadQuoted() {
  const std::string& line = lines_.line();
  const char quote = line[pos_];
  const size_t start = ++pos_;
  while (pos_ < line.size() && line[pos_] != quote) pos_ += line[pos_] == '\\' ? 2 : 1;
  if (pos_ >= line.size()) return lines_.Error("a string without end");
  return std::string_view(line).substr(start, pos_++ - start);
}

// One token that is no brace: a name, a number, a string or a sign.
absl::Status TextScanner::ReadValue(const std::string& field, int depth, TextBlock* block) {
  const char c = lines_.line()[pos_];
  if (c == '"' || c == '\'') {
    auto text = ReadQuoted();
    if (!text.ok()) return text.status();
    std::string bytes;
    if (depth == 1 && field == "serialized") {
      if (!DecodeHex(*text, &block->serialized)) return lines_.Error("serialized: not hex digits");
    } else if (BytesFields().count(field) != 0) {
      if (!DecodeHex(*text, &bytes)) return lines_.Error(field + ": not hex digits, two a byte");
      AppendEscaped(bytes, &block->body);
    } else {
      absl::StrAppend(&block->body, std::string(1, c), std::string(*text), std::string(1, c));
    }
    block->body.push_back(' ');
    return absl::OkStatus();
  }
  if (IsWordChar(c)) {
    const std::string word(ReadWord());
    auto number = field == "error" ? ErrnoFromName(word) : std::nullopt;
    absl::StrAppend(&block->body, number ? std::to_string(*number) : word, " ");
    return absl::OkStatus();
  }
  block->body.push_back(c);
  ++pos_;
  return absl::OkStatus();
}

absl::StatusOr<bool> TextScanner::Next(TextBlock* block) {
  block->body.clear();
  block->serialized.clear();
  auto more = SkipToToken(nullptr);
  if (!more.ok() || !*more) return more;
  block->name = std::string(ReadWord());
  if (block->name != "header" && block->name != "event") {
    return lines_.Error("expected header { or event {");
  }
  std::string field;
  std::string before_colon;
  int depth = 0;
  uint64_t bytes = 0;
  uint64_t counted_line = 0;
  for (;;) {
    more = SkipToToken(block);
    if (!more.ok()) return more;
    if (!*more) return lines_.Error(block->name + " { without its }");
    if (lines_.number() != counted_line) {
      counted_line = lines_.number();
      bytes += lines_.line().size();
      if (bytes > kMaxLineBytes) return lines_.Error(block->name + " longer than 4 MiB");
    }
    const char c = lines_.line()[pos_];
    if (depth == 0) {
      if (c == ':') {
        ++pos_;
        continue;
      }
      if (c != '{') return lines_.Error(absl::StrCat("expected { after ", block->name));
      ++pos_;
      depth = 1;
      block->body.clear();
      block->first_line = lines_.number();
      continue;
    }
    if (c == '{') {
      if (++depth > kMaxDepth) return lines_.Error("nested too deeply");
      block->body.append("{ ");
      field.clear();
      ++pos_;
    } else if (c == '}') {
      ++pos_;
      if (--depth == 0) return true;
      block->body.append("} ");
      field.clear();
    } else if (c == ':') {
      ++pos_;
      field = before_colon;
      if (depth == 1 && field == "serialized") {
        // Not a field of the message: its name is taken out of the text again.
        block->body.resize(block->body.size() - field.size() - 1);
      } else {
        block->body.append(": ");
      }
    } else {
      const size_t start = pos_;
      if (auto status = ReadValue(field, depth, block); !status.ok()) return status;
      const std::string_view token = std::string_view(lines_.line()).substr(start, pos_ - start);
      // What follows a value is the next field's name, save for more pieces of the same string.
      if (c != '"' && c != '\'') {
        before_colon = std::string(token);
        field.clear();
      }
    }
  }
}

absl::Status ParseBlock(const TextBlock& block, const std::string& path,
                        google::protobuf::Message* message) {
  google::protobuf::LogSilencer silence;
  auto error = [&](uint64_t line, const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat(path, ":", line, ": ", what));
  };
  if (!block.serialized.empty()) {
    if (block.body.find_first_not_of(" \n") != std::string::npos) {
      return error(block.first_line, "serialized stands beside other fields");
    }
    if (!message->ParseFromString(block.serialized)) {
      return error(block.first_line, absl::StrCat("serialized is not a message of type ",
                                                  message->GetDescriptor()->name()));
    }
    return absl::OkStatus();
  }
  google::protobuf::TextFormat::Parser parser;
  FirstError first;
  parser.RecordErrorsTo(&first);
  parser.SetRecursionLimit(kMaxDepth);
  if (!parser.ParseFromString(block.body, message)) {
    return error(block.first_line + static_cast<uint64_t>(std::max(first.line(), 0)),
                 first.message());
  }
  return absl::OkStatus();
}

}  // namespace iovalid::traces
