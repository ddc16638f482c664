// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_TRACES_GOLDEN_FIELDS_H_
#define IOVALID_TRACES_GOLDEN_FIELDS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "traces/errno_names.h"
#include "traces/json_line.h"
#include "traces/spelling.h"
#include "traces/trace.pb.h"

namespace iovalid::traces {

// Takes typed members out of one object. The first thing that is missing or wrong is remembered and
// makes status() fail; the values are then unspecified.
class GoldenFields {
 public:
  using Node = JsonLine::Node;
  using Type = JsonLine::Type;

  GoldenFields(const JsonLine& json, const Node& object) : json_(json), object_(object) {}

  const absl::Status& status() const { return status_; }
  bool Has(std::string_view key) const { return json_.Find(object_, key) != nullptr; }

  std::string Str(std::string_view key) { return std::string(Text(Required(key), key)); }
  std::string OptStr(std::string_view key) {
    const Node* node = json_.Find(object_, key);
    return node == nullptr ? std::string() : std::string(Text(node, key));
  }
  bool Bool(std::string_view key) {
    const Node* node = Required(key);
    if (node != nullptr && node->type != Type::kBool) Wrong(*node, key, "not true or false");
    return node != nullptr && node->boolean;
  }
  uint64_t U64(std::string_view key) { return Unsigned(Required(key), key, UINT64_MAX); }
  uint32_t U32(std::string_view key) {
    return static_cast<uint32_t>(Unsigned(Required(key), key, UINT32_MAX));
  }
  int64_t I64(std::string_view key) { return Signed(Required(key), key); }
  uint64_t Hex(std::string_view key) { return HexOf(Required(key), key, UINT64_MAX); }
  uint32_t Hex32(std::string_view key) {
    return static_cast<uint32_t>(HexOf(Required(key), key, UINT32_MAX));
  }
  std::string Bytes(std::string_view key) {
    std::string bytes;
    const Node* node = Required(key);
    std::string_view hex = Text(node, key);
    if (node != nullptr && !BytesFromHex(hex, &bytes)) Wrong(*node, key, "not hex digits");
    return bytes;
  }
  // Members of the named array or nothing when it is absent.
  const Node* Array(std::string_view key) {
    const Node* node = json_.Find(object_, key);
    if (node != nullptr && node->type != Type::kArray) {
      Wrong(*node, key, "not an array");
      return nullptr;
    }
    return node;
  }
  const Node* Object(std::string_view key) {
    const Node* node = Required(key);
    if (node != nullptr && node->type != Type::kObject) {
      Wrong(*node, key, "not an object");
      return nullptr;
    }
    return node;
  }

  uint32_t Prot(std::string_view key) { return Spelled(key, ProtFromName, "access rights"); }
  MemoryKind Kind(std::string_view key) { return Spelled(key, KindFromName, "kind of memory"); }
  Touched Touch(std::string_view key) { return Spelled(key, TouchedFromName, "touch"); }
  uint32_t Errno(std::string_view key) { return Spelled(key, ErrnoFromName, "errno name"); }
  Mode OfMode(std::string_view key) { return Spelled(key, ModeFromName, "mode"); }

  DeviceKind OfKind(std::string_view key) {
    return Spelled(key, DeviceKindFromName, "kind of device");
  }
  DmaUnmap OfDmaUnmap(std::string_view key) {
    return Spelled(key, DmaUnmapFromName, "behaviour of a driver");
  }
  int32_t I32(std::string_view key) {
    const Node* node = Required(key);
    const int64_t value = Signed(node, key);
    if (value != static_cast<int32_t>(value)) Wrong(*node, key, "not a number of 32 bits");
    return static_cast<int32_t>(value);
  }

  // Items of arrays.
  std::string_view Text(const Node* node, std::string_view key) {
    if (node == nullptr) return {};
    if (node->type != Type::kString) Wrong(*node, key, "not a string");
    return node->text;
  }
  uint64_t Unsigned(const Node* node, std::string_view key, uint64_t most) {
    if (node == nullptr) return 0;
    if (node->type != Type::kInt || node->negative || node->magnitude > most) {
      Wrong(*node, key,
            most == UINT32_MAX ? "not a number from 0 to 2^32-1" : "not a number from 0 to 2^64-1");
    }
    return node->magnitude;
  }
  int64_t Signed(const Node* node, std::string_view key) {
    if (node == nullptr) return 0;
    if (node->type != Type::kInt ||
        (!node->negative && node->magnitude > uint64_t{std::numeric_limits<int64_t>::max()})) {
      Wrong(*node, key, "not a signed 64-bit number");
      return 0;
    }
    return static_cast<int64_t>(node->negative ? -node->magnitude : node->magnitude);
  }
  uint64_t HexOf(const Node* node, std::string_view key, uint64_t most) {
    if (node == nullptr) return 0;
    auto value = HexNumber(Text(node, key));
    if (!value || *value > most) {
      Wrong(*node, key, "not a number of the form \"0x...\"");
      return 0;
    }
    return *value;
  }

  void Wrong(const Node& node, std::string_view key, std::string_view why) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        absl::StrCat("column ", node.column, ": \"", std::string(key), "\": ", std::string(why)));
  }

 private:
  const Node* Required(std::string_view key) {
    const Node* node = json_.Find(object_, key);
    if (node == nullptr && status_.ok()) {
      status_ = absl::InvalidArgumentError(
          absl::StrCat("column ", object_.column, ": no \"", std::string(key), "\""));
    }
    return node;
  }
  template <typename T>
  T Spelled(std::string_view key, std::optional<T> (*parse)(std::string_view), const char* what) {
    const Node* node = Required(key);
    const std::optional<T> value = parse(Text(node, key));
    if (node != nullptr && !value) Wrong(*node, key, absl::StrCat("not a known ", what));
    return value.value_or(T{});
  }

  const JsonLine& json_;
  const Node& object_;
  absl::Status status_;
};

// Walks an array of arrays, each of `width` items.
template <typename Each>
void EachRow(const JsonLine& json, GoldenFields* fields, std::string_view key, uint32_t width,
             Each each) {
  const JsonLine::Node* array = fields->Array(key);
  if (array == nullptr) return;
  for (const JsonLine::Node* row = json.First(*array); row != nullptr; row = json.Next(*row)) {
    if (row->type != JsonLine::Type::kArray || row->count != width) {
      fields->Wrong(*row, key, absl::StrCat("not an array of ", width));
      return;
    }
    const JsonLine::Node* items[4] = {};
    uint32_t n = 0;
    for (const JsonLine::Node* item = json.First(*row); item != nullptr; item = json.Next(*item)) {
      items[n++] = item;
    }
    each(items);
    if (!fields->status().ok()) return;
  }
}

// The serialised message in a `bytes` key, for what the keys cannot express.
template <typename Message>
bool ParseWholeMessage(GoldenFields* f, Message* message) {
  return message->ParseFromString(f->Bytes("bytes"));
}

}  // namespace iovalid::traces

#endif  // IOVALID_TRACES_GOLDEN_FIELDS_H_
