// SPDX-License-Identifier: Apache-2.0
#include "conformance/trace_mutator.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "traces/chunk.h"
#include "traces/golden.h"
#include "traces/open_any.h"
#include "traces/random_event.h"
#include "traces/text.h"

namespace iovalid::conformance {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Random = std::mt19937_64;

size_t Below(Random& random, size_t n) { return n == 0 ? 0 : random() % n; }

// Numbers on which lengths, addresses and counts go wrong.
uint64_t Edge(Random& random) {
  static constexpr uint64_t kAnchors[] = {0,
                                          1,
                                          0x1000,
                                          0x7fffffff,
                                          0x80000000,
                                          0xffffffff,
                                          0xfee00000,
                                          0x70000000,
                                          0x100000000,
                                          0x8000000000,
                                          0x7ffffffff000,
                                          uint64_t{1} << 47,
                                          uint64_t{1} << 52,
                                          uint64_t{1} << 63,
                                          ~uint64_t{0},
                                          ~uint64_t{0} - 0xfff};
  const uint64_t anchor = kAnchors[Below(random, std::size(kAnchors))];
  switch (Below(random, 4)) {
    case 0:
      return anchor + random() % 3 - 1;
    case 1:
      return anchor + 0x1000 * (random() % 3 - 1);
    case 2:
      return uint64_t{1} << random() % 64;
    default:
      return anchor;
  }
}

void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

std::string Payload(const std::vector<traces::Event>& events) {
  std::string raw;
  for (const traces::Event& event : events) {
    AppendVarint(event.ByteSizeLong(), &raw);
    event.AppendToString(&raw);
  }
  return raw;
}

// A few changes to a string of bytes: bits, lengths, pieces that move, double or vanish.
void Scramble(Random& random, std::string* bytes) {
  for (size_t n = 1 + Below(random, 3); n > 0 && !bytes->empty(); --n) {
    const size_t at = Below(random, bytes->size());
    const size_t length = 1 + Below(random, std::min<size_t>(bytes->size() - at, 64));
    switch (Below(random, 7)) {
      case 0:
        (*bytes)[at] = static_cast<char>((*bytes)[at] ^ 1 << random() % 8);
        break;
      case 1: {  // a huge length, little-endian or as a varint
        std::string number;
        if (random() % 2 != 0) {
          traces::PutU32(static_cast<uint32_t>(Edge(random)), &number);
        } else {
          AppendVarint(Edge(random), &number);
        }
        bytes->replace(at, std::min(number.size(), bytes->size() - at), number);
        break;
      }
      case 2:
        bytes->erase(at, length);
        break;
      case 3:
        bytes->insert(Below(random, bytes->size() + 1), bytes->substr(at, length));
        break;
      case 4:
        bytes->resize(at);
        break;
      case 5:
        std::rotate(bytes->begin(), bytes->begin() + static_cast<std::ptrdiff_t>(at), bytes->end());
        break;
      default:
        (*bytes)[at] = static_cast<char>(random());
        break;
    }
  }
}

// A file of the given chunks with right checksums.
struct Chunk {
  traces::ChunkType type;
  std::string raw;
  uint32_t count;
  uint64_t first;
};

std::string Assemble(const std::vector<Chunk>& chunks) {
  traces::ChunkCompressor compressor;
  std::string file = traces::EncodePrefix();
  for (const Chunk& chunk : chunks) {
    const auto bytes = compressor.Encode(chunk.type, chunk.raw, chunk.count, chunk.first,
                                         chunk.type != traces::ChunkType::kTrailer, 1);
    if (bytes.ok()) file += *bytes;
  }
  return file;
}

// The chunks of a good file: its events in two chunks, an index, a trailer.
std::vector<Chunk> ChunksOf(const traces::Header& header,
                            const std::vector<traces::Event>& events) {
  const size_t half = events.size() / 2;
  const std::vector<traces::Event> a(events.begin(), events.begin() + static_cast<long>(half));
  const std::vector<traces::Event> b(events.begin() + static_cast<long>(half), events.end());
  std::vector<Chunk> chunks = {
      {traces::ChunkType::kHeader, header.SerializeAsString(), 1, 0},
      {traces::ChunkType::kEvents, Payload(a), static_cast<uint32_t>(a.size()), 0},
      {traces::ChunkType::kEvents, Payload(b), static_cast<uint32_t>(b.size()), a.size()}};
  if (a.empty()) chunks.erase(chunks.begin() + 1);
  const uint64_t first_offset =
      Assemble({chunks[0]}).size();  // of the first event chunk, which the index names
  const uint64_t index_offset = Assemble(chunks).size();
  std::string index, trailer;
  traces::PutU64(0, &index);
  traces::PutU64(first_offset, &index);
  traces::PutU64(index_offset, &trailer);
  traces::PutU64(events.size(), &trailer);
  traces::PutU64(chunks.size() - 1, &trailer);
  chunks.push_back({traces::ChunkType::kIndex, index, 1, 0});
  chunks.push_back({traces::ChunkType::kTrailer, trailer, 0, events.size()});
  return chunks;
}

// Every handle of an event that some other event calls something.
void ChangeNames(Random& random, Message* message) {
  static constexpr const char* kNames[] = {"c0", "g0", "g1", "d0", "c1",  "v0", "i0",
                                           "0",  "-1", "3",  "",   "999", "zz", "2147483647"};
  const auto* type = message->GetDescriptor();
  const auto* reflection = message->GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->is_repeated()) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      for (int k = 0; k < reflection->FieldSize(*message, field); ++k) {
        ChangeNames(random, reflection->MutableRepeatedMessage(message, field, k));
      }
      continue;
    }
    if (!reflection->HasField(*message, field)) continue;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      ChangeNames(random, reflection->MutableMessage(message, field));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING &&
               field->type() != FieldDescriptor::TYPE_BYTES && random() % 2 == 0) {
      reflection->SetString(message, field, kNames[Below(random, std::size(kNames))]);
    }
  }
}

// Every number of an event, one time in four, becomes an edge.
void ChangeNumbers(Random& random, Message* message) {
  const auto* type = message->GetDescriptor();
  const auto* reflection = message->GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->is_repeated() || !reflection->HasField(*message, field)) continue;
    const uint64_t edge = Edge(random);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        ChangeNumbers(random, reflection->MutableMessage(message, field));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        if (random() % 4 == 0) reflection->SetUInt64(message, field, edge);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        if (random() % 4 == 0) reflection->SetInt64(message, field, static_cast<int64_t>(edge));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        if (random() % 4 == 0) reflection->SetUInt32(message, field, static_cast<uint32_t>(edge));
        break;
      default:
        break;
    }
  }
}

// Words of an ioctl's struct become edges; sometimes the struct grows or shrinks with its answer.
void ChangeStruct(Random& random, traces::Event* event) {
  if (event->what_case() != traces::Event::kIoctl) return;
  traces::Ioctl* ioctl = event->mutable_ioctl();
  if (ioctl->argument_case() != traces::Ioctl::kIn) {
    ioctl->set_integer(static_cast<int64_t>(Edge(random)));
    return;
  }
  std::string in = ioctl->in();
  if (random() % 4 == 0) in.resize(Below(random, 200));
  for (size_t n = 1 + Below(random, 2); n > 0 && in.size() >= 8; --n) {
    std::string word;
    const bool wide = random() % 2 == 0;
    if (wide) {
      traces::PutU64(Edge(random), &word);
    } else {
      traces::PutU32(static_cast<uint32_t>(random() % 2 == 0 ? Edge(random) : random() % 64),
                     &word);
    }
    const size_t at = Below(random, in.size() / word.size()) * word.size();
    in.replace(at, word.size(), word);
  }
  ioctl->set_in(in);
  event->clear_outcome();
}

}  // namespace

absl::Status TraceMutator::AddSeeds(const std::string& path, size_t max_events) {
  auto source = traces::OpenAny(path);
  if (!source.ok()) return source.status();
  Seed seed{(*source)->header(), {}};
  absl::Status status;
  for (const traces::Event& event : traces::Events(**source, &status)) {
    if (event.has_sequence_begin() && !seed.events.empty()) {
      seeds_.push_back(seed);
      seed.events.clear();
    }
    if (seed.events.size() < max_events) seed.events.push_back(event);
  }
  if (status.ok() && !seed.events.empty()) seeds_.push_back(seed);
  return status;
}

std::string TraceMutator::FileLevel(Seed seed, Random& random) const {
  std::vector<Chunk> chunks = ChunksOf(seed.header, seed.events);
  switch (Below(random, 4)) {
    case 0:
      std::swap(chunks[Below(random, chunks.size())], chunks[Below(random, chunks.size())]);
      return Assemble(chunks);
    case 1:
      chunks.push_back(chunks[Below(random, chunks.size())]);
      return Assemble(chunks);
    case 2: {
      Chunk& chunk = chunks[Below(random, chunks.size())];
      if (random() % 2 == 0) chunk.first = Edge(random);
      chunk.count = random() % 2 == 0 ? chunk.count : static_cast<uint32_t>(Edge(random));
      return Assemble(chunks);
    }
    default: {
      std::string file = Assemble(chunks);
      Scramble(random, &file);
      return file;
    }
  }
}

std::string TraceMutator::PayloadLevel(const Seed& seed, Random& random) const {
  std::vector<Chunk> chunks = ChunksOf(seed.header, seed.events);
  Scramble(random, &chunks[Below(random, chunks.size())].raw);
  return Assemble(chunks);
}

std::string TraceMutator::TextLevel(Seed seed, Random& random) const {
  if (seed.events.size() > 40) seed.events.resize(40);
  traces::VectorSource source(std::move(seed.header), std::move(seed.events));
  std::ostringstream out;
  const bool golden = random() % 2 == 0;
  const absl::Status written =
      golden ? traces::ExportGolden(source, out) : traces::WriteText(source, out);
  std::string text = written.ok() ? out.str() : std::string();
  for (size_t n = 1 + Below(random, 3); n > 0 && !text.empty(); --n) {
    const size_t at = Below(random, text.size());
    switch (Below(random, 5)) {
      case 0: {  // deep nesting
        const std::string_view open = golden ? "[" : "event {";
        std::string nest;
        for (size_t depth = Below(random, 3000); depth > 0; --depth) nest += open;
        text.insert(at, nest);
        break;
      }
      case 1: {  // a number becomes another
        const size_t digit = text.find_first_of("0123456789", at);
        if (digit == std::string::npos) break;
        const size_t end = text.find_first_not_of("0123456789abcdefx", digit);
        text.replace(digit, end == std::string::npos ? 1 : end - digit,
                     std::to_string(Edge(random)) + (random() % 8 == 0 ? "999" : ""));
        break;
      }
      case 2: {  // lines change places
        const size_t from = text.rfind('\n', at), to = text.find('\n', at);
        if (from == std::string::npos || to == std::string::npos || from == to) break;
        const std::string line = text.substr(from, to - from);
        if (random() % 2 == 0) text.erase(from, to - from);
        const size_t where = text.find('\n', Below(random, text.size()));
        if (where != std::string::npos) text.insert(where, line);
        break;
      }
      default:
        Scramble(random, &text);
        break;
    }
  }
  return text;
}

std::string TraceMutator::EventLevel(Seed seed, Random& random) const {
  std::vector<traces::Event>& events = seed.events;
  for (size_t n = 1 + Below(random, 8); n > 0 && !events.empty(); --n) {
    const size_t at = Below(random, events.size());
    const auto where = events.begin() + static_cast<long>(at);
    switch (Below(random, 8)) {
      case 0:
        ChangeNames(random, &*where);
        break;
      case 1:
      case 2:
        ChangeNumbers(random, &*where);
        break;
      case 3:
      case 4:
        ChangeStruct(random, &*where);
        break;
      case 5:
        events.erase(where);
        break;
      case 6:
        events.insert(where, events[Below(random, events.size())]);
        break;
      default:
        events.insert(where, traces::RandomEvent(random));
        break;
    }
  }
  if (random() % 16 == 0) seed.header = traces::RandomHeader(random);
  return Assemble(ChunksOf(seed.header, events));
}

std::string TraceMutator::Make(Level level, Random& random) const {
  const Seed& seed = seeds_[Below(random, seeds_.size())];
  switch (level) {
    case Level::kFile:
      return FileLevel(seed, random);
    case Level::kPayload:
      return PayloadLevel(seed, random);
    case Level::kText:
      return TextLevel(seed, random);
    case Level::kEvents:
      break;
  }
  return EventLevel(seed, random);
}

}  // namespace iovalid::conformance
