// SPDX-License-Identifier: Apache-2.0
//
// The committed recordings are what the kernels said: exporting each gives the recorded JSONL, by
// the checksums beside them (XXH128SUMS, in the format of `xxh128sum`).
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "traces/golden.h"
#include "traces/open_any.h"
#include "traces/text.h"
#include "traces/trace_test_files.h"
#include "traces/writer.h"
#include "xxhash.h"

namespace iovalid::traces {
namespace {

struct Recording {
  std::string path;      // without ".iovt"
  std::string checksum;  // of the JSONL
};

std::vector<Recording> Recordings() {
  std::vector<Recording> recordings;
  for (const std::string directory : {"traces/goldens/", "traces/captures/"}) {
    std::ifstream sums(directory + "XXH128SUMS");
    std::string checksum;
    std::string name;
    while (sums >> checksum >> name) {
      recordings.push_back({directory + name.substr(0, name.rfind(".jsonl")), checksum});
    }
  }
  return recordings;
}

std::string Checksum(const std::string& bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : canonical.digest) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

class Corpora : public ::testing::TestWithParam<Recording> {};

TEST_P(Corpora, ExportIsTheRecording) {
  auto source = OpenAny(GetParam().path + ".iovt");
  ASSERT_TRUE(source.ok()) << source.status();
  std::ostringstream jsonl;
  ASSERT_TRUE(ExportGolden(**source, jsonl).ok());
  EXPECT_EQ(Checksum(jsonl.str()), GetParam().checksum);
}

// JSONL -> iovt -> text -> iovt -> JSONL. The events of the recorders need no verbatim copy.
TEST_P(Corpora, SurvivesEveryForm) {
  const std::string a = TempPath("a.iovt");
  const std::string b = TempPath("b.textproto");
  const std::string c = TempPath("c.iovt");
  const std::string d = TempPath("d.jsonl");
  auto convert = [](const std::string& from, const std::string& to, auto write) {
    auto source = OpenAny(from);
    ASSERT_TRUE(source.ok()) << source.status();
    ASSERT_EQ((*source)->header().verbatim(), "");
    std::ofstream out(to, std::ios::binary);
    const absl::Status status = write(**source, to, out);
    ASSERT_TRUE(status.ok()) << status;
  };
  auto golden = [](EventSource& s, const std::string&, std::ostream& o) {
    return ExportGolden(s, o);
  };
  auto text = [](EventSource& s, const std::string&, std::ostream& o) { return WriteText(s, o); };
  auto iovt = [](EventSource& s, const std::string& to, std::ostream&) {
    return WriteTrace(s, to);
  };
  ASSERT_NO_FATAL_FAILURE(convert(GetParam().path + ".iovt", d, golden));
  ASSERT_NO_FATAL_FAILURE(convert(d, a, iovt));
  ASSERT_NO_FATAL_FAILURE(convert(a, b, text));
  ASSERT_NO_FATAL_FAILURE(convert(b, c, iovt));
  ASSERT_NO_FATAL_FAILURE(convert(c, d, golden));
  EXPECT_EQ(ReadAll(a), ReadAll(c));
  EXPECT_EQ(Checksum(ReadAll(d)), GetParam().checksum);
  for (const std::string& path : {a, b, c, d}) unlink(path.c_str());
}

INSTANTIATE_TEST_SUITE_P(All, Corpora, ::testing::ValuesIn(Recordings()), [](const auto& param) {
  std::string name = param.param.path.substr(param.param.path.rfind('/') + 1);
  for (char& c : name) {
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
});

TEST(CorporaList, IsComplete) { EXPECT_EQ(Recordings().size(), 42u + 18u); }

}  // namespace
}  // namespace iovalid::traces
