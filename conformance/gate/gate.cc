// SPDX-License-Identifier: Apache-2.0
#include "conformance/gate/gate.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "conformance/decode.h"
#include "conformance/outcome_text.h"
#include "conformance/replay.h"
#include "conformance/verifier.h"
#include "traces/open_any.h"

namespace iovalid::conformance {
namespace {

constexpr uint64_t kMostUnexplained = 50;  // findings kept of one trace

// Collects the rows and what no row accounts for.
class Collector : public ReplayReporter {
 public:
  explicit Collector(GateTrace* trace) : trace_(trace) {}

  void Begin(const std::string&, const traces::Header&, const Side& left,
             const Side& right) override {
    trace_->left = left.Name();
    trace_->right = right.Name();
  }

  void Step(const Position& at, const traces::Event& event, Differ& differ,
            const Label& label) override {
    CheckErrno(at, event, trace_->left, differ.report().left);
    CheckErrno(at, event, trace_->right, differ.report().right);
    if (!differ.report().differs()) return;
    const Catalogue& catalogue = Catalogue::BuiltIn();
    for (const Label::Part& part : label.parts) {
      if (part.consequence < 0) ++trace_->rows[catalogue.rows()[part.row].id()];
    }
    if (label.explained()) return;
    if (++unexplained_ > kMostUnexplained) return;
    const StructLayout* layout = event.has_ioctl() ? LayoutOfCall(event.ioctl().nr()) : nullptr;
    const Answer left = AnswerOf(event, differ.report().left);
    const Answer right = AnswerOf(event, differ.report().right);
    trace_->findings.push_back({GateFinding::Kind::kUnexplained, at.seq, at.step, "",
                                DecodeCall(event) + ": " + trace_->left + " = " + left.result +
                                    ", " + trace_->right + " = " + right.result +
                                    "; unexplained: " + FacetNames(label.unexplained, layout)});
  }

  void End(const ReplayCounts& counts) override {
    trace_->calls = counts.calls;
    trace_->differing = counts.differing();
    if (unexplained_ <= kMostUnexplained) return;
    trace_->findings.push_back(
        {GateFinding::Kind::kUnexplained, 0, 0, "",
         std::to_string(unexplained_ - kMostUnexplained) + " more differences are unexplained"});
  }

 private:
  // An errno that the deciding rule does not answer with is wrong where both sides agree on it as
  // well.
  void CheckErrno(const Position& at, const traces::Event& event, const std::string& side,
                  const StepResult& result) {
    if (result.rule == nullptr || IsUnmodelled(result.rule)) return;
    if (Catalogue::BuiltIn().RuleAnswers(result.rule->id, static_cast<uint32_t>(result.err))) {
      return;
    }
    if (++wrong_ > kMostUnexplained) return;
    trace_->findings.push_back({GateFinding::Kind::kWrongErrno, at.seq, at.step, "",
                                DecodeCall(event) + ": " + side + " = " +
                                    AnswerOf(event, result).result + ", which " + result.rule->id +
                                    " does not answer with"});
  }

  GateTrace* trace_;
  uint64_t unexplained_ = 0, wrong_ = 0;
};

bool IsTraceName(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".iovt" || extension == ".jsonl" || extension == ".textproto";
}

}  // namespace

std::string_view KindName(GateFinding::Kind kind) {
  switch (kind) {
    case GateFinding::Kind::kUnexplained:
      return "unexplained";
    case GateFinding::Kind::kWrongErrno:
      return "wrong-errno";
    case GateFinding::Kind::kNewRow:
      return "new-row";
    case GateFinding::Kind::kMissingRow:
      return "missing-row";
  }
  return "?";
}

absl::StatusOr<Baseline> ParseBaseline(std::string_view text, const std::string& file) {
  Baseline baseline;
  uint64_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const size_t blank = line.find(' ');
    if (blank == 0 || blank == std::string_view::npos || blank + 1 == line.size()) {
      return absl::InvalidArgumentError(file + ":" + std::to_string(number) +
                                        ": a line of a baseline is ROW FILE");
    }
    baseline[std::string(line.substr(blank + 1))].insert(std::string(line.substr(0, blank)));
  }
  return baseline;
}

std::string BaselineToText(const Baseline& baseline) {
  std::string out =
      "# Rows of the divergence catalogue that each trace shows; see `iovalid gate`.\n";
  for (const auto& [file, rows] : baseline) {
    for (const std::string& row : rows) out += row + " " + file + "\n";
  }
  return out;
}

bool GateResult::passed() const {
  return std::all_of(traces.begin(), traces.end(),
                     [](const GateTrace& trace) { return trace.findings.empty(); });
}

Baseline GateResult::ToBaseline() const {
  Baseline baseline;
  for (const GateTrace& trace : traces) {
    for (const auto& [row, count] : trace.rows) baseline[trace.file].insert(row);
  }
  return baseline;
}

absl::StatusOr<std::vector<std::string>> FindTraces(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      if (!fs::exists(path, error)) return absl::NotFoundError(path + ": there is no such file");
      files.push_back(path);
      continue;
    }
    const size_t before = files.size();
    fs::recursive_directory_iterator entry(path, error), end;
    for (; !error && entry != end; entry.increment(error)) {
      // Inputs of a fuzzer are no traces.
      if (entry->path().filename() == "fuzz_corpus") entry.disable_recursion_pending();
      if (entry->is_regular_file(error) && IsTraceName(entry->path())) {
        files.push_back(entry->path().string());
      }
    }
    if (error) return absl::NotFoundError(path + ": " + error.message());
    if (files.size() == before) return absl::NotFoundError(path + ": there is no trace below it");
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

absl::StatusOr<std::string> GateKernel(const std::string& file) {
  auto source = traces::OpenAny(file);
  if (!source.ok()) return source.status();
  const absl::StatusOr<Side> recorded = RecordedSide((*source)->header());
  // A stock kernel may lack iommufd; the series decides.
  if (recorded.ok() && recorded->profile->name != "6.1") {
    return std::string(recorded->profile->name);
  }
  return std::string("7.3");
}

absl::StatusOr<GateTrace> RunGate(const std::string& file, const Side& left, const Side& right) {
  GateTrace trace;
  trace.file = file;
  auto source = traces::OpenAny(file);
  if (!source.ok()) return source.status();
  Collector collector(&trace);
  const auto counts = Replay(**source, file, left, right, &collector, nullptr);
  if (!counts.ok()) return counts.status();
  return trace;
}

void CompareWithBaseline(const Baseline& baseline, GateResult* result) {
  for (GateTrace& trace : result->traces) {
    const auto known = baseline.find(trace.file);
    const std::set<std::string> none;
    const std::set<std::string>& accepted = known == baseline.end() ? none : known->second;
    for (const auto& [row, count] : trace.rows) {
      if (accepted.count(row) != 0) continue;
      trace.findings.push_back({GateFinding::Kind::kNewRow, 0, 0, row,
                                row + " is new here (" + std::to_string(count) + " steps)"});
    }
    for (const std::string& row : accepted) {
      if (trace.rows.count(row) != 0) continue;
      trace.findings.push_back(
          {GateFinding::Kind::kMissingRow, 0, 0, row, row + " is no longer shown"});
    }
  }
}

}  // namespace iovalid::conformance
