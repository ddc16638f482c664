// SPDX-License-Identifier: Apache-2.0
// iovalid explain: why a step differs, and what to do about it.
#include <iostream>
#include <memory>
#include <string>

#include "conformance/catalogue/catalogue.h"
#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "conformance/decode.h"
#include "conformance/outcome_text.h"
#include "conformance/replay.h"
#include "conformance/snapshot_diff.h"
#include "traces/open_any.h"

namespace iovalid::conformance::cli {
namespace {

constexpr char kFooter[] =
    "For each differing step: the rule of each model that decided, the differences of state that "
    "stood\n"
    "before it, the row of the catalogue, and what the author of the program should do.\n"
    "\n"
    "Examples:\n"
    "  iovalid explain my.iovt\n"
    "  iovalid explain --step 8 --sequence 18 traces/goldens/edges.c7.3.type1-v1.iovt\n"
    "\n"
    "Exit status: 0 all is explained, 1 something is not, 2 unusable input.";

struct Options {
  std::string file, left = "type1@7.3", right = "compat@7.3";
  uint64_t step = 0;
  int64_t sequence = 0;
};

class Explainer : public ReplayReporter {
 public:
  explicit Explainer(const Options& options) : options_(options), style_(StdoutStyle()) {}

  void Begin(const std::string&, const traces::Header&, const Side& left,
             const Side& right) override {
    left_ = left.Name();
    right_ = right.Name();
  }

  void Step(const Position& at, const traces::Event& event, Differ& differ,
            const Label& label) override {
    const std::vector<std::string> standing = std::move(standing_);
    standing_ = Describe(differ);
    if (options_.step != 0 && at.step != options_.step) return;
    if (options_.sequence != 0 && at.seq != options_.sequence) return;
    const bool wanted = options_.step != 0 && at.step != shown_;
    if (!differ.report().differs() && !(wanted && differ.report().left.answered)) return;
    shown_ = at.step;
    ++steps_;
    std::cout << style_.Dim(std::to_string(at.seq) + "#" + std::to_string(at.step)) << ' '
              << style_.Bold(DecodeCall(event)) << '\n';
    PrintSide(left_, event, differ.report().left);
    PrintSide(right_, event, differ.report().right);
    for (const std::string& line : standing) std::cout << "  before    " << line << '\n';
    for (const StateDiff::Change& change : differ.report().state) {
      std::cout << (change.resolved ? "  equal now " : "  differs   ")
                << differ.state_diff().Name(change.component) << '\n';
    }
    if (!differ.report().differs()) {
      std::cout << "  nothing differs\n\n";
      return;
    }
    const StructLayout* layout = event.has_ioctl() ? LayoutOfCall(event.ioctl().nr()) : nullptr;
    for (const Label::Part& part : label.parts) PrintPart(part, layout);
    if (!label.explained()) {
      std::cout << "  " << style_.Bad("UNEXPLAINED") << ": "
                << FacetNames(label.unexplained, layout) << '\n';
    }
    std::cout << '\n';
  }

  void End(const ReplayCounts&) override {}

  uint64_t steps() const { return steps_; }

 private:
  std::vector<std::string> Describe(Differ& differ) const {
    std::vector<std::string> lines;
    const std::vector<Component> components = differ.state_diff().Standing();
    if (components.empty()) return lines;
    const compat::StateSnapshot left = differ.left().system().Snapshot();
    const compat::StateSnapshot right = differ.right().system().Snapshot();
    for (const Component component : components) {
      for (const std::string& line : DescribeDifference(component, left, right, left_, right_)) {
        lines.push_back(differ.state_diff().Name(component) + ": " + line);
      }
    }
    return lines;
  }

  void PrintSide(const std::string& name, const traces::Event& event,
                 const StepResult& result) const {
    const std::vector<std::string> lines = AnswerOf(event, result).Lines();
    std::cout << "  " << name << std::string(name.size() < 12 ? 12 - name.size() : 1, ' ')
              << lines[0] << '\n';
    for (size_t i = 1; i < lines.size(); ++i) std::cout << "              " << lines[i] << '\n';
    if (result.rule == nullptr) return;
    std::cout << "              " << result.rule->function << ": " << result.rule->text << " ("
              << result.rule->id << ")\n";
  }

  void PrintPart(const Label::Part& part, const StructLayout* layout) const {
    const Catalogue& catalogue = Catalogue::BuiltIn();
    const catalogue::Row& row = catalogue.rows()[part.row];
    std::cout << "  because   " << style_.Bold(row.id()) << " (" << ClassName(row.class_())
              << ", for " << FacetNames(part.facets, layout) << "): " << row.title() << '\n';
    if (part.consequence >= 0) {
      const catalogue::Consequence& consequence = catalogue.consequences()[part.consequence];
      std::cout << "            brought about at #" << part.cause.number << ", through "
                << consequence.follows() << ": " << consequence.title() << '\n';
    }
    for (const std::string& source : row.source()) std::cout << "  source    " << source << '\n';
    std::cout << "  advice    " << row.advice() << '\n';
  }

  const Options& options_;
  Style style_;
  std::string left_, right_;
  std::vector<std::string> standing_;
  uint64_t shown_ = 0, steps_ = 0;
};

int RunExplain(const Options& options) {
  const auto left = ParseSide(options.left), right = ParseSide(options.right);
  if (!left.ok()) return Fail(left.status());
  if (!right.ok()) return Fail(right.status());
  auto source = traces::OpenAny(options.file);
  if (!source.ok()) return Fail(source.status());
  Explainer explainer(options);
  const auto counts = Replay(**source, options.file, *left, *right, &explainer, nullptr);
  if (!counts.ok()) return Fail(counts.status());
  if (explainer.steps() == 0) std::cout << "nothing differs\n";
  return counts->unexplained == 0 ? kClean : kDifferent;
}

}  // namespace

void AddExplain(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("explain", "Why steps differ, and what to do about it.");
  command->footer(kFooter);
  command->add_option("TRACE", options->file, ".iovt, golden JSONL or .textproto")->required();
  command->add_option("--step", options->step, "only this step");
  command->add_option("--sequence", options->sequence, "only in this sequence");
  command->add_option("--left", options->left, "the left side")->capture_default_str();
  command->add_option("--right", options->right, "the right side")->capture_default_str();
  command->callback([options, run] { *run = [options] { return RunExplain(*options); }; });
}

}  // namespace iovalid::conformance::cli
