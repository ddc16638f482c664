// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/catalogue.h"
#include "conformance/catalogue/row_table.h"
#include "conformance/report/assets.h"
#include "conformance/report/json_text.h"
#include "conformance/report/report.h"
#include "traces/errno_names.h"

namespace iovalid::conformance::report {
namespace {

using File = ReportData::File;
using Kind = ReportData::Kind;

std::string TraceName(size_t i) { return "t" + std::to_string(i); }

Json PlaceJson(const Place& place) {
  return {place.file, place.sequence, place.event, place.calls};
}

Json FilesJson(const ReportData& data) {
  static constexpr const char* kKinds[] = {"corpus", "minimal", "near"};
  Json files = Json::array();
  for (const File& file : data.files) {
    const FileInfo& info = file.info;
    Json rows = Json::array();
    for (const auto& [row, steps] : info.rows) rows.push_back({row, steps});
    files.push_back({{"path", info.path},
                     {"kind", kKinds[static_cast<size_t>(file.kind)]},
                     {"row", file.row},
                     {"origin", info.origin},
                     {"kernel", info.kernel},
                     {"left", info.left},
                     {"right", info.right},
                     {"capture", info.capture ? 1 : 0},
                     {"events", info.events},
                     {"calls", info.calls},
                     {"differing", info.differing},
                     {"unexplained", info.unexplained},
                     {"skipped", info.skipped},
                     {"sequences", info.sequences.size()},
                     {"drawn", file.drawn},
                     {"rows", std::move(rows)}});
  }
  return files;
}

Json MatrixJson(const ReportData& data) {
  Json matrix = Json::array();
  for (const auto& [key, entry] : data.all.matrix) {
    Json verdicts = Json::array();
    for (const Verdict& verdict : key.verdicts) {
      verdicts.push_back(verdict.ran ? Json{verdict.result, verdict.rule} : Json(0));
    }
    matrix.push_back({{"call", key.call},
                      {"v", std::move(verdicts)},
                      {"labels", key.labels},
                      {"follows", key.consequence ? 1 : 0},
                      {"count", entry.count},
                      {"place", PlaceJson(entry.shortest)}});
  }
  return matrix;
}

// "EINVAL by type1.map.wrap".
std::string AnswerText(const catalogue::Answer& answer) {
  const auto joined = [](const auto& strings) {
    std::string out;
    for (const auto& text : strings) {
      out += (out.empty() ? "" : " or ") + (text.empty() ? std::string("no rule") : text);
    }
    return out;
  };
  const std::string by = joined(answer.rule());
  return joined(answer.error()) + (by.empty() ? "" : " by " + by);
}

template <typename Elements>
Json ListJson(const Elements& elements) {
  return Json(std::vector<typename Elements::value_type>(elements.begin(), elements.end()));
}

Json RowsJson(const ReportData& data) {
  Json rows = Json::array();
  for (const catalogue::Row& row : Catalogue::BuiltIn().rows()) {
    const int number = static_cast<int>(rows.size());
    Json& out = rows.emplace_back();
    out["id"] = row.id();
    out["title"] = row.title();
    out["class"] = ClassName(row.class_());
    out["advice"] = row.advice();
    out["universe"] = row.universe();
    out["left"] = SideText(row.left());
    out["right"] = SideText(row.right());
    out["calls"] = ListJson(row.when().call());
    out["explains"] = ListJson(row.explains());
    out["sources"] = ListJson(row.source());
    out["problems"] = ListJson(row.problem());
    out["with"] = ListJson(row.with());
    out["tests"] = ListJson(row.when().test());
    out["answers"] = {AnswerText(row.when().left()), AnswerText(row.when().right())};
    out["numbers"] = ListJson(row.number());
    for (size_t file = 0; file < data.files.size(); ++file) {
      if (data.files[file].row != number) continue;
      out[data.files[file].kind == Kind::kNear ? "near" : "minimal"] = file;
    }
    if (const auto seen = data.survey.rows.find(number); seen != data.survey.rows.end()) {
      out["steps"] = seen->second.steps;
      out["first"] = PlaceJson(seen->second.first);
    }
  }
  return rows;
}

// Every pair of a rule and an errno that is known, and how often each column of the corpus hit it.
Json CoverageJson(const ReportData& data) {
  std::map<std::pair<std::string, std::string>, std::array<uint64_t, kColumns.size()>> cells =
      data.survey.rules;
  for (const auto& [rule, errors] : Catalogue::BuiltIn().rule_errnos()) {
    for (const uint32_t error : errors) {
      cells[{rule, error == 0 ? "0" : traces::ErrnoToName(error)}];
    }
  }
  Json coverage = Json::array();
  for (const auto& [cell, counts] : cells) {
    Json& out = coverage.emplace_back(Json{cell.first, cell.second});
    for (const uint64_t count : counts) out.push_back(count);
  }
  return coverage;
}

Json SearchesJson(const ReportData& data) {
  Json searches = Json::array();
  for (const SearchFigures& figures : data.searches) {
    Json& out = searches.emplace_back();
    out["name"] = figures.name;
    out["sequences"] = figures.sequences;
    out["distinct"] = figures.distinct;
    out["explained"] = figures.explained;
    out["unexplained"] = figures.unexplained;
    if (figures.median.has_value()) out["median"] = *figures.median;
  }
  return searches;
}

std::string MainData(const ReportData& data) {
  Json out;
  out["columns"] = kColumns;
  out["files"] = FilesJson(data);
  Json& rules = out["rules"] = Json::object();
  for (const auto& [id, text] : data.all.rule_texts) rules[id] = {text.first, text.second};
  out["matrix"] = MatrixJson(data);
  out["rows"] = RowsJson(data);
  out["coverage"] = CoverageJson(data);
  out["searches"] = SearchesJson(data);
  return "iovalid.report(" + JsonLines(std::move(out)) + ");\n";
}

std::string TraceData(size_t number, const File& file) {
  Json all = Json::array();
  for (size_t i = 0; i < file.info.sequences.size(); ++i) {
    const SequenceInfo& sequence = file.info.sequences[i];
    const auto drawn = file.drawn_of.find(static_cast<uint32_t>(i));
    all.push_back({sequence.seq, sequence.name, sequence.events, sequence.calls, sequence.differing,
                   sequence.unexplained, drawn == file.drawn_of.end() ? 0 : drawn->second});
  }
  return "iovalid.trace(" + std::to_string(number) + ",\n" + JsonText(std::move(all)) + ",\n" +
         file.timeline + ");\n";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ReportFiles(const ReportData& data) {
  std::vector<std::pair<std::string, std::string>> files = Assets();
  files.emplace_back("data/report.js", MainData(data));
  for (size_t i = 0; i < data.files.size(); ++i) {
    files.emplace_back("data/" + TraceName(i) + ".js", TraceData(i, data.files[i]));
  }
  return files;
}

}  // namespace iovalid::conformance::report
