// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "conformance/search/call_builder.h"
#include "conformance/search/exhaustive.h"
#include "conformance/search/failed_program.h"
#include "conformance/search/random_program.h"
#include "conformance/search/random_search.h"
#include "conformance/search/shrink_trace.h"

// Of the exhaustive search.
#ifndef IOVALID_SEARCH_DEPTH
#define IOVALID_SEARCH_DEPTH 2
#endif

namespace iovalid::conformance::search {
namespace {

World WorldOf(const std::vector<Root>& roots) {
  return *World::Create(*ParseSide("type1@7.3"), *ParseSide("compat@7.3"), roots);
}

std::vector<std::string> Texts(const World& world, const Findings& findings) {
  std::vector<std::string> texts;
  for (const Reproducer& found : findings.All()) {
    std::string text = world.roots()[found.root].Name() + ": " + found.signature.ToString();
    for (const uint16_t letter : found.letters) text += " " + std::to_string(letter);
    texts.push_back(text);
  }
  return texts;
}

bool Always(const ExhaustiveProgress&) { return true; }

// "No unexplained difference within N calls" of each root, by shards.
class Exhaustive : public ::testing::TestWithParam<Root> {};

TEST_P(Exhaustive, NothingIsUnexplained) {
  const World world = WorldOf({GetParam()});
  ExhaustiveProgress progress;
  SearchExhaustively(world, {.depth = IOVALID_SEARCH_DEPTH}, &progress, Always);
  for (const auto& [text, found] : progress.findings.unexplained()) {
    ADD_FAILURE() << FailureText({.broken = "unexplained: " + text,
                                  .header = world.header(),
                                  .events = world.Program(found.root, found.letters)});
  }
  EXPECT_GT(progress.findings.explained().size(), 20u);
  // Each program that was run ended in a new state, in a known one, or at the last depth.
  const uint64_t letters = world.letters().size();
  EXPECT_EQ(progress.sequences, progress.states * letters);
  EXPECT_LT(progress.states, letters * (IOVALID_SEARCH_DEPTH == 2 ? 1 : letters));
}

std::string RootName(const ::testing::TestParamInfo<Root>& param) {
  std::string name = param.param.Name();
  for (char& c : name) {
    if (c == ' ') c = '_';
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(Roots, Exhaustive,
                         ::testing::Values(Root{Start::kOpened, 3}, Root{Start::kAttached, 3},
                                           Root{Start::kReady, 3}, Root{Start::kAttached, 1},
                                           Root{Start::kReady, 1}),
                         RootName);

constexpr ExhaustiveOptions kPart = {.depth = 2, .shard = 3, .shards = 40};

TEST(ExhaustiveTest, AnInterruptedSearchGoesOn) {
  const World world = WorldOf({{Start::kAttached, 3}, {Start::kReady, 1}});
  ExhaustiveProgress whole;
  SearchExhaustively(world, kPart, &whole, Always);
  const std::string file = testing::TempDir() + "/search.state";
  ExhaustiveProgress part;
  int stops = 0;
  for (; part.root < world.roots().size() && stops < 100; ++stops) {
    SearchExhaustively(world, kPart, &part, [](const auto&) { return false; });
    ASSERT_TRUE(StoreProgress(world, kPart, part, file).ok());
    part = ExhaustiveProgress();
    ASSERT_TRUE(LoadProgress(world, kPart, file, &part).ok());
  }
  EXPECT_GT(stops, 2);
  EXPECT_EQ(part.sequences, whole.sequences);
  EXPECT_EQ(part.states, whole.states);
  EXPECT_EQ(part.merged, whole.merged);
  EXPECT_EQ(Texts(world, part.findings), Texts(world, whole.findings));
  // The state belongs to this search alone, and its damage is seen.
  EXPECT_FALSE(LoadProgress(world, {.depth = 2, .shard = 4, .shards = 40}, file, &part).ok());
  EXPECT_FALSE(LoadProgress(WorldOf({{Start::kReady, 1}}), kPart, file, &part).ok());
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(40).put('x');
  EXPECT_FALSE(LoadProgress(world, kPart, file, &part).ok());
  std::remove(file.c_str());
  EXPECT_FALSE(LoadProgress(world, kPart, file, &part).ok());
}

TEST(ExhaustiveTest, TheNumberOfThreadsShowsNowhere) {
  const World world = WorldOf({{Start::kReady, 3}});
  ExhaustiveProgress one, three;
  ExhaustiveOptions options = kPart;
  SearchExhaustively(world, options, &one, Always);
  options.jobs = 3;
  SearchExhaustively(world, options, &three, Always);
  EXPECT_EQ(one.sequences, three.sequences);
  EXPECT_EQ(one.merged, three.merged);
  EXPECT_EQ(Texts(world, one.findings), Texts(world, three.findings));
}

RandomResult SearchSome(const World& world, uint64_t seed, Guidance guidance, uint64_t sequences) {
  return SearchAtRandom(world, {.seed = seed, .guidance = guidance},
                        [&](uint64_t done) { return done >= sequences; });
}

TEST(RandomSearchTest, FindsMuchSoonAndTheSameForASeed) {
  const World world = WorldOf({{Start::kOpened, 3}, {Start::kAttached, 3}, {Start::kReady, 3},
                               {Start::kReady, 1}});
  const RandomResult blind = SearchSome(world, 1, Guidance::kBlind, 1500);
  const auto some = [&](uint64_t seed) {
    return Texts(world, SearchSome(world, seed, Guidance::kBlind, 100).findings);
  };
  EXPECT_EQ(some(1), some(1));
  EXPECT_NE(some(1), some(2));
  EXPECT_GE(blind.findings.explained().size(), 40u);
  EXPECT_LE(blind.findings.MedianCalls(), 4u);
  const RandomResult guided = SearchSome(world, 1, Guidance::kCatalogue, 300);
  EXPECT_EQ(guided.findings.unexplained().size(), 0u);
}

// Every reproducer is 1-minimal: without any one of its calls the last one differs in another way.
TEST(RandomSearchTest, NoCallOfAReproducerCanBeSpared) {
  const World world = WorldOf({{Start::kOpened, 3}, {Start::kReady, 1}});
  const RandomResult result = SearchSome(world, 5, Guidance::kBlind, 300);
  for (const Reproducer& found : result.findings.All()) {
    for (size_t spared = 0; spared + 1 < found.letters.size(); ++spared) {
      Node node = world.MakeNode(found.root);
      Facets differing = 0;
      for (size_t i = 0; i < found.letters.size(); ++i) {
        if (i != spared) differing = world.RunUnlabelled(&node, found.letters[i]);
      }
      EXPECT_FALSE(differing != 0 && world.SignatureOf(node, found.letters.back(), differing) ==
                                         found.signature)
          << found.signature.ToString() << " without its call " << spared;
    }
  }
}

// Random programs reach what the commands of a container and a group can answer.
TEST(RandomSearchTest, ReachesEveryCellOfTheErrnoMatrix) {
  const World world = WorldOf({{Start::kOpened, 3}, {Start::kAttached, 3}, {Start::kReady, 3},
                               {Start::kReady, 1}, {Start::kLimited, 3}});
  const LetterChoice choice;
  std::set<std::pair<uint32_t, int>> left, right;
  std::vector<Node> roots;
  for (size_t root = 0; root < world.roots().size(); ++root) roots.push_back(world.MakeNode(root));
  std::mt19937_64 random(11);
  for (uint64_t program = 0; program < 8000; ++program) {
    Node node = roots[program % roots.size()];
    for (int call = 0; call < 20; ++call) {
      const size_t letter = choice(random());
      (void)world.RunUnlabelled(&node, letter);
      const Differ::Report& report = node.differ.report();
      left.emplace(CallOf(world.letters()[letter]), static_cast<int>(report.left.err));
      right.emplace(CallOf(world.letters()[letter]), static_cast<int>(report.right.err));
    }
  }
  using sim::Errno;
  struct Cells {
    const char* call;
    std::vector<Errno> left, right;
  };
  const std::vector<Cells> matrix = {
      {"VFIO_IOMMU_MAP_DMA",
       {Errno::kOk, Errno::kINVAL, Errno::kEXIST, Errno::kFAULT, Errno::kNOMEM, Errno::kNOSPC,
        Errno::kNOENT, Errno::kOVERFLOW, Errno::kBADF},
       {Errno::kOk, Errno::kINVAL, Errno::kEXIST, Errno::kFAULT, Errno::kNOMEM, Errno::kNODEV,
        Errno::kOVERFLOW, Errno::kBADF}},
      {"VFIO_IOMMU_UNMAP_DMA",
       {Errno::kOk, Errno::kINVAL, Errno::kFAULT, Errno::kOVERFLOW, Errno::kBADF},
       {Errno::kOk, Errno::kINVAL, Errno::kFAULT, Errno::kNOENT, Errno::kNODEV, Errno::kOVERFLOW,
        Errno::kBADF}},
      {"VFIO_IOMMU_GET_INFO",
       {Errno::kOk, Errno::kINVAL, Errno::kFAULT},
       {Errno::kOk, Errno::kINVAL, Errno::kFAULT, Errno::kNODEV}},
      {"VFIO_IOMMU_DIRTY_PAGES",
       {Errno::kOk, Errno::kINVAL, Errno::kACCES, Errno::kFAULT},
       {Errno::kNOTTY}},
      {"VFIO_SET_IOMMU",
       {Errno::kOk, Errno::kINVAL, Errno::kNODEV},
       {Errno::kOk, Errno::kINVAL, Errno::kNODEV, Errno::kADDRINUSE}},
      {"VFIO_GROUP_SET_CONTAINER",
       {Errno::kOk, Errno::kINVAL, Errno::kBADF, Errno::kBADFD, Errno::kFAULT, Errno::kBUSY},
       {Errno::kOk, Errno::kINVAL, Errno::kBADF, Errno::kBADFD, Errno::kFAULT}},
      {"VFIO_GROUP_UNSET_CONTAINER",
       {Errno::kOk, Errno::kINVAL, Errno::kBUSY, Errno::kBADF},
       {Errno::kOk, Errno::kINVAL, Errno::kBADF}},
      {"VFIO_GROUP_GET_DEVICE_FD",
       {Errno::kOk, Errno::kINVAL, Errno::kNODEV, Errno::kBADF},
       {Errno::kOk, Errno::kINVAL, Errno::kNODEV, Errno::kADDRINUSE, Errno::kFAULT, Errno::kBADF}},
  };
  for (const Cells& cells : matrix) {
    const uint32_t call = *CallNamed(cells.call);
    for (const Errno error : cells.left) {
      EXPECT_TRUE(left.count({call, static_cast<int>(error)}))
          << cells.call << " never answers " << sim::ErrnoName(error) << " on the left";
    }
    for (const Errno error : cells.right) {
      EXPECT_TRUE(right.count({call, static_cast<int>(error)}))
          << cells.call << " never answers " << sim::ErrnoName(error) << " on the right";
    }
  }
}

// A long trace with much that does not matter.
TEST(ShrinkTraceTest, ALongTraceBecomesShort) {
  std::vector<traces::Event> events = StartingCalls(Start::kReady, 3);
  for (uint64_t i = 0; i < 400; ++i) {
    const uint64_t at = 0x400000 + (i * 7 % 64) * kPage;
    events.push_back(i % 3 == 2 ? UnmapCall("c0", at, kPage)
                                : MapCall("c0", at, kBuffer + i % 16 * kPage, kPage, 3));
  }
  events.push_back(MapCall("c0", 0x100000, kBuffer, 4 * kPage, 3));
  events.push_back(UnmapCall("c0", 0x101000, kPage));  // cuts the mapping
  uint64_t number = 0;
  for (traces::Event& event : events) event.set_step(++number);
  traces::VectorSource source(SearchHeader(traces::TYPE1), events);
  const auto shrunk = ShrinkTrace(source, *ParseSide("type1@7.3"), *ParseSide("compat@7.3"),
                                  {.step = number});
  ASSERT_TRUE(shrunk.ok()) << shrunk.status().message();
  EXPECT_GT(shrunk->calls_before, 400u);
  // open container and group, SET_CONTAINER, SET_IOMMU, MAP, UNMAP
  EXPECT_EQ(shrunk->calls, 6u);
  EXPECT_TRUE(shrunk->events.front().has_sequence_begin());
  EXPECT_TRUE(shrunk->events.back().has_sequence_end());
  EXPECT_EQ(Catalogue::BuiltIn().rows()[shrunk->label.row()].id(), "unmap-bisect");
  // It is what it says: shrinking it again changes nothing.
  traces::VectorSource again(SearchHeader(traces::TYPE1), shrunk->events);
  const auto twice = ShrinkTrace(again, *ParseSide("type1@7.3"), *ParseSide("compat@7.3"),
                                 {.step = number});
  ASSERT_TRUE(twice.ok()) << twice.status().message();
  EXPECT_EQ(twice->calls, shrunk->calls);
}

TEST(ShrinkTraceTest, WhereNothingDiffersThatIsSaid) {
  traces::VectorSource source(SearchHeader(traces::TYPE1), Prologue(~uint64_t{0}, true));
  EXPECT_EQ(ShrinkTrace(source, *ParseSide("type1"), *ParseSide("compat"), {}).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace iovalid::conformance::search
