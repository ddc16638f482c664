// SPDX-License-Identifier: Apache-2.0
#include "conformance/report_json.h"

#include "conformance/decode.h"
#include "conformance/outcome_text.h"
#include "nlohmann/json.hpp"
#include "traces/errno_names.h"

namespace iovalid::conformance {
namespace {

// Keys keep the order in which they are written.
using Json = nlohmann::ordered_json;

Json SideJson(const traces::Event& event, const StepResult& result) {
  Json side;
  if (result.returned_fd) {
    side["ret"] = "fd";
  } else {
    side["ret"] = result.ret;
  }
  side["errno"] = traces::ErrnoToName(static_cast<uint32_t>(result.err));
  if (event.has_ioctl() && event.ioctl().argument_case() == traces::Ioctl::kIn) {
    side["out"] = result.out_changed ? HexBytes(result.out) : "=";
  }
  for (size_t i = 0; i < result.mem.size(); ++i) {
    const traces::UserBuffer& buffer = event.ioctl().mem(static_cast<int>(i));
    const Bytes before(buffer.before().begin(), buffer.before().end());
    side["mem"].push_back({Hex(buffer.addr()), HexBytes(before),
                           result.mem[i].changed ? HexBytes(result.mem[i].bytes) : "="});
  }
  for (const Expectation::Spill& spill : result.spill) {
    side["spill"].push_back({Hex(spill.addr), HexBytes(spill.after)});
  }
  if (result.rule != nullptr) {
    side["rule"] = {
        {"id", result.rule->id}, {"function", result.rule->function}, {"text", result.rule->text}};
  }
  return side;
}

// One element for each row that accounts for a part of the difference.
Json PartJson(const Label::Part& part, const StructLayout* layout) {
  const Catalogue& catalogue = Catalogue::BuiltIn();
  const catalogue::Row& row = catalogue.rows()[part.row];
  Json json = {{"row", row.id()},
               {"class", ClassName(row.class_())},
               {"explains", FacetNames(part.facets, layout)}};
  if (part.consequence >= 0) {
    const catalogue::Consequence& consequence = catalogue.consequences()[part.consequence];
    json["consequence_of"] = {{"row", row.id()},
                              {"i", part.cause.number},
                              {"through", consequence.follows()},
                              {"rule", consequence.id()}};
  }
  return json;
}

void AddLabel(const Label& label, const StructLayout* layout, Json* line) {
  Json& out = *line;
  if (!label.explained() || label.parts.empty()) {
    out["row"] = nullptr;
    out["class"] = "UNEXPLAINED";
    out["unexplained"] = FacetNames(label.unexplained, layout);
  } else {
    const Json first = PartJson(label.parts[0], layout);
    out["row"] = first["row"];
    out["class"] = first["class"];
    if (first.contains("consequence_of")) out["consequence_of"] = first["consequence_of"];
  }
  out["rows"] = Json::array();
  for (const Label::Part& part : label.parts) out["rows"].push_back(PartJson(part, layout));
}

std::string CallName(const traces::Event& event) {
  if (event.has_ioctl()) {
    const std::string_view cmd = CommandOf(event.ioctl());
    if (!cmd.empty()) return std::string(cmd);
    return event.ioctl().cmd().empty() ? Hex(event.ioctl().nr()) : event.ioctl().cmd();
  }
  const std::string call = DecodeCall(event);
  return call.substr(0, call.find('('));
}

}  // namespace

void JsonReporter::Begin(const std::string& file, const traces::Header&, const Side&, const Side&) {
  file_ = file;
}

void JsonReporter::Step(const Position& at, const traces::Event& event, Differ& differ,
                        const Label& label) {
  const Differ::Report& report = differ.report();
  if (!report.differs() && !(all_ && report.left.answered)) return;
  Json line;
  if (with_file_) line["file"] = file_;
  line["seq"] = at.seq;
  line["i"] = at.step;
  line["call"] = CallName(event);
  line["left"] = SideJson(event, report.left);
  line["right"] = SideJson(event, report.right);
  line["outcome_differs"] = report.outcome_differs;
  line["state_differs"] = Json::array();
  for (const StateDiff::Change& change : report.state) {
    line[change.resolved ? "state_resolved" : "state_differs"].push_back(
        differ.state_diff().Name(change.component));
  }
  if (report.differs())
    AddLabel(label, event.has_ioctl() ? LayoutOfCall(event.ioctl().nr()) : nullptr, &line);
  out_ << line.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) << '\n';
}

void JsonReporter::End(const ReplayCounts&) {}

}  // namespace iovalid::conformance
