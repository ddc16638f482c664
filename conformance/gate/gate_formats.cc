// SPDX-License-Identifier: Apache-2.0
#include "conformance/gate/gate_formats.h"

#include <algorithm>
#include <string>

#include "conformance/catalogue/catalogue.h"
#include "nlohmann/json.hpp"

namespace iovalid::conformance {
namespace {

using Json = nlohmann::ordered_json;

std::string Place(const GateFinding& finding) {
  if (finding.step == 0) return "";
  return std::to_string(finding.seq) + "#" + std::to_string(finding.step) + " ";
}

std::string Line(const GateFinding& finding) {
  return std::string(KindName(finding.kind)) + ": " + Place(finding) + finding.message;
}

// For attributes and text; what XML 1.0 cannot hold becomes '?'.
std::string Xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (byte >= 0x20 || c == '\n' || c == '\t') {
      out += c;
    } else {
      out += '?';
    }
  }
  return out;
}

// Escapes of GitHub's workflow commands.
std::string Command(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%') {
      out += "%25";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else if (property && c == ':') {
      out += "%3A";
    } else if (property && c == ',') {
      out += "%2C";
    } else {
      out += c;
    }
  }
  return out;
}

void Dump(const Json& json, std::ostream& out) {
  out << json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) << '\n';
}

uint64_t CountFailed(const GateResult& result) {
  return static_cast<uint64_t>(
      std::count_if(result.traces.begin(), result.traces.end(),
                    [](const GateTrace& trace) { return !trace.findings.empty(); }));
}

}  // namespace

void WriteGateText(const GateResult& result, std::ostream& out) {
  std::set<std::string> rows;
  uint64_t differing = 0, calls = 0;
  for (const GateTrace& trace : result.traces) {
    calls += trace.calls;
    differing += trace.differing;
    for (const auto& [row, count] : trace.rows) rows.insert(row);
    if (trace.findings.empty()) continue;
    out << trace.file << " (" << trace.left << ", " << trace.right << ")\n";
    for (const GateFinding& finding : trace.findings) out << "  " << Line(finding) << '\n';
  }
  out << (result.passed() ? "passed" : "FAILED") << ": " << result.traces.size() << " traces, "
      << calls << " calls, " << differing << " differ by " << rows.size() << " rows; "
      << CountFailed(result) << " traces do not pass\n";
}

void WriteGateJson(const GateResult& result, std::ostream& out) {
  Json json = {{"passed", result.passed()}, {"traces", Json::array()}};
  for (const GateTrace& trace : result.traces) {
    Json entry = {{"file", trace.file},           {"left", trace.left},
                  {"right", trace.right},         {"calls", trace.calls},
                  {"differing", trace.differing}, {"rows", Json::object()},
                  {"findings", Json::array()}};
    for (const auto& [row, count] : trace.rows) entry["rows"][row] = count;
    for (const GateFinding& finding : trace.findings) {
      Json one = {{"kind", KindName(finding.kind)}, {"message", finding.message}};
      if (finding.step != 0) {
        one["seq"] = finding.seq;
        one["i"] = finding.step;
      }
      if (!finding.row.empty()) one["row"] = finding.row;
      entry["findings"].push_back(one);
    }
    json["traces"].push_back(entry);
  }
  Dump(json, out);
}

void WriteGateJunit(const GateResult& result, std::ostream& out) {
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      << "<testsuites>\n  <testsuite name=\"iovalid gate\" tests=\"" << result.traces.size()
      << "\" failures=\"" << CountFailed(result) << "\" errors=\"0\">\n";
  for (const GateTrace& trace : result.traces) {
    out << "    <testcase classname=\"" << Xml(trace.left + " " + trace.right) << "\" name=\""
        << Xml(trace.file) << "\"";
    if (trace.findings.empty()) {
      out << "/>\n";
      continue;
    }
    out << ">\n      <failure message=\"" << Xml(Line(trace.findings[0])) << "\">";
    for (const GateFinding& finding : trace.findings) out << Xml(Line(finding)) << '\n';
    out << "</failure>\n    </testcase>\n";
  }
  out << "  </testsuite>\n</testsuites>\n";
}

void WriteGateKtap(const GateResult& result, std::ostream& out) {
  out << "KTAP version 1\n1.." << result.traces.size() << '\n';
  size_t number = 0;
  for (const GateTrace& trace : result.traces) {
    ++number;
    for (const GateFinding& finding : trace.findings) out << "# " << Line(finding) << '\n';
    std::string name = trace.file;
    // What follows a '#' is a directive.
    std::replace(name.begin(), name.end(), '#', '_');
    out << (trace.findings.empty() ? "ok " : "not ok ") << number << ' ' << name << '\n';
  }
}

void WriteGateGithub(const GateResult& result, std::ostream& out) {
  for (const GateTrace& trace : result.traces) {
    for (const GateFinding& finding : trace.findings) {
      out << "::error file=" << Command(trace.file, true)
          << ",title=" << Command("iovalid " + std::string(KindName(finding.kind)), true)
          << "::" << Command(Place(finding) + finding.message, false) << '\n';
    }
  }
  WriteGateText(result, out);
}

void WriteGateSarif(const GateResult& result, std::ostream& out) {
  Json rules = Json::array();
  rules.push_back({{"id", "unexplained"},
                   {"shortDescription", {{"text", "A difference that no row accounts for"}}}});
  rules.push_back({{"id", "wrong-errno"},
                   {"shortDescription", {{"text", "An errno that its rule does not answer with"}}}});
  for (const catalogue::Row& row : Catalogue::BuiltIn().rows()) {
    rules.push_back({{"id", row.id()},
                     {"shortDescription", {{"text", row.title()}}},
                     {"help", {{"text", row.advice()}}}});
  }
  Json results = Json::array();
  for (const GateTrace& trace : result.traces) {
    for (const GateFinding& finding : trace.findings) {
      results.push_back(
          {{"ruleId", finding.row.empty() ? std::string(KindName(finding.kind)) : finding.row},
           {"level", "error"},
           {"message", {{"text", Line(finding)}}},
           {"locations", {{{"physicalLocation", {{"artifactLocation", {{"uri", trace.file}}}}}}}}});
    }
  }
  Json run = {{"tool", {{"driver", {{"name", "iovalid"}, {"rules", rules}}}}},
              {"results", results}};
  Dump({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
        {"version", "2.1.0"},
        {"runs", Json::array({run})}},
       out);
}

bool WriteGate(std::string_view format, const GateResult& result, std::ostream& out) {
  if (format == "text") {
    WriteGateText(result, out);
  } else if (format == "json") {
    WriteGateJson(result, out);
  } else if (format == "junit") {
    WriteGateJunit(result, out);
  } else if (format == "ktap") {
    WriteGateKtap(result, out);
  } else if (format == "github") {
    WriteGateGithub(result, out);
  } else if (format == "sarif") {
    WriteGateSarif(result, out);
  } else {
    return false;
  }
  return true;
}

}  // namespace iovalid::conformance
