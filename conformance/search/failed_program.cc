// SPDX-License-Identifier: Apache-2.0
#include "conformance/search/failed_program.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "conformance/decode.h"
#include "traces/text.h"

namespace iovalid::conformance::search {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string RerunCommand(const std::string& environment) {
  std::string command = "./test";
  // Tests of this size are those of the long tier.
  if (Environment("TEST_SIZE") == "enormous") command += " --long";
  if (!environment.empty()) command += " --bazel=--test_env=" + environment;
  const std::string target = Environment("TEST_TARGET");
  if (!target.empty()) command += " " + target;
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  if (test != nullptr) command += fmt::format(" {}.{}", test->test_suite_name(), test->name());
  return command;
}

std::string FailureText(const FailedProgram& failed) {
  std::string text = failed.broken + "\n";
  if (!failed.seed.empty()) text += "from: " + failed.seed + "\n";
  text += "again: " + RerunCommand(failed.environment) + "\n";
  text += "calls:\n";
  for (const traces::Event& event : failed.events) {
    const bool call = event.has_ioctl() || event.has_open() || event.has_close() || event.has_dup();
    if (call) text += "  " + DecodeCall(event) + "\n";
  }
  text += "trace, for iovalid show, replay and explain:\n" + traces::HeaderToText(failed.header);
  for (const traces::Event& event : failed.events) text += traces::EventToText(event);
  return text;
}

}  // namespace iovalid::conformance::search
