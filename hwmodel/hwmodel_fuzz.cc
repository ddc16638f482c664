// SPDX-License-Identifier: Apache-2.0
// A unit over memory full of whatever the input says: tables, contexts, requests, invalidation
// descriptors, and a driver at work on those very tables. Nothing may crash, hang, or reach
// outside.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "hwmodel/formats.h"
#include "hwmodel/hwmodel.h"

namespace {

using namespace iovalid::hwmodel;  // NOLINT: a program of its own

// The input, a byte at a time; zeros where it ends.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  uint8_t Byte() { return empty() ? 0 : data_[at_++]; }
  uint64_t Word() {
    uint64_t word = 0;
    for (int i = 0; i < 8; ++i) word = word << 8 | Byte();
    return word;
  }
  // Few bytes for what is near a boundary, all for the rest.
  uint64_t Address() {
    const uint8_t kind = Byte();
    if ((kind & 0x80) != 0) return Word();
    const uint64_t high = uint64_t{Byte()} << (kind & 63);
    return high + (uint64_t{Byte()} << 11);
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

class Bus final : public AtsBus {
 public:
  explicit Bus(AtsFunction* device) : device_(device) {}
  AtsDevice* Find(SourceId source) override { return source == 1 ? device_ : nullptr; }

 private:
  AtsFunction* device_;
};

struct Shape {
  FormatId format;
  unsigned levels;
  unsigned input_bits;
};

Shape ShapeOf(uint8_t which) {
  static constexpr Shape kShapes[] = {
      {FormatId::kVtdSecondStage, 3, 39}, {FormatId::kVtdSecondStage, 5, 57},
      {FormatId::kVtdFirstStage, 4, 48},  {FormatId::kAmdV1, 6, 64},
      {FormatId::kAmdV1, 3, 39},          {FormatId::kArm4KStage1, 4, 48},
      {FormatId::kArm4KStage2, 3, 42},    {FormatId::kArm16KStage2, 3, 40},
      {FormatId::kArm64KStage1, 3, 48},   {FormatId::kRiscvSv, 4, 48},
      {FormatId::kRiscvGStage, 3, 41},    {FormatId::kMock2K, 5, 56},
  };
  return kShapes[which % (sizeof(kShapes) / sizeof(kShapes[0]))];
}

IoPageTableConfig ConfigOf(Input& input) {
  const Shape shape = ShapeOf(input.Byte());
  IoPageTableConfig config;
  config.format = shape.format;
  config.levels = shape.levels;
  config.input_bits = shape.input_bits;
  const uint8_t flags = input.Byte();
  config.hardware.host_address_bits = (flags & 1) != 0 ? 48 : 40;
  config.hardware.snoop_control = (flags & 2) != 0;
  config.ad = (flags & 4) != 0 ? AdMode::kHardware : AdMode::kOff;
  config.attributes.dirty_tracking = (flags & 8) != 0;
  if ((flags & 0x10) != 0) config.rules = ArmDriverRules();
  if ((flags & 0x20) != 0) config.rules = LegacyDriverRules();
  config.rules.partial_unmap = static_cast<DriverRules::PartialUnmap>((flags >> 6) % 3);
  config.rules.free_tables = static_cast<DriverRules::FreeTables>(input.Byte() % 3);
  return config;
}

// An entry: as it comes, or one that leads somewhere.
uint64_t EntryOf(Input& input, FormatId format, FrameId frames) {
  const uint8_t kind = input.Byte();
  if (kind < 64) return input.Word();
  const unsigned level = 1 + kind % 4;
  const uint64_t flip = (kind & 0x20) != 0 ? uint64_t{1} << (input.Byte() & 63) : 0;
  const uint64_t table = uint64_t{input.Byte() % (frames + 1)} << 12;
  return VisitFormat(format,
                     [&](auto f) -> uint64_t {
                       using Format = decltype(f);
                       if (kind < 160) return Format::MakeTable(table, level < 2 ? 2 : level);
                       return Format::MakeLeaf(0, level, Format::EntrySizeLog2(level),
                                               Format::Attributes(kind & 3, {}));
                     }) ^
         flip;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  TableMemory memory;
  memory.set_limit(512);
  const IoPageTableConfig first_config = ConfigOf(input);
  const IoPageTableConfig second_config = ConfigOf(input);
  IoPageTable first(memory, first_config, 1);
  IoPageTable second(memory, second_config, 2);
  const FrameId ring = memory.Allocate(3);
  UnitConfig unit_config;
  unit_config.iotlb_sets_4k = 4;
  unit_config.walk_cache_sets = 2;
  unit_config.pasid_cache_entries = 2;
  unit_config.page_requests = 2;
  unit_config.host_address_bits = 48;
  Unit unit(unit_config);
  InvalidationQueue queue(uint64_t{ring} << 12, input.Byte() & 1, (input.Byte() & 1) != 0);
  AtsFunction device(1);
  Bus bus(&device);
  while (!input.empty()) {
    const uint8_t what = input.Byte();
    const SourceId source = what >> 4 & 3;
    switch (what & 15) {
      case 0:
      case 1: {  // a context
        Context context;
        const uint8_t mode = input.Byte();
        context.mode = static_cast<Context::Mode>(mode % 5);
        context.ats = (mode & 0x10) != 0;
        context.pri = (mode & 0x20) != 0;
        context.pasids = (mode & 0x40) != 0;
        context.domain = input.Byte() % 3;
        context.first = first.stage();
        context.second = second.stage();
        if ((what & 1) != 0) {
          unit.SetPasidContext(source, input.Byte() & 3, context);
        } else {
          unit.SetContext(source, context);
        }
        break;
      }
      case 2:
        unit.ClearContext(source);
        unit.ClearPasidContext(source, input.Byte() & 3);
        break;
      case 3:
      case 4: {  // memory
        const FrameId frames = static_cast<FrameId>(memory.in_use());
        const FrameId frame = 1 + input.Byte() % (frames + 1);
        uint64_t* words = memory.MutableWords(frame);
        const FormatId format = (what & 0x10) != 0 ? first_config.format : second_config.format;
        const uint64_t entry = EntryOf(input, format, frames);
        if (words != nullptr) words[input.Byte() * 2 + (what >> 7)] = entry;
        break;
      }
      case 5:
      case 6:
      case 7: {  // a request
        const Pasid pasid = (what & 0x80) != 0 ? input.Byte() & 3 : kNoPasid;
        const Request request = {source, input.Address(), 1u + input.Byte() % 3u, pasid};
        const Translation t = unit.Translate(memory, request);
        if (t.ok && (t.bytes_left_in_run == 0 || t.page != t.address >> 12)) std::abort();
        break;
      }
      case 8: {  // a device that translates for itself
        uint64_t address = 0;
        device.set_answers((what & 0x40) != 0);
        device.Access(unit, memory, input.Address(), 1u + input.Byte() % 3u,
                      (what & 0x80) != 0 ? input.Byte() & 3 : kNoPasid, &address);
        break;
      }
      case 9:
      case 10: {  // an invalidation descriptor
        uint64_t* words = memory.MutableWords(ring);
        const unsigned slot = static_cast<unsigned>(queue.tail() % 4096 / 8);
        const uint64_t step = queue.descriptor_bytes();
        if (words == nullptr) break;
        words[slot] = (what & 0x80) != 0
                          ? input.Word()
                          : uint64_t{input.Byte()} | uint64_t{input.Byte() % 3u} << 16;
        words[slot + 1] = input.Address();
        queue.WriteTail(queue.tail() + step, unit, memory, &bus);
        queue.ClearErrors();
        break;
      }
      case 11:
      case 12: {  // the driver, whatever became of its tables
        IoPageTable& table = (what & 0x80) != 0 ? first : second;
        const uint64_t iova = input.Address() & ~uint64_t{0xffff};
        const uint64_t pages = input.Byte();
        table.Map(memory, iova, input.Address() & ~uint64_t{0xffff}, pages << 16,
                  1u + input.Byte() % 3u);
        break;
      }
      case 13: {
        IoPageTable& table = (what & 0x80) != 0 ? first : second;
        const uint64_t iova = input.Address() & ~uint64_t{0xffff};
        table.Unmap(memory, iova, uint64_t{input.Byte()} << 16);
        break;
      }
      case 14: {
        IoPageTable& table = (what & 0x80) != 0 ? first : second;
        const uint64_t iova = input.Address();
        table.ReadDirty(memory, iova, iova | 0xffffff, (what & 0x40) != 0,
                        [](uint64_t, uint64_t) {});
        uint64_t address = 0;
        table.Lookup(memory, iova, &address);
        break;
      }
      default: {
        FaultRecord record;
        while (unit.faults().Take(&record)) {
          for (const Architecture architecture :
               {Architecture::kVtdLegacy, Architecture::kVtdScalable, Architecture::kAmd,
                Architecture::kSmmuV3, Architecture::kRiscv}) {
            static_cast<void>(FaultCode(architecture, record));
          }
        }
        unit.faults().ClearOverflow();
        PageRequest request;
        while (unit.page_requests().Take(&request)) {
        }
        unit.page_requests().ClearOverflow();
        break;
      }
    }
  }
  memory.FreeOwnedBy(1);
  memory.FreeOwnedBy(2);
  memory.FreeOwnedBy(3);
  if (memory.in_use() != 0) std::abort();
  return 0;
}
