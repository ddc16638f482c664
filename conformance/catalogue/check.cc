// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/check.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <variant>

#include "conformance/catalogue/labeller.h"
#include "conformance/step_compiler.h"
#include "sim/errno.h"
#include "traces/text.h"

namespace iovalid::conformance {
namespace {

using TraceTexts = std::map<std::string, std::string>;

bool ShownBy(const Label& label, int row) {
  return std::any_of(label.parts.begin(), label.parts.end(), [&](const Label::Part& part) {
    return part.row == row && part.consequence < 0;
  });
}

// Ids and descriptors that a kernel hands out: any other one would do as well.
bool IsName(std::string_view field) {
  constexpr std::string_view kOut = "out_", kId = "_id", kFd = "_fd";
  const auto ends_with = [&](std::string_view end) {
    return field.size() > end.size() && field.substr(field.size() - end.size()) == end;
  };
  return field.substr(0, kOut.size()) == kOut && (ends_with(kId) || ends_with(kFd));
}

// Tries wrong outcomes in place of the one that shows the row.
class Planter {
 public:
  Planter(const Catalogue& catalogue, const Labeller& labeller, const Difference& difference,
          RowCheck* check)
      : labeller_(labeller), difference_(difference), check_(check) {
    for (const Condition& condition : catalogue.conditions()) {
      if (condition.row != check->row) continue;
      explains_ |= condition.explains;
      needs_ |= condition.requires_state;
    }
  }

  void TryAll() {
    for (const bool left : {true, false}) {
      Plant(left, "another errno", [](StepResult* result) {
        result->err = sim::Errno::kINTR;  // which no modelled call answers with
        result->ret = -1;
        result->returned_fd = false;
      });
      Plant(left, "another return value", [](StepResult* result) {
        if (result->err == sim::Errno::kOk && !result->returned_fd) result->ret += 7;
      });
      PlantSizes(left);
    }
    PlantState();
  }

 private:
  bool Explained(const Difference& planted) const {
    const Label label = labeller_.Explain(planted);
    return label.explained() && ShownBy(label, check_->row);
  }

  void Plant(bool left, const char* what, const std::function<void(StepResult*)>& change) {
    const StepResult& before = left ? *difference_.left : *difference_.right;
    StepResult result = before;
    change(&result);
    if (result.SameOutcome(before)) return;
    Difference planted = difference_;
    (left ? planted.left : planted.right) = &result;
    const Variable ret = left ? Variable::kLeftRet : Variable::kRightRet;
    planted.variables[static_cast<size_t>(ret)] = static_cast<uint64_t>(result.ret);
    Report(planted, std::string(what) + (left ? " on the left" : " on the right"));
  }

  void Report(const Difference& planted, const std::string& what) {
    ++check_->plants;
    if (Explained(planted)) check_->problems.push_back(what + " is still explained");
  }

  // Each field that the row accounts for gets another value.
  void PlantSizes(bool left) {
    const StructLayout* layout = LayoutOfCall(CallOf(*difference_.step));
    const auto* ioctl = std::get_if<IoctlAction>(&difference_.step->action);
    if (layout == nullptr || ioctl == nullptr) return;
    for (size_t i = 0; i < layout->fields.size(); ++i) {
      const FieldLayout& field = layout->fields[i];
      if ((explains_ & difference_.differing() & kFieldFacet << i) == 0) continue;
      if (std::string_view(field.name) == "pad" || IsName(field.name)) continue;
      Plant(left, field.name, [&](StepResult* result) {
        if (!result->out_changed) result->out = ioctl->in;
        result->out_changed = true;
        if (field.offset < result->out.size()) result->out[field.offset] ^= 0x68;
      });
    }
  }

  void PlantState() {
    const Facets changed = difference_.changed();
    for (Component component = 0; component <= StateDiff::Reach(0); ++component) {
      const Facets facet = FacetOf(component);
      std::vector<StateDiff::Change> state(difference_.state.begin(), difference_.state.end());
      Difference planted = difference_;
      if ((changed & facet) == 0 && (explains_ & facet) == 0) {
        state.push_back({component, false});
        planted.state = state;
        ++check_->plants;
        const Label label = labeller_.Explain(planted);
        for (const Label::Part& part : label.parts) {
          if ((part.facets & facet) != 0 && part.consequence < 0 && part.row == check_->row) {
            check_->problems.push_back("another state is still explained");
          }
        }
      } else if ((needs_ & facet) != 0) {
        std::erase_if(state, [&](const StateDiff::Change& change) {
          return FacetOf(change.component) == facet;
        });
        planted.state = state;
        Report(planted, "a call that leaves the state as it was");
      }
    }
  }

  const Labeller& labeller_;
  const Difference& difference_;
  RowCheck* check_;
  Facets explains_ = 0, needs_ = 0;
};

class Checker {
 public:
  Checker(const Catalogue& catalogue, const TraceTexts& traces, int row)
      : catalogue_(catalogue), traces_(traces), row_(catalogue.rows()[row]) {
    check_.row = row;
  }

  RowCheck Run() {
    std::set<std::string> others;
    const bool shown = Replay("traces/" + row_.id() + ".textproto", &others, /*plant=*/true);
    if (check_.problems.empty() && !shown) check_.problems.push_back("its trace does not show it");
    const std::set<std::string> with(row_.with().begin(), row_.with().end());
    for (const std::string& id : others) {
      if (with.count(id) == 0) check_.problems.push_back("its trace shows " + id + " as well");
    }
    for (const std::string& id : with) {
      if (others.count(id) == 0) check_.problems.push_back("its trace does not show " + id);
    }
    if (Replay("traces/" + row_.id() + ".near.textproto", &others, /*plant=*/false)) {
      check_.problems.push_back("its near miss shows it");
    }
    return std::move(check_);
  }

 private:
  // Whether the trace shows the row; `others` gets the other rows that it shows.
  bool Replay(const std::string& name, std::set<std::string>* others, bool plant) {
    others->clear();
    const auto text = traces_.find(name);
    const auto problem = [&](const absl::Status& status) {
      check_.problems.push_back(std::string(status.message()));
      return false;
    };
    if (text == traces_.end()) return problem(absl::NotFoundError("there is no " + name));
    auto source = traces::OpenTextFromString(name, text->second);
    if (!source.ok()) return problem(source.status());
    const auto [left, right] = ShowSides(row_);
    absl::StatusOr<Machine> a = Machine::Create((*source)->header(), left);
    absl::StatusOr<Machine> b = Machine::Create((*source)->header(), right);
    if (!a.ok() || !b.ok()) return problem(a.ok() ? b.status() : a.status());
    Differ differ(*std::move(a), *std::move(b));
    Labeller labeller(catalogue_, left, right);
    StepCompiler compiler((*source)->header());
    bool shown = false;
    absl::Status read;
    for (const traces::Event& event : traces::Events(**source, &read)) {
      if (event.has_observe()) continue;
      Step step;
      Expectation unused;
      absl::Status status = compiler.Compile(event, &step, &unused);
      if (status.ok()) status = differ.Run(step);
      if (!status.ok()) return problem(status);
      if (plant && differ.report().differs()) Plant(labeller, step, differ);
      const Label& label = labeller.Observe(step, differ);
      for (const Label::Part& part : label.parts) {
        if (part.consequence >= 0) continue;
        if (part.row == check_.row) {
          shown = true;
        } else {
          others->insert(catalogue_.rows()[part.row].id());
        }
      }
      if (label.explained()) continue;
      check_.problems.push_back(
          name + ": step " + std::to_string(step.number) +
          " is not explained: " + FacetNames(label.unexplained, LayoutOfCall(CallOf(step))));
    }
    return read.ok() ? shown : problem(read);
  }

  void Plant(const Labeller& labeller, const Step& step, Differ& differ) {
    Labeller before = labeller;
    const Difference difference = before.Describe(step, differ);
    if (!ShownBy(before.Explain(difference), check_.row)) return;
    Planter(catalogue_, before, difference, &check_).TryAll();
  }

  const Catalogue& catalogue_;
  const TraceTexts& traces_;
  const catalogue::Row& row_;
  RowCheck check_;
};

}  // namespace

std::pair<Side, Side> ShowSides(const catalogue::Row& row) {
  const auto side = [](const std::string& text, const char* otherwise) {
    absl::StatusOr<Side> parsed = ParseSide(text.empty() ? otherwise : text);
    return parsed.ok() ? *parsed : *ParseSide(otherwise);
  };
  return {side(row.show_left(), "type1@7.3"), side(row.show_right(), "compat@7.3")};
}

std::vector<RowCheck> CheckCatalogue(
    const Catalogue& catalogue, const std::vector<std::pair<std::string, std::string>>& traces) {
  const TraceTexts texts(traces.begin(), traces.end());
  std::vector<RowCheck> checks;
  for (size_t row = 0; row < catalogue.rows().size(); ++row) {
    checks.push_back(Checker(catalogue, texts, static_cast<int>(row)).Run());
  }
  return checks;
}

}  // namespace iovalid::conformance
