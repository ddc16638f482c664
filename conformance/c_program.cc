// SPDX-License-Identifier: Apache-2.0
#include "conformance/c_program.h"

#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "conformance/c_program_runtime.h"
#include "conformance/decode.h"
#include "conformance/machine.h"
#include "conformance/printable.h"
#include "conformance/step_compiler.h"
#include "fmt/format.h"
#include "sim/errno.h"

namespace iovalid::conformance {
namespace {

// A C string literal's inside; the text is printable ASCII.
std::string Quote(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    // No trigraphs, and no end of a comment.
    if (c == '?' || (c == '/' && !out.empty() && out.back() == '*')) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string Bytes(const std::string& bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    out += fmt::format("{}0x{:02x}",
                       i == 0        ? ""
                       : i % 12 == 0 ? ",\n      "
                                     : ", ",
                       static_cast<unsigned char>(bytes[i]));
  }
  return out;
}

class CWriter {
 public:
  CWriter(const traces::Header& header, Machine left, Machine right)
      : header_(header), compiler_(header), machines_{std::move(left), std::move(right)} {}

  absl::Status Write(const traces::Event& event);
  uint32_t names() const { return static_cast<uint32_t>(names_.size()); }
  uint32_t calls() const { return calls_; }
  std::string body() const { return body_; }

 private:
  // The index of a handle's descriptor in the program; -1 is one that is never open.
  std::string Fd(const std::string& name) {
    if (name.empty()) return "-1";
    if (name.find_first_not_of("-0123456789") == std::string::npos) return name;
    const auto at = names_.emplace(name, names_.size()).first->second;
    return fmt::format("fds[{}]", at);
  }
  std::string FdPlace(const std::string& name) {
    if (name.empty() || name.find_first_not_of("-0123456789") == std::string::npos) {
      return "&unnamed";
    }
    return "&" + Fd(name);
  }
  void Emit(std::string line) { body_ += "  " + std::move(line) + "\n"; }

  // What the models answer, as the runtime compares it.
  std::string Expected(const StepResult& result) const;
  absl::Status Ioctl(const traces::Ioctl& ioctl);
  absl::Status Map(const traces::Mmap& mmap);
  void End(const traces::Event& event);

  const traces::Header& header_;
  StepCompiler compiler_;
  std::vector<Machine> machines_;
  std::map<std::string, size_t> names_;
  std::string body_;
  StepResult results_[2];
  uint32_t calls_ = 0;
};

std::string CWriter::Expected(const StepResult& result) const {
  if (!result.out_changed || result.err != sim::Errno::kOk) {
    return fmt::format("{{{}, {}, 0, 0}}",
                       result.returned_fd ? "FD" : fmt::format("{}L", result.ret),
                       static_cast<int>(result.err));
  }
  std::string hex;
  for (const uint8_t byte : result.out) hex += fmt::format("{:02x}", byte);
  return fmt::format("{{{}L, 0, 1, \"{}\"}}", result.ret, hex);
}

void CWriter::End(const traces::Event& event) {
  ++calls_;
  Emit("{");
  Emit(fmt::format("  static const struct answer left = {};", Expected(results_[0])));
  Emit(fmt::format("  static const struct answer right = {};", Expected(results_[1])));
  Emit(fmt::format("  tell(\"#{} {}\", &left, &right);", event.step(), Quote(DecodeCall(event))));
  Emit("}");
}

absl::Status CWriter::Ioctl(const traces::Ioctl& ioctl) {
  for (const traces::UserBuffer& buffer : ioctl.mem()) {
    Emit("{");
    Emit(fmt::format("  static const unsigned char before[] = {{{}}};",
                     buffer.before().empty() ? "0" : Bytes(buffer.before())));
    Emit(fmt::format("  put({:#x}UL, before, {});", buffer.addr(), buffer.before().size()));
    Emit("}");
  }
  switch (ioctl.argument_case()) {
    case traces::Ioctl::kPointer:
      Emit(fmt::format("call(ioctl({}, {:#x}UL, {:#x}UL), {});", Fd(ioctl.fd()), ioctl.nr(),
                       ioctl.pointer(), FdPlace(ioctl.retfd())));
      return absl::OkStatus();
    case traces::Ioctl::kIn:
      break;
    default: {
      Emit(fmt::format("call(ioctl({}, {:#x}UL, {}L), {});", Fd(ioctl.fd()), ioctl.nr(),
                       ioctl.integer(), FdPlace(ioctl.retfd())));
      return absl::OkStatus();
    }
  }
  if (ioctl.in().size() > 4096) return absl::InvalidArgumentError("a struct of more than a page");
  Emit("{");
  std::string in = ioctl.in();
  int device = -1;
  std::string retfd = ioctl.retfd();
  if (ioctl.cmd() == "VFIO_GROUP_GET_DEVICE_FD") {
    const std::string name(in.c_str());
    for (int i = 0; i < header_.devices_size(); ++i) {
      if (header_.devices(i).bdf() == name) device = i;
    }
    if (device >= 0 && retfd.empty()) retfd = "d" + std::to_string(device);
  }
  Emit(fmt::format("  static const unsigned char in[] = {{{}}};", in.empty() ? "0" : Bytes(in)));
  Emit(fmt::format("  begin_struct({:#x}UL, in, {});", ioctl.has_at() ? ioctl.at() : 0x70000000,
                   in.size()));
  if (device >= 0) Emit(fmt::format("  put_bdf({});", device));
  for (const traces::FdField& field : ioctl.fdfix()) {
    Emit(fmt::format("  put_fd({}, {});", field.offset(), Fd(field.name())));
  }
  Emit(fmt::format("  call(ioctl({}, {:#x}UL, argument), {});", Fd(ioctl.fd()), ioctl.nr(),
                   FdPlace(retfd)));
  for (const traces::FdField& field : ioctl.fdfix()) {
    Emit(fmt::format("  clear_fd({});", field.offset()));
  }
  if (device >= 0) Emit("  forget_struct();");
  for (const traces::FdField& field : ioctl.fdout()) {
    Emit(fmt::format("  take_fd({}, {});", field.offset(), FdPlace(field.name())));
  }
  Emit("}");
  return absl::OkStatus();
}

absl::Status CWriter::Map(const traces::Mmap& map) {
  std::string flags = "MAP_PRIVATE | MAP_ANONYMOUS", fd = "-1", offset = "0";
  switch (map.kind()) {
    case traces::ANON_PRIVATE:
      break;
    case traces::ANON_SHARED:
      flags = "MAP_SHARED | MAP_ANONYMOUS";
      break;
    case traces::MEMFD:
    case traces::FILE_RW:
      flags = "MAP_SHARED";
      fd = Fd(map.obj());
      offset = fmt::format("{:#x}L", map.off());
      break;
    case traces::BAR:
      flags = "MAP_SHARED";
      fd = Fd(map.obj());
      offset = fmt::format("((long){} << 40) + {:#x}L", map.region(), map.off());
      break;
    default:
      return absl::InvalidArgumentError("memory of this kind cannot be said in a C program");
  }
  Emit(fmt::format("map({:#x}UL, {:#x}UL, {}, {}, {}, {}, {});", map.addr(), map.len(), map.prot(),
                   flags, fd, offset,
                   map.touch() == traces::WRITTEN     ? 2
                   : map.touch() == traces::READ_FROM ? 1
                                                      : 0));
  return absl::OkStatus();
}

absl::Status CWriter::Write(const traces::Event& event) {
  using traces::Event;
  if (event.has_observe() || event.has_dma_view() || event.has_sequence_end()) {
    return absl::OkStatus();
  }
  Step step;
  Expectation unused;
  absl::Status status = compiler_.Compile(event, &step, &unused);
  for (int i = 0; i < 2 && status.ok(); ++i) status = machines_[i].Run(step, &results_[i]);
  if (!status.ok()) return status;
  switch (event.what_case()) {
    case Event::kSequenceBegin:
      if (!event.sequence_begin().cap_ipc_lock()) Emit("drop_capability(14);");
      if (event.sequence_begin().rlimit_memlock() >= 0) {
        Emit(fmt::format("limit({}UL);", event.sequence_begin().rlimit_memlock()));
      }
      if (event.sequence_begin().dma_entry_limit() > 0) {
        Emit(fmt::format("entry_limit({});", event.sequence_begin().dma_entry_limit()));
      }
      return absl::OkStatus();
    case Event::kOpen: {
      const std::string& path = event.open().path();
      const auto* open = std::get_if<OpenAction>(&step.action);
      std::string where = '"' + Quote(Printable(open->path)) + '"';
      if (open->container) where = "container";
      for (int i = 0; i < header_.devices_size(); ++i) {
        if (path == "@" + header_.devices(i).group()) where = fmt::format("group_path({})", i);
        if (path == "@" + header_.devices(i).cdev()) where = fmt::format("cdev_path({})", i);
      }
      Emit(fmt::format("call(open({}, O_RDWR | O_CLOEXEC), {});", where,
                       FdPlace(event.open().as())));
      End(event);
      return absl::OkStatus();
    }
    case Event::kClose:
      Emit(fmt::format("call(close({}), 0);", Fd(event.close().fd())));
      Emit(fmt::format("*({}) = -1;", FdPlace(event.close().fd())));
      End(event);
      return absl::OkStatus();
    case Event::kDup:
      Emit(fmt::format("call(dup({}), {});", Fd(event.dup().fd()), FdPlace(event.dup().as())));
      End(event);
      return absl::OkStatus();
    case Event::kIoctl:
      status = Ioctl(event.ioctl());
      if (status.ok()) End(event);
      return status;
    case Event::kMmap:
      return Map(event.mmap());
    case Event::kMunmap:
      Emit(fmt::format("munmap((void *){:#x}UL, {:#x}UL);", event.munmap().addr(),
                       event.munmap().len()));
      return absl::OkStatus();
    case Event::kMprotect:
      Emit(fmt::format("mprotect((void *){:#x}UL, {:#x}UL, {});", event.mprotect().addr(),
                       event.mprotect().len(), event.mprotect().prot()));
      return absl::OkStatus();
    case Event::kTouch:
      Emit(fmt::format("touch({:#x}UL, {:#x}UL, {});", event.touch().addr(), event.touch().len(),
                       event.touch().write() ? 2 : 1));
      return absl::OkStatus();
    case Event::kMemfd:
      Emit(fmt::format("*({}) = make_memfd({:#x}UL);", FdPlace(event.memfd().as()),
                       event.memfd().size()));
      return absl::OkStatus();
    case Event::kEventfd:
      Emit(fmt::format("*({}) = eventfd(0, 0);", FdPlace(event.eventfd().as())));
      return absl::OkStatus();
    case Event::kFtruncate:
      Emit(fmt::format("if (ftruncate({}, {:#x}L)) perror(\"ftruncate\");",
                       Fd(event.ftruncate().fd()), event.ftruncate().size()));
      return absl::OkStatus();
    case Event::kSetrlimit:
      Emit(event.setrlimit().memlock() < 0
               ? std::string("limit(~0UL);")
               : fmt::format("limit({}UL);", event.setrlimit().memlock()));
      return absl::OkStatus();
    case Event::kCapDrop:
      if (const auto* drop = std::get_if<DropCapabilityAction>(&step.action)) {
        Emit(fmt::format("drop_capability({});", drop->capability));
        return absl::OkStatus();
      }
      break;
    case Event::kSetModuleParameter:
      if (std::holds_alternative<EntryLimitAction>(step.action)) {
        Emit(fmt::format("entry_limit({});", event.set_module_parameter().value()));
        return absl::OkStatus();
      }
      break;
    default:
      break;
  }
  return absl::InvalidArgumentError("'" + DecodeCall(event) + "' cannot be said in a C program");
}

}  // namespace

absl::Status WriteCProgram(traces::EventSource& source, const Side& left, const Side& right,
                           std::ostream& out) {
  const traces::Header& header = source.header();
  if (header.capture()) {
    return absl::InvalidArgumentError("a recording of a program does not hold all of its memory");
  }
  auto left_machine = Machine::Create(header, left, {.views = false});
  if (!left_machine.ok()) return left_machine.status();
  auto right_machine = Machine::Create(header, right, {.views = false});
  if (!right_machine.ok()) return right_machine.status();
  CWriter writer(header, *std::move(left_machine), *std::move(right_machine));
  int sequences = 0;
  absl::Status read;
  for (const traces::Event& event : traces::Events(source, &read)) {
    if (event.has_sequence_begin() && ++sequences > 1) {
      return absl::InvalidArgumentError("more than one sequence; `iovalid cut` takes one out");
    }
    if (absl::Status status = writer.Write(event); !status.ok())
      return traces::At(source.Where(), status);
  }
  if (!read.ok()) return read;
  out << "/* Written by iovalid: the calls of a trace, for a real kernel.\n"
      << " * left is " << left.Name() << ", right is " << right.Name() << ".\n"
      << " * PROGRAM type1|compat BDF...   the devices are bound to vfio-pci.\n"
      << " * PROGRAM                       both modes, with all devices of vfio-pci. */\n"
      << kCProgramRuntime << "\nstatic int fds[" << writer.names() + 1 << "];\n\n"
      << "static void run(void) {\n"
      << writer.body() << "}\n\n"
      << "int main(int argc, char **argv) {\n"
      << "  return run_all(argc, argv, fds, " << writer.names() + 1 << ", run, \""
      << ModeName(left.mode) << "\", \"" << ModeName(right.mode) << "\");\n}\n";
  if (!out) return absl::UnavailableError("cannot write the program");
  return absl::OkStatus();
}

}  // namespace iovalid::conformance
