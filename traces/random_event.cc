// SPDX-License-Identifier: Apache-2.0
#include "traces/random_event.h"

#include <string>

#include "google/protobuf/descriptor.h"
#include "traces/limits.h"

namespace iovalid::traces {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

uint64_t Below(std::mt19937_64& random, uint64_t n) { return random() % n; }

// Small numbers, edges and anything.
uint64_t Number(std::mt19937_64& random) {
  switch (Below(random, 4)) {
    case 0:
      return Below(random, 4);
    case 1:
      return UINT64_MAX - Below(random, 2);
    case 2:
      return uint64_t{1} << Below(random, 64);
    default:
      return random();
  }
}

std::string Bytes(std::mt19937_64& random) {
  std::string bytes(Below(random, 24), '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string Text(std::mt19937_64& random) {
  static constexpr const char* kPieces[] = {
      "c0", "/dev/vfio/vfio", "\"", "\\", "\n", "# { }", "\xc3\xa9", "'", "g", "fd: ", "\x01"};
  std::string text;
  for (uint64_t n = Below(random, 4); n > 0; --n)
    text += kPieces[Below(random, std::size(kPieces))];
  return text;
}

void Fill(Message* message, std::mt19937_64& random, int depth);

void FillOne(Message* message, const FieldDescriptor* field, std::mt19937_64& random, int depth) {
  const Reflection& r = *message->GetReflection();
  const bool repeated = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      Fill(repeated ? r.AddMessage(message, field) : r.MutableMessage(message, field), random,
           depth + 1);
      break;
    case FieldDescriptor::CPPTYPE_STRING: {
      const bool bytes = field->type() == FieldDescriptor::TYPE_BYTES;
      const std::string text = bytes ? Bytes(random) : Text(random);
      if (repeated) {
        r.AddString(message, field, text);
      } else {
        r.SetString(message, field, text);
      }
      break;
    }
    case FieldDescriptor::CPPTYPE_UINT64:
      r.SetUInt64(message, field, Number(random));
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      r.SetInt64(message, field, static_cast<int64_t>(Number(random)));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      r.SetUInt32(message, field, static_cast<uint32_t>(Number(random)));
      break;
    case FieldDescriptor::CPPTYPE_INT32:
      r.SetInt32(message, field, static_cast<int32_t>(Number(random)));
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      r.SetBool(message, field, Below(random, 2) != 0);
      break;
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* type = field->enum_type();
      const auto index =
          static_cast<int>(Below(random, static_cast<uint64_t>(type->value_count())));
      r.SetEnumValue(message, field, type->value(index)->number());
      break;
    }
    default:
      break;
  }
}

void Fill(Message* message, std::mt19937_64& random, int depth) {
  const google::protobuf::Descriptor* type = message->GetDescriptor();
  for (int i = 0; i < type->real_oneof_decl_count(); ++i) {
    const auto* oneof = type->oneof_decl(i);
    const auto index = static_cast<int>(Below(random, static_cast<uint64_t>(oneof->field_count())));
    FillOne(message, oneof->field(index), random, depth);
  }
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->real_containing_oneof() != nullptr || field->name() == "verbatim") continue;
    uint64_t count = Below(random, field->is_repeated() ? 3 : 2);
    for (; count > 0; --count) FillOne(message, field, random, depth);
  }
}

// Makes an outcome fit the call that it belongs to.
void RepairIoctl(Ioctl* ioctl, Outcome* outcome, std::mt19937_64& random) {
  const bool has_struct = ioctl->has_in();
  if (!has_struct) ioctl->clear_at();
  for (auto* fields : {ioctl->mutable_fdfix(), ioctl->mutable_fdout()}) {
    if (!has_struct || ioctl->in().size() < sizeof(uint32_t)) {
      fields->Clear();
      continue;
    }
    const uint64_t places = ioctl->in().size() - sizeof(uint32_t) + 1;
    for (FdField& field : *fields) field.set_offset(static_cast<uint32_t>(Below(random, places)));
  }
  if (outcome == nullptr) return;
  if (!has_struct) outcome->clear_after();
  if (outcome->after_case() == Outcome::kOut) {
    outcome->mutable_out()->resize(ioctl->in().size(), 'o');
  }
  if (ioctl->retfd().empty()) outcome->set_returned_fd(false);
  outcome->clear_mem();
  for (const UserBuffer& buffer : ioctl->mem()) {
    MemAfter* after = outcome->add_mem();
    if (Below(random, 2) != 0) {
      after->set_unchanged(true);
    } else {
      after->set_bytes_after(std::string(buffer.before().size(), 'm'));
    }
  }
}

void Repair(Event* event, std::mt19937_64& random) {
  if (event->has_outcome()) {
    Outcome* outcome = event->mutable_outcome();
    if (outcome->has_error()) outcome->set_error(outcome->error() % 4096);
    if (!event->has_ioctl()) {
      outcome->clear_after();
      outcome->clear_mem();
      outcome->clear_spill();
      outcome->set_returned_fd(false);
    }
  }
  if (event->has_ioctl()) {
    RepairIoctl(event->mutable_ioctl(), event->has_outcome() ? event->mutable_outcome() : nullptr,
                random);
  } else if (event->has_mmap()) {
    event->mutable_mmap()->set_prot(event->mmap().prot() & 7);
  } else if (event->has_mprotect()) {
    event->mutable_mprotect()->set_prot(event->mprotect().prot() & 7);
  } else if (event->has_vma()) {
    event->mutable_vma()->set_prot(event->vma().prot() & 7);
  } else if (event->has_sequence_begin() && event->sequence_begin().rlimit_memlock() < 0) {
    event->mutable_sequence_begin()->set_rlimit_memlock(-1);
  } else if (event->has_setrlimit() && event->setrlimit().memlock() < 0) {
    event->mutable_setrlimit()->set_memlock(-1);
  } else if (event->has_device_dma()) {
    DeviceDma* dma = event->mutable_device_dma();
    dma->set_len(dma->write() ? dma->data().size() : dma->len() % (kMaxDmaBytes + 1));
  } else if (event->has_mdev_pin()) {
    event->mutable_mdev_pin()->set_access(event->mdev_pin().access() & 3);
    event->mutable_mdev_pin()->set_pages(event->mdev_pin().pages() % (kMaxPinPages + 1));
  } else if (event->has_mdev_rw()) {
    MdevRw* rw = event->mutable_mdev_rw();
    rw->set_len(rw->write() ? rw->data().size() : rw->len() % (kMaxDmaBytes + 1));
  } else if (event->has_dma_view() && event->dma_view().has_view()) {
    for (Run& run : *event->mutable_dma_view()->mutable_view()->mutable_runs()) {
      run.set_access(run.access() & 3);
    }
  }
}

}  // namespace

Event RandomEvent(std::mt19937_64& random) {
  Event event;
  Fill(&event, random, 0);
  Repair(&event, random);
  return event;
}

Header RandomHeader(std::mt19937_64& random) {
  Header header;
  Fill(&header, random, 0);
  return header;
}

}  // namespace iovalid::traces
