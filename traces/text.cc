// SPDX-License-Identifier: Apache-2.0
#include "traces/text.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "traces/errno_names.h"
#include "traces/limits.h"
#include "traces/spelling.h"
#include "traces/text_parse.h"
#include "traces/validate.h"

namespace iovalid::traces {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

// Bytes as hex digits, four bytes to a group.
class BytesPrinter : public TextFormat::FastFieldValuePrinter {
 public:
  void PrintBytes(const std::string& bytes,
                  TextFormat::BaseTextGenerator* generator) const override {
    constexpr size_t kGroup = 4;
    std::string text = "\"";
    for (size_t i = 0; i < bytes.size(); i += kGroup) {
      if (i > 0) text.push_back(' ');
      AppendHex(std::string_view(bytes).substr(i, kGroup), &text);
    }
    generator->PrintString(text + "\"");
  }
};

class HexPrinter : public TextFormat::FastFieldValuePrinter {
 public:
  void PrintUInt32(uint32_t value, TextFormat::BaseTextGenerator* generator) const override {
    PrintUInt64(value, generator);
  }
  void PrintUInt64(uint64_t value, TextFormat::BaseTextGenerator* generator) const override {
    std::string text;
    AppendHexNumber(value, &text);
    generator->PrintString(text);
  }
};

class ErrnoPrinter : public TextFormat::FastFieldValuePrinter {
 public:
  void PrintUInt32(uint32_t value, TextFormat::BaseTextGenerator* generator) const override {
    generator->PrintString(ErrnoToName(value));
  }
};

bool IsShownInHex(const FieldDescriptor& field) {
  static const auto* names = new std::set<std::string>{
      "addr",    "at",         "cap",     "ecap",     "events",  "first", "flags",
      "iova",    "last",       "len",     "new_addr", "new_len", "nr",    "off",
      "old_len", "page_sizes", "pointer", "revents",  "va"};
  const bool is_unsigned = field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64 ||
                           field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32;
  return is_unsigned && names->count(field.name()) != 0;
}

const TextFormat::Printer& OneLinePrinter() {
  static const auto* printer = [] {
    auto* made = new TextFormat::Printer;
    made->SetSingleLineMode(true);
    made->SetDefaultFieldValuePrinter(new BytesPrinter);
    const google::protobuf::FileDescriptor* file = Event::descriptor()->file();
    for (int i = 0; i < file->message_type_count(); ++i) {
      for (int j = 0; j < file->message_type(i)->field_count(); ++j) {
        const FieldDescriptor* field = file->message_type(i)->field(j);
        if (IsShownInHex(*field)) made->RegisterFieldValuePrinter(field, new HexPrinter);
      }
    }
    made->RegisterFieldValuePrinter(Outcome::descriptor()->FindFieldByName("error"),
                                    new ErrnoPrinter);
    return made;
  }();
  return *printer;
}

bool HasUnknownFields(const Message& message) {
  const Reflection& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) return true;
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      if (HasUnknownFields(reflection.GetMessage(message, field))) return true;
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (HasUnknownFields(reflection.GetRepeatedMessage(message, field, i))) return true;
    }
  }
  return false;
}

// The fields of the message itself a line each, what they contain behind them on that line.
std::string Block(const char* name, const Message& message) {
  std::string out = absl::StrCat(name, " {\n");
  if (HasUnknownFields(message)) {
    out += "  # has fields that this version does not know\n  serialized: \"";
    AppendHex(message.SerializeAsString(), &out);
    return out + "\"\n}\n";
  }
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  std::string text;
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const int index = field->is_repeated() ? i : -1;
      text.clear();
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        const Message& inner = field->is_repeated()
                                   ? reflection.GetRepeatedMessage(message, field, i)
                                   : reflection.GetMessage(message, field);
        OneLinePrinter().PrintToString(inner, &text);
        absl::StrAppend(&out, "  ", field->name(), text.empty() ? " {" : " { ", text, "}\n");
      } else {
        OneLinePrinter().PrintFieldValueToString(message, field, index, &text);
        absl::StrAppend(&out, "  ", field->name(), ": ", text, "\n");
      }
    }
  }
  return out + "}\n";
}

class TextReader : public EventSource {
 public:
  explicit TextReader(const std::string& path) : scanner_(path) {}
  TextReader(const std::string& path, std::string contents)
      : scanner_(path, std::move(contents)) {}

  absl::Status ReadHeader() {
    if (auto status = scanner_.Open(); !status.ok()) return status;
    auto more = scanner_.Next(&block_);
    if (!more.ok()) return more.status();
    if (!*more || block_.name != "header") {
      return absl::InvalidArgumentError(absl::StrCat(scanner_.path(), ":",
                                                     *more ? block_.first_line : 1,
                                                     ": a text trace begins with header { ... }"));
    }
    if (auto status = ParseBlock(block_, scanner_.path(), &header_); !status.ok()) return status;
    return Located(ValidateHeader(header_));
  }

  const Header& header() const override { return header_; }
  std::string Where() const override {
    return absl::StrCat(scanner_.path(), ":", block_.first_line);
  }

  absl::StatusOr<bool> Next(Event* event) override {
    if (at_end_) {
      if (!broken_.ok()) return broken_;
      return false;
    }
    auto more = scanner_.Next(&block_);
    absl::Status status = more.status();
    if (status.ok() && !*more) {
      at_end_ = true;
      return false;
    }
    if (status.ok() && block_.name != "event") {
      status = Located(absl::InvalidArgumentError("a second header"));
    }
    if (status.ok()) {
      event->Clear();
      status = ParseBlock(block_, scanner_.path(), event);
    }
    if (status.ok()) status = Located(ValidateEvent(*event));
    if (status.ok() && event->ByteSizeLong() > kMaxEventBytes) {
      status = Located(absl::InvalidArgumentError("the event is larger than 1 MiB"));
    }
    if (status.ok()) return true;
    at_end_ = true;
    broken_ = status;
    return broken_;
  }

 private:
  absl::Status Located(const absl::Status& status) const {
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat(Where(), ": ", std::string(status.message())));
  }

  TextScanner scanner_;
  TextBlock block_;
  Header header_;
  bool at_end_ = false;
  absl::Status broken_;
};

}  // namespace

std::string EventToText(const Event& event) { return Block("event", event); }
std::string HeaderToText(const Header& header) { return Block("header", header); }

absl::StatusOr<std::unique_ptr<EventSource>> OpenText(const std::string& path) {
  auto reader = std::make_unique<TextReader>(path);
  if (auto status = reader->ReadHeader(); !status.ok()) return status;
  return reader;
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenTextFromString(const std::string& name,
                                                                std::string contents) {
  auto reader = std::make_unique<TextReader>(name, std::move(contents));
  if (auto status = reader->ReadHeader(); !status.ok()) return status;
  return reader;
}

absl::Status WriteText(EventSource& source, std::ostream& out) {
  out << "# iovalid trace, text form\n" << HeaderToText(source.header());
  absl::Status status;
  for (const Event& event : Events(source, &status)) {
    out << '\n' << EventToText(event);
    if (!out) return absl::UnavailableError("cannot write the text trace");
  }
  if (!status.ok()) return status;
  out.flush();
  if (!out) return absl::UnavailableError("cannot write the text trace");
  return absl::OkStatus();
}

}  // namespace iovalid::traces
