// SPDX-License-Identifier: Apache-2.0
//
// Key by key in the order in which the recorders write them, so that a recorded line comes out as
// it went in.
#include <string>
#include <string_view>

#include "traces/errno_names.h"
#include "traces/golden.h"
#include "traces/golden_line.h"

namespace iovalid::traces {
namespace {

void FdFields(GoldenLine* line, std::string_view key,
              const google::protobuf::RepeatedPtrField<FdField>& fields) {
  if (fields.empty()) return;
  WriteRows(line, key, fields, [&](const FdField& field) {
    line->Raw(field.offset());
    line->out()->push_back(',');
    AppendJsonString(field.name(), line->out());
  });
}

void FormatNames(const Exec& exec, GoldenLine* line) {
  line->out()->push_back('[');
  for (int i = 0; i < exec.kept_size(); ++i) {
    if (i != 0) line->out()->push_back(',');
    AppendJsonString(exec.kept(i), line->out());
  }
  line->out()->push_back(']');
}

void FormatIoctl(const Ioctl& ioctl, const Outcome& outcome, GoldenLine* line) {
  line->Str("fd", ioctl.fd());
  line->Str("cmd", ioctl.cmd());
  line->Hex("nr", ioctl.nr());
  switch (ioctl.argument_case()) {
    case Ioctl::kInteger:
    case Ioctl::ARGUMENT_NOT_SET:
      line->Number("arg", ioctl.integer());
      break;
    case Ioctl::kPointer:
      line->Hex("argptr", ioctl.pointer());
      break;
    case Ioctl::kIn:
      if (ioctl.has_at()) line->Hex("at", ioctl.at());
      line->Bytes("in", ioctl.in());
      if (outcome.after_case() == Outcome::kOut) line->Bytes("out", outcome.out());
      if (outcome.after_case() == Outcome::kOutUnchanged) line->Str("out", "=");
      break;
  }
  FdFields(line, "fdfix", ioctl.fdfix());
  FdFields(line, "fdout", ioctl.fdout());
  if (ioctl.mem_size() > 0) {
    int index = 0;
    WriteRows(line, "mem", ioctl.mem(), [&](const UserBuffer& buffer) {
      line->RawHex(buffer.addr());
      line->out()->push_back(',');
      line->RawBytes(buffer.before());
      line->out()->push_back(',');
      const bool recorded = index < outcome.mem_size();
      if (recorded && outcome.mem(index).after_case() == MemAfter::kBytesAfter) {
        line->RawBytes(outcome.mem(index).bytes_after());
      } else {
        line->out()->append("\"=\"");
      }
      ++index;
    });
  }
  if (outcome.spill_size() > 0) {
    WriteRows(line, "spill", outcome.spill(), [&](const Spill& spill) {
      line->RawHex(spill.addr());
      line->out()->push_back(',');
      line->RawBytes(spill.after());
    });
  }
  if (outcome.returned_fd()) line->Str("ret", "fd");
  if (outcome.has_ret()) line->Number("ret", outcome.ret());
  line->OptStr("retfd", ioctl.retfd());
}

void FormatMmap(const Mmap& mmap, GoldenLine* line) {
  line->Hex("addr", mmap.addr());
  line->Number("len", mmap.len());
  line->Str("prot", ProtName(mmap.prot()));
  line->Str("kind", KindName(mmap.kind()));
  line->Str("obj", mmap.obj());
  line->Number("off", mmap.off());
  if (mmap.has_region()) line->Number("region", mmap.region());
  if (mmap.has_flags()) line->Hex("flags", mmap.flags());
  line->Str("touch", TouchedName(mmap.touch()));
}

void FormatVma(const Vma& vma, GoldenLine* line) {
  line->Hex("addr", vma.addr());
  line->Number("len", vma.len());
  line->Str("prot", ProtName(vma.prot()));
  line->Str("kind", KindName(vma.kind()));
  line->Str("obj", vma.obj());
  line->Number("off", vma.off());
  if (vma.has_shared()) line->Bool("shared", vma.shared());
  if (vma.has_page()) line->Number("page", vma.page());
  if (vma.has_region()) line->Number("region", vma.region());
}

void FormatView(const DmaView& view, GoldenLine* line) {
  line->Str("dev", view.dev());
  if (!view.has_view()) {
    line->Key("map");
    line->out()->append("null");
    return;
  }
  WriteRows(line, "map", view.view().runs(), [&](const Run& run) {
    std::string* out = line->out();
    line->RawHex(run.iova());
    out->push_back(',');
    line->RawHex(run.len());
    out->push_back(',');
    switch (run.what_case()) {
      case Run::kVa:
        line->RawHex(run.va());
        break;
      case Run::kStale:
      case Run::kBar: {
        const bool stale = run.what_case() == Run::kStale;
        const ObjectAt& at = stale ? run.stale() : run.bar();
        std::string what = stale ? "stale:" : "bar:";
        what += at.obj();
        what += '+';
        AppendHexNumber(at.off(), &what);
        AppendJsonString(what, out);
        break;
      }
      case Run::kZero:
        out->append("\"zero\"");
        break;
      case Run::kSomePage:
      case Run::WHAT_NOT_SET:
        out->append("\"-\"");
        break;
    }
    out->append(",\"");
    if (run.access() & 1) out->push_back('r');
    if (run.access() & 2) out->push_back('w');
    out->push_back('"');
  });
}

void FormatSequenceBegin(const SequenceBegin& begin, GoldenLine* line) {
  line->Number("seq", begin.seq());
  line->Str("name", begin.name());
  line->Number("seed", begin.seed());
  line->Number("uid", begin.uid());
  line->Bool("cap_ipc_lock", begin.cap_ipc_lock());
  line->Number("rlimit_memlock", begin.rlimit_memlock());
  line->Number("dma_entry_limit", begin.dma_entry_limit());
  line->Str("opens", begin.opens());
  if (begin.bits32()) line->Bool("bits32", true);
}

std::string_view CallName(const Event& event) {
  switch (event.what_case()) {
    case Event::kOpen:
      return "open";
    case Event::kClose:
      return "close";
    case Event::kDup:
      return "dup";
    case Event::kIoctl:
      return "ioctl";
    case Event::kMmap:
      return "mmap";
    case Event::kMunmap:
      return "munmap";
    case Event::kMprotect:
      return "mprotect";
    case Event::kMremap:
      return "mremap";
    case Event::kMlock:
      return event.mlock().call();
    case Event::kMadvise:
      return "madvise";
    case Event::kTouch:
      return "touch";
    case Event::kMemfd:
      return "memfd";
    case Event::kEventfd:
      return "eventfd";
    case Event::kFile:
      return "file";
    case Event::kFtruncate:
      return "ftruncate";
    case Event::kVma:
      return "vma";
    case Event::kSetrlimit:
      return "setrlimit";
    case Event::kCapDrop:
      return "cap_drop";
    case Event::kSetModuleParameter:
      return event.set_module_parameter().module() == "vfio_iommu_type1" &&
                     event.set_module_parameter().name() == "dma_entry_limit"
                 ? "set_dma_entry_limit"
                 : "set_module_parameter";
    case Event::kDeviceDma:
      return "device_dma";
    case Event::kMdevPin:
      return "mdev_pin";
    case Event::kMdevUnpin:
      return "mdev_unpin";
    case Event::kMdevRw:
      return "mdev_rw";
    case Event::kRead:
      return "read";
    case Event::kWrite:
      return "write";
    case Event::kPoll:
      return "poll";
    case Event::kFork:
      return "fork";
    case Event::kExit:
      return "exit";
    case Event::kExec:
      return "exec";
    case Event::kObserve:
      return "observe";
    case Event::kDmaView:
      return "dma_view";
    case Event::kCrash:
      return "crash";
    case Event::kSequenceBegin:
    case Event::kSequenceEnd:
    case Event::WHAT_NOT_SET:
      break;
  }
  return "";
}

void FormatArguments(const Event& event, GoldenLine* line) {
  const Outcome& outcome = event.outcome();
  switch (event.what_case()) {
    case Event::kOpen:
      line->Str("path", event.open().path());
      line->OptStr("node", event.open().node());
      line->OptStr("as", event.open().as());
      line->OptStr("acc", event.open().access());
      break;
    case Event::kClose:
      line->Str("fd", event.close().fd());
      break;
    case Event::kDup:
      line->Str("fd", event.dup().fd());
      line->OptStr("as", event.dup().as());
      break;
    case Event::kIoctl:
      FormatIoctl(event.ioctl(), outcome, line);
      break;
    case Event::kMmap:
      FormatMmap(event.mmap(), line);
      break;
    case Event::kMunmap:
      line->Hex("addr", event.munmap().addr());
      line->Number("len", event.munmap().len());
      break;
    case Event::kMprotect:
      line->Hex("addr", event.mprotect().addr());
      line->Number("len", event.mprotect().len());
      line->Str("prot", ProtName(event.mprotect().prot()));
      break;
    case Event::kMremap:
      line->Hex("addr", event.mremap().addr());
      line->Number("old_len", event.mremap().old_len());
      line->Number("new_len", event.mremap().new_len());
      line->Hex("flags", event.mremap().flags());
      line->Hex("new_addr", event.mremap().new_addr());
      break;
    case Event::kMlock:
      if (event.mlock().addr() != 0) line->Hex("addr", event.mlock().addr());
      if (event.mlock().len() != 0) line->Number("len", event.mlock().len());
      if (event.mlock().flags() != 0) line->Number("flags", event.mlock().flags());
      break;
    case Event::kMadvise:
      line->Hex("addr", event.madvise().addr());
      line->Number("len", event.madvise().len());
      line->Number("advice", event.madvise().advice());
      break;
    case Event::kTouch:
      line->Hex("addr", event.touch().addr());
      line->Number("len", event.touch().len());
      line->Str("how", event.touch().write() ? "w" : "r");
      if (outcome.has_signal()) line->Number("sig", outcome.signal());
      if (outcome.has_done()) line->Number("done", outcome.done());
      break;
    case Event::kMemfd:
      line->Str("as", event.memfd().as());
      line->Number("size", event.memfd().size());
      break;
    case Event::kEventfd:
      line->Str("as", event.eventfd().as());
      break;
    case Event::kFile:
      line->Str("as", event.file().as());
      line->Number("size", event.file().size());
      line->Str("what", event.file().what());
      break;
    case Event::kFtruncate:
      line->Str("fd", event.ftruncate().fd());
      line->Number("size", event.ftruncate().size());
      break;
    case Event::kVma:
      FormatVma(event.vma(), line);
      break;
    case Event::kSetrlimit:
      line->Number("memlock", event.setrlimit().memlock());
      break;
    case Event::kCapDrop:
      line->Str("cap", event.cap_drop().cap());
      break;
    case Event::kSetModuleParameter:
      if (CallName(event) == "set_module_parameter") {
        line->Str("module", event.set_module_parameter().module());
        line->Str("name", event.set_module_parameter().name());
      }
      line->Number("value", event.set_module_parameter().value());
      if (outcome.has_ret()) line->Number("ok", outcome.ret() == 0 ? 1 : 0);
      break;
    case Event::kDeviceDma:
      line->Str("dev", event.device_dma().dev());
      line->Hex("iova", event.device_dma().iova());
      line->Number("len", event.device_dma().len());
      line->Str("dir", event.device_dma().write() ? "w" : "r");
      if (event.device_dma().write()) line->Bytes("data", event.device_dma().data());
      if (outcome.has_data()) line->Bytes("got", outcome.data());
      break;
    case Event::kMdevPin:
      line->Str("dev", event.mdev_pin().dev());
      line->Hex("iova", event.mdev_pin().iova());
      line->Number("pages", event.mdev_pin().pages());
      line->Str("access", ProtName(event.mdev_pin().access()));
      if (event.mdev_pin().kthread()) line->Bool("kthread", true);
      break;
    case Event::kMdevUnpin:
      line->Str("dev", event.mdev_unpin().dev());
      line->Hex("iova", event.mdev_unpin().iova());
      line->Number("pages", event.mdev_unpin().pages());
      if (event.mdev_unpin().kthread()) line->Bool("kthread", true);
      break;
    case Event::kMdevRw:
      line->Str("dev", event.mdev_rw().dev());
      line->Hex("iova", event.mdev_rw().iova());
      line->Number("len", event.mdev_rw().len());
      line->Str("dir", event.mdev_rw().write() ? "w" : "r");
      if (event.mdev_rw().write()) line->Bytes("data", event.mdev_rw().data());
      if (event.mdev_rw().kthread()) line->Bool("kthread", true);
      if (outcome.has_data()) line->Bytes("got", outcome.data());
      break;
    case Event::kRead:
      line->Str("fd", event.read().fd());
      line->Number("len", event.read().len());
      if (event.read().has_off()) line->Number("off", event.read().off());
      if (outcome.has_data()) line->Bytes("data", outcome.data());
      break;
    case Event::kWrite:
      line->Str("fd", event.write().fd());
      line->Bytes("data", event.write().data());
      if (event.write().has_off()) line->Number("off", event.write().off());
      break;
    case Event::kPoll:
      line->Str("fd", event.poll().fd());
      line->Hex("events", event.poll().events());
      line->Number("timeout", event.poll().timeout());
      if (outcome.has_revents()) line->Hex("revents", outcome.revents());
      break;
    case Event::kFork:
      line->Number("child", event.fork().child());
      break;
    case Event::kExit:
      line->Number("status", event.exit().status());
      break;
    case Event::kExec:
      line->Key("kept");
      FormatNames(event.exec(), line);
      break;
    case Event::kObserve:
      line->Number("VmLck", event.observe().vm_lck());
      line->Number("VmPin", event.observe().vm_pin());
      break;
    case Event::kDmaView:
      FormatView(event.dma_view(), line);
      break;
    case Event::kCrash:
      line->Number("sig", event.crash().sig());
      break;
    case Event::kSequenceBegin:
    case Event::kSequenceEnd:
    case Event::WHAT_NOT_SET:
      break;
  }
}

}  // namespace

void FormatGoldenEvent(const Event& event, std::string* out) {
  GoldenLine line(out);
  if (event.has_sequence_begin()) {
    FormatSequenceBegin(event.sequence_begin(), &line);
  } else if (event.has_sequence_end()) {
    line.Number("end", event.sequence_end().seq());
  } else {
    const Outcome& outcome = event.outcome();
    if (event.has_step()) line.Number("i", event.step());
    if (event.task() != 0) line.Number("task", event.task());
    line.Str("call", CallName(event));
    FormatArguments(event, &line);
    const bool returns = event.has_read() || event.has_write() || event.has_poll() ||
                         event.has_mdev_pin();
    if (returns && outcome.has_ret()) line.Number("ret", outcome.ret());
    if (outcome.has_error() && !event.has_set_module_parameter()) {
      line.Str("errno", ErrnoToName(outcome.error()));
    }
  }
  line.End();
}

}  // namespace iovalid::traces
