// SPDX-License-Identifier: Apache-2.0
// iovalid catalogue: the known divergences.
#include "conformance/catalogue/catalogue.h"

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_join.h"
#include "conformance/catalogue/built_in.h"
#include "conformance/catalogue/check.h"
#include "conformance/catalogue/row_table.h"
#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "fmt/format.h"

namespace iovalid::conformance::cli {
namespace {

constexpr char kFooter[] =
    "Examples:\n"
    "  iovalid catalogue list\n"
    "  iovalid catalogue show unmap-v1-hole\n"
    "  iovalid catalogue show --trace unmap-v1-hole > hole.textproto\n"
    "  iovalid catalogue check\n"
    "\n"
    "Exit status of check: 0 every row is sound, 1 a row is not.";

int List(const std::string& format) {
  const Catalogue& catalogue = Catalogue::BuiltIn();
  if (format == "markdown") {
    std::cout << RowTable(catalogue);
    return kClean;
  }
  const Style style = StdoutStyle();
  for (const catalogue::Row& row : catalogue.rows()) {
    std::cout << style.Bold(fmt::format("{:<32}", row.id())) << ' '
              << fmt::format("{:<12} {:<8} ", ClassName(row.class_()), row.universe())
              << row.title() << '\n';
  }
  std::cout << catalogue.rows().size() << " rows, " << catalogue.consequences().size()
            << " kinds of consequence\n";
  return kClean;
}

int Show(const std::string& id, bool trace) {
  const Catalogue& catalogue = Catalogue::BuiltIn();
  const int index = catalogue.FindRow(id);
  if (index < 0) {
    return Fail(absl::NotFoundError("there is no row '" + id + "'; `catalogue list` names them"));
  }
  if (trace) {
    for (const auto& [name, text] : BuiltInCatalogueTraces()) {
      if (name == "traces/" + id + ".textproto") std::cout << text;
    }
    return kClean;
  }
  const catalogue::Row& row = catalogue.rows()[index];
  const Style style = StdoutStyle();
  std::cout << style.Bold(row.id()) << '\n' << row.title() << "\n\n";
  const auto line = [&](const char* name, const std::string& text) {
    if (!text.empty()) std::cout << fmt::format("  {:<10}{}\n", name, text);
  };
  line("class", std::string(ClassName(row.class_())));
  line("left", SideText(row.left()));
  line("right", SideText(row.right()));
  line("call", absl::StrJoin(row.when().call(), ", "));
  for (const bool left : {true, false}) {
    const catalogue::Answer& answer = left ? row.when().left() : row.when().right();
    std::string text = absl::StrJoin(answer.error(), " or ");
    std::string rules;
    for (const std::string& rule : answer.rule()) {
      rules += (rules.empty() ? "" : " or ") + (rule.empty() ? std::string("no rule") : rule);
    }
    if (!rules.empty()) text += (text.empty() ? "" : ", ") + ("by " + rules);
    line(left ? "answers" : "against", text);
  }
  line("if", absl::StrJoin(row.when().test(), " && "));
  line("explains", absl::StrJoin(row.explains(), ", "));
  line("source", absl::StrJoin(row.source(), "; "));
  line("users", absl::StrJoin(row.problem(), ", "));
  line("advice", row.advice());
  line("universe", row.universe());
  line("number", absl::StrJoin(row.number(), ", "));
  return kClean;
}

int Check() {
  const Style style = StdoutStyle();
  const Catalogue& catalogue = Catalogue::BuiltIn();
  uint64_t plants = 0, bad = 0;
  for (const RowCheck& check : CheckCatalogue(catalogue, BuiltInCatalogueTraces())) {
    plants += check.plants;
    if (check.problems.empty()) continue;
    ++bad;
    for (const std::string& problem : check.problems) {
      std::cout << style.Bad(catalogue.rows()[check.row].id()) << ": " << problem << '\n';
    }
  }
  std::cout << "catalogue: " << catalogue.rows().size() << " rows, " << bad << " not sound; "
            << plants << " wrong outcomes tried\n";
  return bad == 0 ? kClean : kDifferent;
}

}  // namespace

void AddCatalogue(CLI::App& app, Run* run) {
  CLI::App* command =
      app.add_subcommand("catalogue", "The known divergences: list, show, check them.");
  command->footer(kFooter);
  command->require_subcommand(1);
  auto format = std::make_shared<std::string>("text");
  CLI::App* list = command->add_subcommand("list", "One line for each row.");
  list->add_option("--format", *format, "text or markdown")
      ->check(CLI::IsMember({"text", "markdown"}))
      ->capture_default_str();
  list->callback([format, run] { *run = [format] { return List(*format); }; });
  auto id = std::make_shared<std::string>();
  auto trace = std::make_shared<bool>(false);
  CLI::App* show = command->add_subcommand("show", "One row, with its condition and advice.");
  show->add_option("ID", *id, "the row's id")->required();
  show->add_flag("--trace", *trace, "its minimal trace instead");
  show->callback([id, trace, run] { *run = [id, trace] { return Show(*id, *trace); }; });
  CLI::App* check = command->add_subcommand(
      "check", "Prove that each row is shown by its trace, and explains nothing else.");
  check->callback([run] { *run = [] { return Check(); }; });
}

}  // namespace iovalid::conformance::cli
