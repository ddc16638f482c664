// SPDX-License-Identifier: Apache-2.0
#include "traces/json_line.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace iovalid::traces {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(std::string_view line) {
  JsonLine json;
  return std::string(json.Parse(line).message());
}

TEST(JsonLine, Values) {
  JsonLine json;
  ASSERT_TRUE(json.Parse(R"( {"a":1,"b":-9223372036854775808,"c":18446744073709551615,"d":true,)"
                         R"("e":null,"f":"x","g":[1,[2]],"h":{"i":0}} )")
                  .ok());
  const auto& root = json.root();
  EXPECT_EQ(root.count, 8u);
  EXPECT_EQ(json.Find(root, "a")->magnitude, 1u);
  EXPECT_TRUE(json.Find(root, "b")->negative);
  EXPECT_EQ(json.Find(root, "b")->magnitude, uint64_t{1} << 63);
  EXPECT_EQ(json.Find(root, "c")->magnitude, UINT64_MAX);
  EXPECT_TRUE(json.Find(root, "d")->boolean);
  EXPECT_EQ(json.Find(root, "e")->type, JsonLine::Type::kNull);
  EXPECT_EQ(json.Find(root, "f")->text, "x");
  EXPECT_EQ(json.Find(root, "g")->count, 2u);
  EXPECT_EQ(json.Find(*json.Find(root, "h"), "i")->magnitude, 0u);
  EXPECT_EQ(json.Find(root, "z"), nullptr);
}

TEST(JsonLine, Escapes) {
  JsonLine json;
  ASSERT_TRUE(json.Parse(R"({"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00x"})").ok());
  EXPECT_EQ(json.Find(json.root(), "a")->text, "\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80x");
}

TEST(JsonLine, StringsComeBackFromTheWriter) {
  const std::string text("a\"b\\c\x01\n\xc3\xa9", 9);
  std::string line = "{\"a\":";
  AppendJsonString(text, &line);
  line += "}";
  JsonLine json;
  ASSERT_TRUE(json.Parse(line).ok());
  EXPECT_EQ(json.Find(json.root(), "a")->text, text);
}

TEST(JsonLine, RefusesWithTheColumn) {
  EXPECT_EQ(ErrorOf(""), "column 1: expected a JSON object");
  EXPECT_EQ(ErrorOf("[]"), "column 1: expected a JSON object");
  EXPECT_EQ(ErrorOf("{\"a\":1"), "column 7: the line ends early");
  EXPECT_EQ(ErrorOf("{\"a\":1}x"), "column 8: something after the JSON object");
  EXPECT_EQ(ErrorOf("{\"a\" 1}"), "column 6: expected ':'");
  EXPECT_EQ(ErrorOf("{\"a\":1 \"b\":2}"), "column 8: expected ',' or '}'");
  EXPECT_THAT(ErrorOf("{a:1}"), HasSubstr("expected a key in quotes"));
  EXPECT_THAT(ErrorOf("{\"a\":1.0}"), HasSubstr("not an integer"));
  EXPECT_THAT(ErrorOf("{\"a\":1e3}"), HasSubstr("not an integer"));
  EXPECT_THAT(ErrorOf("{\"a\":01}"), HasSubstr("leading zero"));
  EXPECT_THAT(ErrorOf("{\"a\":18446744073709551616}"), HasSubstr("beyond 64 bits"));
  EXPECT_THAT(ErrorOf("{\"a\":-9223372036854775809}"), HasSubstr("beyond 64 bits"));
  EXPECT_THAT(ErrorOf("{\"a\":tru}"), HasSubstr("not a JSON value"));
  EXPECT_THAT(ErrorOf("{\"a\":-}"), HasSubstr("not a JSON value"));
  EXPECT_THAT(ErrorOf("{\"a\":\"x"), HasSubstr("a string without end"));
  EXPECT_THAT(ErrorOf("{\"a\":\"\t\"}"), HasSubstr("a control character"));
  EXPECT_THAT(ErrorOf("{\"a\":\"\\x\"}"), HasSubstr("an unknown escape"));
  EXPECT_THAT(ErrorOf("{\"a\":\"\\u12\"}"), HasSubstr("four hex digits"));
  EXPECT_THAT(ErrorOf("{\"a\":\"\\ud800\"}"), HasSubstr("half a surrogate"));
  EXPECT_THAT(ErrorOf("{\"a\":\"\xff\"}"), HasSubstr("not UTF-8"));
  EXPECT_THAT(ErrorOf("{\"a\":" + std::string(100000, '[')), HasSubstr("nested too deeply"));
}

TEST(JsonLine, EveryPrefixOfALineIsRefused) {
  const std::string line = R"({"a":[1,{"b":"\u00e9x"},null,true],"c":-12})";
  JsonLine json;
  for (size_t size = 0; size < line.size(); ++size) {
    EXPECT_FALSE(json.Parse(std::string_view(line).substr(0, size)).ok()) << size;
  }
  EXPECT_TRUE(json.Parse(line).ok());
}

TEST(Utf8, WellFormedOnly) {
  EXPECT_TRUE(IsValidUtf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const char* bad : {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3("}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

}  // namespace
}  // namespace iovalid::traces
