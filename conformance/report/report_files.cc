// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue/catalogue.h"
#include "conformance/report/assets.h"
#include "conformance/report/json_text.h"
#include "conformance/report/report.h"
#include "traces/errno_names.h"

namespace iovalid::conformance::report {
namespace {

using File = ReportData::File;
using Kind = ReportData::Kind;

std::string TraceName(size_t i) { return "t" + std::to_string(i); }

void WritePlace(const Place& place, JsonText* out) {
  out->Begin('[').Add(place.file).Add(place.sequence).Add(place.event).Add(place.calls).End(']');
}

void WriteFiles(const ReportData& data, JsonText* out) {
  static constexpr std::string_view kKinds[] = {"corpus", "minimal", "near"};
  out->Break().Key("files").Begin('[');
  for (const File& file : data.files) {
    const FileInfo& info = file.info;
    out->Break().Begin('{').Add("path", info.path);
    out->Add("kind", kKinds[static_cast<size_t>(file.kind)]).Add("row", file.row);
    out->Add("origin", info.origin).Add("kernel", info.kernel);
    out->Add("left", info.left).Add("right", info.right).Add("capture", info.capture ? 1 : 0);
    out->Add("events", info.events).Add("calls", info.calls).Add("differing", info.differing);
    out->Add("unexplained", info.unexplained).Add("skipped", info.skipped);
    out->Add("sequences", info.sequences.size()).Add("drawn", file.drawn);
    out->Key("rows").Begin('[');
    for (const auto& [row, steps] : info.rows) out->Begin('[').Add(row).Add(steps).End(']');
    out->End(']').End('}');
  }
  out->End(']');
}

void WriteMatrix(const ReportData& data, JsonText* out) {
  out->Break().Key("matrix").Begin('[');
  for (const auto& [key, entry] : data.all.matrix) {
    out->Break().Begin('{').Add("call", key.call).Key("v").Begin('[');
    for (const Verdict& verdict : key.verdicts) {
      if (!verdict.ran) {
        out->Add(0);
        continue;
      }
      out->Begin('[').Add(verdict.result).Add(verdict.rule).End(']');
    }
    out->End(']').Key("labels").Begin('[');
    for (const int label : key.labels) out->Add(label);
    out->End(']').Add("follows", key.consequence ? 1 : 0).Add("count", entry.count).Key("place");
    WritePlace(entry.shortest, out);
    out->End('}');
  }
  out->End(']');
}

void WriteSide(const char* name, const catalogue::Side& side, JsonText* out) {
  std::string text = side.mode();
  if (!side.first_kernel().empty()) text += " from " + side.first_kernel();
  if (!side.last_kernel().empty()) text += " up to " + side.last_kernel();
  out->Add(name, text);
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

template <typename Strings>
void WriteStrings(const char* name, const Strings& strings, JsonText* out) {
  out->Key(name).Begin('[');
  for (const auto& text : strings) out->Add(std::string_view(text));
  out->End(']');
}

void WriteRows(const ReportData& data, JsonText* out) {
  const auto& rows = Catalogue::BuiltIn().rows();
  out->Break().Key("rows").Begin('[');
  for (size_t i = 0; i < rows.size(); ++i) {
    const catalogue::Row& row = rows[i];
    out->Break().Begin('{').Add("id", row.id()).Add("title", row.title());
    out->Add("class", ClassName(row.class_())).Add("advice", row.advice());
    out->Add("universe", row.universe());
    WriteSide("left", row.left(), out);
    WriteSide("right", row.right(), out);
    WriteStrings("calls", row.when().call(), out);
    WriteStrings("explains", row.explains(), out);
    WriteStrings("sources", row.source(), out);
    WriteStrings("problems", row.problem(), out);
    WriteStrings("with", row.with(), out);
    WriteStrings("tests", row.when().test(), out);
    out->Key("answers").Begin('[').Add(AnswerText(row.when().left()));
    out->Add(AnswerText(row.when().right())).End(']');
    out->Key("numbers").Begin('[');
    for (const uint32_t number : row.number()) out->Add(number);
    out->End(']');
    for (size_t file = 0; file < data.files.size(); ++file) {
      if (data.files[file].row != static_cast<int>(i)) continue;
      out->Add(data.files[file].kind == Kind::kNear ? "near" : "minimal", file);
    }
    if (const auto seen = data.survey.rows.find(static_cast<int>(i));
        seen != data.survey.rows.end()) {
      out->Add("steps", seen->second.steps).Key("first");
      WritePlace(seen->second.first, out);
    }
    out->End('}');
  }
  out->End(']');
}

// Every pair of a rule and an errno that is known, and how often each column of the corpus hit it.
void WriteCoverage(const ReportData& data, JsonText* out) {
  std::map<std::pair<std::string, std::string>, std::array<uint64_t, kColumns.size()>> cells =
      data.survey.rules;
  for (const auto& [rule, errors] : Catalogue::BuiltIn().rule_errnos()) {
    for (const uint32_t error : errors) {
      cells[{rule, error == 0 ? "0" : traces::ErrnoToName(error)}];
    }
  }
  out->Break().Key("coverage").Begin('[');
  for (const auto& [cell, counts] : cells) {
    out->Break().Begin('[').Add(cell.first).Add(cell.second);
    for (const uint64_t count : counts) out->Add(count);
    out->End(']');
  }
  out->End(']');
}

std::string MainData(const ReportData& data) {
  JsonText out;
  out.Begin('{').Key("columns").Begin('[');
  for (const std::string_view column : kColumns) out.Add(column);
  out.End(']');
  WriteFiles(data, &out);
  out.Break().Key("rules").Begin('{');
  for (const auto& [id, text] : data.all.rule_texts) {
    out.Break().Key(id).Begin('[').Add(text.first).Add(text.second).End(']');
  }
  out.End('}');
  WriteMatrix(data, &out);
  WriteRows(data, &out);
  WriteCoverage(data, &out);
  out.Break().Key("searches").Begin('[');
  for (const SearchFigures& figures : data.searches) {
    out.Begin('{').Add("name", figures.name).Add("sequences", figures.sequences);
    out.Add("distinct", figures.distinct).Add("explained", figures.explained);
    out.Add("unexplained", figures.unexplained);
    if (figures.median.has_value()) out.Add("median", *figures.median);
    out.End('}');
  }
  out.End(']').End('}');
  return "iovalid.report(" + out.text() + ");\n";
}

std::string TraceData(size_t number, const File& file) {
  JsonText all;
  all.Begin('[');
  for (size_t i = 0; i < file.info.sequences.size(); ++i) {
    const SequenceInfo& sequence = file.info.sequences[i];
    const auto drawn = file.drawn_of.find(static_cast<uint32_t>(i));
    all.Begin('[').Add(sequence.seq).Add(sequence.name).Add(sequence.events).Add(sequence.calls);
    all.Add(sequence.differing).Add(sequence.unexplained);
    all.Add(drawn == file.drawn_of.end() ? 0 : drawn->second).End(']');
  }
  all.End(']');
  return "iovalid.trace(" + std::to_string(number) + ",\n" + all.text() + ",\n" + file.timeline +
         ");\n";
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
