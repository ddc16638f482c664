// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <utility>

#include "traces/golden.h"
#include "traces/golden_fields.h"

namespace iovalid::traces {
namespace {

using Node = JsonLine::Node;
using Type = JsonLine::Type;

// Cuts "prefix" + object + "+0x..." into its parts.
bool ParseObjectAt(std::string_view text, std::string_view prefix, ObjectAt* at) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  const size_t plus = text.rfind('+');
  if (plus == std::string_view::npos || plus < prefix.size()) return false;
  auto off = HexNumber(text.substr(plus + 1));
  if (!off) return false;
  at->set_obj(std::string(text.substr(prefix.size(), plus - prefix.size())));
  at->set_off(*off);
  return true;
}

void ParseView(const JsonLine& json, GoldenFields* f, DmaView* view) {
  view->set_dev(f->Str("dev"));
  if (!f->Has("map")) f->Str("map");  // it must be there, be it null
  const Node* null_or_array = json.Find(json.root(), "map");
  if (null_or_array == nullptr || null_or_array->type == Type::kNull) return;
  View* runs = view->mutable_view();
  EachRow(json, f, "map", 4, [&](const Node* const* items) {
    Run* run = runs->add_runs();
    run->set_iova(f->HexOf(items[0], "map", UINT64_MAX));
    run->set_len(f->HexOf(items[1], "map", UINT64_MAX));
    const std::string_view what = f->Text(items[2], "map");
    const std::string_view access = f->Text(items[3], "map");
    if (auto va = HexNumber(what)) {
      run->set_va(*va);
    } else if (what == "zero") {
      run->set_zero(true);
    } else if (what == "-") {
      run->set_some_page(true);
    } else if (!ParseObjectAt(what, "stale:", run->mutable_stale()) &&
               !ParseObjectAt(what, "bar:", run->mutable_bar())) {
      f->Wrong(*items[2], "map", "not a known page");
    }
    if (access != "r" && access != "w" && access != "rw" && access != "") {
      f->Wrong(*items[3], "map", "not known access rights");
    }
    run->set_access((access.substr(0, 1) == "r" ? 1u : 0u) |
                    (!access.empty() && access.back() == 'w' ? 2u : 0u));
  });
}

void ParseFdFields(const JsonLine& json, GoldenFields* f, std::string_view key,
                   google::protobuf::RepeatedPtrField<FdField>* to) {
  EachRow(json, f, key, 2, [&](const Node* const* items) {
    FdField* field = to->Add();
    field->set_offset(static_cast<uint32_t>(f->Unsigned(items[0], key, UINT32_MAX)));
    field->set_name(std::string(f->Text(items[1], key)));
  });
}

void ParseBytesItem(GoldenFields* f, const Node* item, std::string_view key, std::string* bytes) {
  if (!BytesFromHex(f->Text(item, key), bytes)) f->Wrong(*item, key, "not hex digits");
}

void ParseIoctl(const JsonLine& json, GoldenFields* f, Event* event) {
  Ioctl* ioctl = event->mutable_ioctl();
  ioctl->set_fd(f->Str("fd"));
  ioctl->set_cmd(f->OptStr("cmd"));
  ioctl->set_nr(f->Hex32("nr"));
  Outcome outcome;
  if (f->Has("argptr")) {
    ioctl->set_pointer(f->Hex("argptr"));
  } else if (f->Has("in")) {
    ioctl->set_in(f->Bytes("in"));
    if (f->Has("out")) {
      if (f->OptStr("out") == "=") {
        outcome.set_out_unchanged(true);
      } else {
        outcome.set_out(f->Bytes("out"));
      }
    }
  } else {
    ioctl->set_integer(f->I64("arg"));
  }
  if (f->Has("at")) ioctl->set_at(f->Hex("at"));
  ParseFdFields(json, f, "fdfix", ioctl->mutable_fdfix());
  ParseFdFields(json, f, "fdout", ioctl->mutable_fdout());
  EachRow(json, f, "mem", 3, [&](const Node* const* items) {
    UserBuffer* buffer = ioctl->add_mem();
    buffer->set_addr(f->HexOf(items[0], "mem", UINT64_MAX));
    ParseBytesItem(f, items[1], "mem", buffer->mutable_before());
    MemAfter* after = outcome.add_mem();
    if (f->Text(items[2], "mem") == "=") {
      after->set_unchanged(true);
    } else {
      ParseBytesItem(f, items[2], "mem", after->mutable_bytes_after());
    }
  });
  EachRow(json, f, "spill", 2, [&](const Node* const* items) {
    Spill* spill = outcome.add_spill();
    spill->set_addr(f->HexOf(items[0], "spill", UINT64_MAX));
    ParseBytesItem(f, items[1], "spill", spill->mutable_after());
  });
  ioctl->set_retfd(f->OptStr("retfd"));
  const Node* ret = json.Find(json.root(), "ret");
  if (ret != nullptr && ret->type == Type::kString) {
    if (ret->text != "fd") f->Wrong(*ret, "ret", "neither a number nor \"fd\"");
    outcome.set_returned_fd(true);
  } else if (ret != nullptr) {
    outcome.set_ret(f->Signed(ret, "ret"));
  }
  if (f->Has("errno")) outcome.set_error(f->Errno("errno"));
  // A call without any recorded answer is written without `out`, `ret` and `errno`; the buffers
  // then say "=" for want of anything else.
  if (outcome.has_error() || outcome.has_ret() || outcome.returned_fd() ||
      outcome.after_case() != Outcome::AFTER_NOT_SET || outcome.spill_size() > 0) {
    *event->mutable_outcome() = std::move(outcome);
  }
}

void ParseMmap(GoldenFields* f, Mmap* mmap) {
  mmap->set_addr(f->Hex("addr"));
  mmap->set_len(f->U64("len"));
  mmap->set_prot(f->Prot("prot"));
  mmap->set_kind(f->Kind("kind"));
  mmap->set_obj(f->OptStr("obj"));
  mmap->set_off(f->U64("off"));
  if (f->Has("region")) mmap->set_region(f->U32("region"));
  if (f->Has("flags")) mmap->set_flags(f->Hex32("flags"));
  mmap->set_touch(f->Touch("touch"));
}

void ParseVma(GoldenFields* f, Vma* vma) {
  vma->set_addr(f->Hex("addr"));
  vma->set_len(f->U64("len"));
  vma->set_prot(f->Prot("prot"));
  vma->set_kind(f->Kind("kind"));
  vma->set_obj(f->OptStr("obj"));
  vma->set_off(f->U64("off"));
  if (f->Has("shared")) vma->set_shared(f->Bool("shared"));
  if (f->Has("page")) vma->set_page(f->U64("page"));
  if (f->Has("region")) vma->set_region(f->U32("region"));
}

void ParseDeviceDma(GoldenFields* f, Event* event) {
  DeviceDma* dma = event->mutable_device_dma();
  dma->set_dev(f->Str("dev"));
  dma->set_iova(f->Hex("iova"));
  dma->set_len(f->U64("len"));
  dma->set_write(f->Str("dir") == "w");
  if (f->Has("data")) dma->set_data(f->Bytes("data"));
  if (f->Has("got")) event->mutable_outcome()->set_data(f->Bytes("got"));
}

// What the driver of a device asks of VFIO. False when the name is none of it.
bool ParseDriverCall(const std::string& call, GoldenFields* f, Event* event) {
  if (call == "mdev_pin") {
    MdevPin* pin = event->mutable_mdev_pin();
    pin->set_dev(f->Str("dev"));
    pin->set_iova(f->Hex("iova"));
    pin->set_pages(f->I32("pages"));
    pin->set_access(f->Prot("access"));
    if (f->Has("kthread")) pin->set_kthread(f->Bool("kthread"));
  } else if (call == "mdev_unpin") {
    MdevUnpin* unpin = event->mutable_mdev_unpin();
    unpin->set_dev(f->Str("dev"));
    unpin->set_iova(f->Hex("iova"));
    unpin->set_pages(f->I32("pages"));
    if (f->Has("kthread")) unpin->set_kthread(f->Bool("kthread"));
  } else if (call == "mdev_rw") {
    MdevRw* rw = event->mutable_mdev_rw();
    rw->set_dev(f->Str("dev"));
    rw->set_iova(f->Hex("iova"));
    rw->set_len(f->U64("len"));
    rw->set_write(f->Str("dir") == "w");
    if (f->Has("data")) rw->set_data(f->Bytes("data"));
    if (f->Has("kthread")) rw->set_kthread(f->Bool("kthread"));
    if (f->Has("got")) event->mutable_outcome()->set_data(f->Bytes("got"));
  } else {
    return false;
  }
  return true;
}

void ParseSequenceBegin(GoldenFields* f, SequenceBegin* begin) {
  begin->set_seq(f->I64("seq"));
  begin->set_name(f->OptStr("name"));
  begin->set_seed(f->I64("seed"));
  begin->set_uid(f->U32("uid"));
  begin->set_cap_ipc_lock(f->Bool("cap_ipc_lock"));
  begin->set_rlimit_memlock(f->I64("rlimit_memlock"));
  begin->set_dma_entry_limit(f->U64("dma_entry_limit"));
  begin->set_opens(f->OptStr("opens"));
  if (f->Has("bits32")) begin->set_bits32(f->Bool("bits32"));
}

// The rarer calls. False when the name is none of them.
bool ParseSmallCall(const std::string& call, const JsonLine& json, GoldenFields* f, Event* event) {
  if (call == "memfd") {
    event->mutable_memfd()->set_as(f->Str("as"));
    event->mutable_memfd()->set_size(f->U64("size"));
  } else if (call == "eventfd") {
    event->mutable_eventfd()->set_as(f->Str("as"));
  } else if (call == "file") {
    event->mutable_file()->set_as(f->Str("as"));
    event->mutable_file()->set_size(f->U64("size"));
    event->mutable_file()->set_what(f->OptStr("what"));
  } else if (call == "ftruncate") {
    event->mutable_ftruncate()->set_fd(f->Str("fd"));
    event->mutable_ftruncate()->set_size(f->U64("size"));
  } else if (call == "setrlimit") {
    event->mutable_setrlimit()->set_memlock(f->I64("memlock"));
  } else if (call == "cap_drop") {
    event->mutable_cap_drop()->set_cap(f->Str("cap"));
  } else if (call == "set_dma_entry_limit" || call == "set_module_parameter") {
    const bool limit = call == "set_dma_entry_limit";
    SetModuleParameter* set = event->mutable_set_module_parameter();
    set->set_module(limit ? "vfio_iommu_type1" : f->Str("module"));
    set->set_name(limit ? "dma_entry_limit" : f->Str("name"));
    set->set_value(f->U64("value"));
    if (f->Has("ok")) {
      const bool ok = f->U64("ok") != 0;
      event->mutable_outcome()->set_ret(ok ? 0 : -1);
      if (ok) event->mutable_outcome()->set_error(0);
    }
  } else if (call == "read") {
    event->mutable_read()->set_fd(f->Str("fd"));
    event->mutable_read()->set_len(f->U64("len"));
    if (f->Has("off")) event->mutable_read()->set_off(f->U64("off"));
    if (f->Has("data")) event->mutable_outcome()->set_data(f->Bytes("data"));
  } else if (call == "write") {
    event->mutable_write()->set_fd(f->Str("fd"));
    event->mutable_write()->set_data(f->Bytes("data"));
    if (f->Has("off")) event->mutable_write()->set_off(f->U64("off"));
  } else if (call == "poll") {
    event->mutable_poll()->set_fd(f->Str("fd"));
    event->mutable_poll()->set_events(f->Hex32("events"));
    event->mutable_poll()->set_timeout(f->I64("timeout"));
    if (f->Has("revents")) event->mutable_outcome()->set_revents(f->Hex32("revents"));
  } else if (call == "fork") {
    event->mutable_fork()->set_child(f->U32("child"));
  } else if (call == "exec") {
    Exec* exec = event->mutable_exec();
    const Node* kept = f->Array("kept");
    for (const Node* name = kept == nullptr ? nullptr : json.First(*kept); name != nullptr;
         name = json.Next(*name)) {
      exec->add_kept(std::string(f->Text(name, "kept")));
    }
  } else if (call == "exit") {
    event->mutable_exit()->set_status(f->U32("status"));
  } else {
    return false;
  }
  return true;
}

bool ParseMemoryCall(const std::string& call, GoldenFields* f, Event* event) {
  if (call == "mmap") {
    ParseMmap(f, event->mutable_mmap());
  } else if (call == "vma") {
    ParseVma(f, event->mutable_vma());
  } else if (call == "munmap") {
    event->mutable_munmap()->set_addr(f->Hex("addr"));
    event->mutable_munmap()->set_len(f->U64("len"));
  } else if (call == "mprotect") {
    event->mutable_mprotect()->set_addr(f->Hex("addr"));
    event->mutable_mprotect()->set_len(f->U64("len"));
    event->mutable_mprotect()->set_prot(f->Prot("prot"));
  } else if (call == "mremap") {
    Mremap* mremap = event->mutable_mremap();
    mremap->set_addr(f->Hex("addr"));
    mremap->set_old_len(f->U64("old_len"));
    mremap->set_new_len(f->U64("new_len"));
    mremap->set_flags(f->Hex32("flags"));
    mremap->set_new_addr(f->Hex("new_addr"));
  } else if (call == "mlock" || call == "mlock2" || call == "munlock" || call == "mlockall" ||
             call == "munlockall") {
    Mlock* mlock = event->mutable_mlock();
    mlock->set_call(call);
    if (f->Has("addr")) mlock->set_addr(f->Hex("addr"));
    if (f->Has("len")) mlock->set_len(f->U64("len"));
    if (f->Has("flags")) mlock->set_flags(f->U32("flags"));
  } else if (call == "madvise") {
    event->mutable_madvise()->set_addr(f->Hex("addr"));
    event->mutable_madvise()->set_len(f->U64("len"));
    event->mutable_madvise()->set_advice(f->U32("advice"));
  } else if (call == "touch") {
    Touch* touch = event->mutable_touch();
    touch->set_addr(f->Hex("addr"));
    touch->set_len(f->U64("len"));
    touch->set_write(f->Str("how") == "w");
    if (f->Has("sig")) event->mutable_outcome()->set_signal(f->U32("sig"));
    if (f->Has("done")) event->mutable_outcome()->set_done(f->U64("done"));
  } else {
    return false;
  }
  return true;
}

void ParseCall(const JsonLine& json, GoldenFields* f, Event* event) {
  const std::string call = f->Str("call");
  if (!f->status().ok()) return;
  if (f->Has("i")) event->set_step(f->U64("i"));
  if (f->Has("task")) event->set_task(f->U32("task"));
  if (call == "ioctl") {
    ParseIoctl(json, f, event);
    return;
  }
  if (call == "observe") {
    event->mutable_observe()->set_vm_lck(f->U64("VmLck"));
    event->mutable_observe()->set_vm_pin(f->U64("VmPin"));
  } else if (call == "dma_view") {
    ParseView(json, f, event->mutable_dma_view());
  } else if (call == "open") {
    event->mutable_open()->set_path(f->Str("path"));
    event->mutable_open()->set_node(f->OptStr("node"));
    event->mutable_open()->set_as(f->OptStr("as"));
    event->mutable_open()->set_access(f->OptStr("acc"));
  } else if (call == "close") {
    event->mutable_close()->set_fd(f->Str("fd"));
  } else if (call == "dup") {
    event->mutable_dup()->set_fd(f->Str("fd"));
    event->mutable_dup()->set_as(f->OptStr("as"));
  } else if (call == "crash") {
    event->mutable_crash()->set_sig(static_cast<int32_t>(f->I64("sig")));
  } else if (call == "device_dma") {
    ParseDeviceDma(f, event);
  } else if (!ParseMemoryCall(call, f, event) && !ParseSmallCall(call, json, f, event) &&
             !ParseDriverCall(call, f, event)) {
    f->Wrong(*json.Find(json.root(), "call"), "call", "not a known call");
    return;
  }
  if (f->Has("ret")) event->mutable_outcome()->set_ret(f->I64("ret"));
  if (f->Has("errno")) event->mutable_outcome()->set_error(f->Errno("errno"));
}

}  // namespace

absl::Status ParseGoldenEvent(std::string_view line, JsonLine* json, Event* event) {
  event->Clear();
  if (auto status = json->Parse(line); !status.ok()) return status;
  GoldenFields f(*json, json->root());
  if (f.Has("bytes")) {
    if (!ParseWholeMessage(&f, event)) {
      return absl::InvalidArgumentError("\"bytes\" is not an Event message");
    }
  } else if (f.Has("call")) {
    ParseCall(*json, &f, event);
  } else if (f.Has("seq")) {
    ParseSequenceBegin(&f, event->mutable_sequence_begin());
  } else if (f.Has("end")) {
    event->mutable_sequence_end()->set_seq(f.I64("end"));
  } else {
    return absl::InvalidArgumentError("neither a call nor the begin or end of a sequence");
  }
  return f.status();
}

}  // namespace iovalid::traces
