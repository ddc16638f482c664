// SPDX-License-Identifier: Apache-2.0
#include "conformance/c_program.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "conformance/search/alphabet.h"
#include "conformance/search/call_builder.h"
#include "traces/event_source.h"
#include "traces/trace_test_files.h"

namespace iovalid::conformance {
namespace {

absl::Status Write(std::vector<traces::Event> events, std::string* text) {
  uint64_t step = 0;
  for (traces::Event& event : events) event.set_step(++step);
  traces::VectorSource source(search::SearchHeader(traces::TYPE1), std::move(events));
  std::ostringstream out;
  const absl::Status status = WriteCProgram(source, *ParseSide("type1"), *ParseSide("compat"), out);
  *text = out.str();
  return status;
}

// Every call of the search's alphabet can be said, in C that the compiler has nothing against.
TEST(CProgramTest, CompilesWithoutWarnings) {
  std::vector<traces::Event> events = search::StartingCalls(search::Start::kReady, 3);
  for (const search::Letter& letter : search::Alphabet()) events.push_back(letter.event);
  std::string text;
  const absl::Status status = Write(events, &text);
  ASSERT_TRUE(status.ok()) << status;
  const std::string path = traces::TempPath("program.c");
  traces::WriteAll(path, text);
  const std::string command = "cc -std=gnu11 -Wall -Wextra -Werror -fsyntax-only " + path;
  EXPECT_EQ(std::system(command.c_str()), 0) << "left at " << path;
}

// Nor against a program without any struct, where an optimiser sees more.
TEST(CProgramTest, WithoutStructsCompilesWithoutWarnings) {
  std::string text;
  ASSERT_TRUE(Write({search::Prologue(~uint64_t{0}, true)[0],
                     search::OpenCall("/dev/vfio/vfio", "c0"),
                     search::IntegerCall("c0", "VFIO_SET_IOMMU", 3)},
                    &text)
                  .ok());
  const std::string path = traces::TempPath("bare.c");
  traces::WriteAll(path, text);
  const std::string command = "cc -std=gnu11 -O2 -Wall -Wextra -Werror -c -o /dev/null " + path;
  EXPECT_EQ(std::system(command.c_str()), 0) << "left at " << path;
}

// The answers of both models stand in it.
TEST(CProgramTest, HoldsBothAnswers) {
  std::vector<traces::Event> events = search::StartingCalls(search::Start::kReady, 3);
  events.push_back(search::IntegerCall("g0", "VFIO_GROUP_UNSET_CONTAINER", 0));
  std::string text;
  ASSERT_TRUE(Write(events, &text).ok());
  const size_t call = text.rfind("VFIO_GROUP_UNSET_CONTAINER");
  ASSERT_NE(call, std::string::npos);
  const size_t left = text.rfind("answer left", call), right = text.rfind("answer right", call);
  EXPECT_EQ(text.substr(left, 27), "answer left = {-1L, 16, 0, ");  // EBUSY
  EXPECT_EQ(text.substr(right, 26), "answer right = {0L, 0, 0, ");
}

TEST(CProgramTest, WhatCannotBeSaidIsNamed) {
  std::vector<traces::Event> events = search::StartingCalls(search::Start::kReady, 3);
  traces::Event fork;
  fork.mutable_fork()->set_child(1);
  events.push_back(fork);
  std::string text;
  const absl::Status status = Write(events, &text);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("fork"), std::string::npos) << status;
}

}  // namespace
}  // namespace iovalid::conformance
