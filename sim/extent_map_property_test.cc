// SPDX-License-Identifier: Apache-2.0
// ExtentMap against std::map under random call sequences.
#include "sim/extent_map.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <rapidcheck/state.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>

namespace iovalid::sim {
namespace {

struct Value {
  uint64_t last;
  int tag;
};

using Model = std::map<uint64_t, Value>;
// The smallest nodes: every few calls split, join or share out a node.
using Map = ExtentMap<int, 4, 4>;

// Points near both ends of the space, and a few in the middle, so that extents meet often.
uint64_t PointAt(unsigned n) { return n < 128 ? n : ~uint64_t{0} - (255 - n); }

Model::const_iterator ModelFind(const Model& model, uint64_t point) {
  auto it = model.upper_bound(point);
  if (it == model.begin()) return model.end();
  --it;
  return it->second.last >= point ? it : model.end();
}

bool Overlaps(const Model& model, uint64_t first, uint64_t last) {
  auto it = model.lower_bound(first);
  if (it != model.end() && it->first <= last) return true;
  return it != model.begin() && std::prev(it)->second.last >= first;
}

void ExpectSame(const Map& map, const Model& model) {
  RC_ASSERT(map.size() == model.size());
  RC_ASSERT(map.CheckInvariants());
  auto c = map.Begin();
  for (const auto& [first, value] : model) {
    RC_ASSERT(static_cast<bool>(c));
    RC_ASSERT(map.first(c) == first);
    RC_ASSERT(map.last(c) == value.last);
    RC_ASSERT(map.value(c) == value.tag);
    c = map.Next(c);
  }
  RC_ASSERT(!c);
}

using Command = rc::state::Command<Model, Map>;

struct Insert : Command {
  uint64_t first = 0;
  uint64_t last = 0;
  int tag = *rc::gen::arbitrary<int>();
  bool with_hint = *rc::gen::arbitrary<bool>();

  explicit Insert(const Model& model) {
    const unsigned a = *rc::gen::inRange(0u, 256u);
    const unsigned n = *rc::gen::inRange(0u, 4u);
    first = PointAt(a);
    last = PointAt(std::min(255u, a + n));
    RC_PRE(!Overlaps(model, first, last));
  }
  void checkPreconditions(const Model& model) const override {
    RC_PRE(!Overlaps(model, first, last));
  }
  void apply(Model& model) const override { model[first] = Value{last, tag}; }
  void run(const Model& model, Map& map) const override {
    const auto c = with_hint ? map.InsertAfter(map.AtOrBefore(first), first, last, tag)
                             : map.Insert(first, last, tag);
    RC_ASSERT(map.first(c) == first);
    RC_ASSERT(map.last(c) == last);
    RC_ASSERT(map.value(c) == tag);
    ExpectSame(map, nextState(model));
  }
  void show(std::ostream& os) const override { os << "Insert " << first << " " << last; }
};

// Commands on an extent that the model has.
struct OnExtent : Command {
  uint64_t key = 0;

  explicit OnExtent(const Model& model) {
    RC_PRE(!model.empty());
    key = std::next(model.begin(),
                    *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(model.size())))
              ->first;
  }
  void checkPreconditions(const Model& model) const override { RC_PRE(model.count(key) == 1); }
};

struct Erase : OnExtent {
  bool and_next = *rc::gen::arbitrary<bool>();

  explicit Erase(const Model& model) : OnExtent(model) {}
  void apply(Model& model) const override { model.erase(key); }
  void run(const Model& model, Map& map) const override {
    if (and_next) {
      const auto next = map.EraseAndNext(map.Find(key));
      const auto expected = model.upper_bound(key);
      RC_ASSERT(static_cast<bool>(next) == (expected != model.end()));
      if (next) RC_ASSERT(map.first(next) == expected->first);
    } else {
      map.Erase(map.Find(key));
    }
    ExpectSame(map, nextState(model));
  }
  void show(std::ostream& os) const override { os << "Erase " << key; }
};

// Grows or shrinks an extent at one end, up to its neighbour.
struct Resize : OnExtent {
  bool at_end = *rc::gen::arbitrary<bool>();
  uint64_t to = 0;

  explicit Resize(const Model& model) : OnExtent(model) {
    to = PointAt(*rc::gen::inRange(0u, 256u));
    checkPreconditions(model);
  }
  void checkPreconditions(const Model& model) const override {
    OnExtent::checkPreconditions(model);
    const auto it = model.find(key);
    // (In its own parentheses: RC_PRE takes an expression apart, and || would lose its short cut.)
    if (at_end) {
      RC_PRE(to >= key);
      RC_PRE((std::next(it) == model.end() || std::next(it)->first > to));
    } else {
      RC_PRE(to <= it->second.last);
      RC_PRE((it == model.begin() || std::prev(it)->second.last < to));
    }
  }
  void apply(Model& model) const override {
    const Value value = model[key];
    if (at_end) {
      model[key].last = to;
    } else {
      model.erase(key);
      model[to] = value;
    }
  }
  void run(const Model& model, Map& map) const override {
    const auto c = map.Find(key);
    if (at_end) {
      map.SetLast(c, to);
    } else {
      map.SetFirst(c, to);
    }
    ExpectSame(map, nextState(model));
  }
  void show(std::ostream& os) const override {
    os << "Resize " << key << " " << at_end << " " << to;
  }
};

struct Query : Command {
  uint64_t lo = 0;
  uint64_t hi = 0;

  explicit Query(const Model&) {
    const unsigned a = *rc::gen::inRange(0u, 256u);
    lo = PointAt(a);
    hi = PointAt(*rc::gen::inRange(a, 256u));
  }
  void run(const Model& model, Map& map) const override {
    const auto found = map.Find(lo);
    const auto expected = ModelFind(model, lo);
    RC_ASSERT(static_cast<bool>(found) == (expected != model.end()));
    if (found) RC_ASSERT(map.first(found) == expected->first);

    auto lower = model.begin();
    while (lower != model.end() && lower->second.last < lo) ++lower;
    const auto bound = map.LowerBound(lo);
    RC_ASSERT(static_cast<bool>(bound) == (lower != model.end()));
    if (bound) RC_ASSERT(map.first(bound) == lower->first);

    const auto overlap = map.FirstOverlap(lo, hi);
    RC_ASSERT(static_cast<bool>(overlap) == (lower != model.end() && lower->first <= hi));
    if (overlap) RC_ASSERT(map.first(overlap) == lower->first);

    const auto before = map.AtOrBefore(lo);
    const auto upper = model.upper_bound(lo);
    RC_ASSERT(static_cast<bool>(before) == (upper != model.begin()));
    if (before) RC_ASSERT(map.first(before) == std::prev(upper)->first);
  }
  void show(std::ostream& os) const override { os << "Query " << lo << " " << hi; }
};

rc::Gen<rc::state::Commands<Command>> GenCommands(const Model& initial) {
  return rc::state::gen::commands(
      initial, rc::state::gen::execOneOfWithArgs<Insert, Insert, Insert, Erase, Resize, Query>());
}

// The length of the sequences, also for the small sizes that rapidcheck begins with.
constexpr int kSequenceSize = 300;

RC_GTEST_PROP(ExtentMapProperty, BehavesLikeStdMap, ()) {
  const Model model;
  Map map;
  const auto commands = *rc::gen::resize(kSequenceSize, GenCommands(model));
  rc::state::runAll(commands, model, map);
}

// The generator makes what the property is about: trees of several levels that shrink again,
// extents at both ends of the space, and touching neighbours.
TEST(ExtentMapPropertyGenerator, ReachesTheInterestingShapes) {
  size_t largest = 0;
  size_t shrinks = 0;
  bool at_zero = false;
  bool at_top = false;
  bool touching = false;
  rc::check([&] {
    Model model;
    const auto commands = *rc::gen::resize(kSequenceSize, GenCommands(model));
    for (const auto& command : commands) {
      const size_t before = model.size();
      command->apply(model);
      largest = std::max(largest, model.size());
      if (model.size() < before && before > 16) ++shrinks;
      uint64_t last = ~uint64_t{0} - 1;
      for (const auto& [first, value] : model) {
        at_zero |= first == 0;
        at_top |= value.last == ~uint64_t{0};
        touching |= first == last + 1;
        last = value.last;
      }
    }
  });
  EXPECT_GT(largest, 32u);  // two levels of nodes of four hold 16
  EXPECT_GT(shrinks, 100u);
  EXPECT_TRUE(at_zero);
  EXPECT_TRUE(at_top);
  EXPECT_TRUE(touching);
}

}  // namespace
}  // namespace iovalid::sim
