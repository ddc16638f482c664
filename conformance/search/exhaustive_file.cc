// SPDX-License-Identifier: Apache-2.0
// The progress of an exhaustive search as a file of 64-bit words in the machine's byte order:
//
//   magic, what the search is, counters, place, paths of this level and the next, known states,
//   reproducers as {root, letters}, and the digest of all that.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "conformance/search/exhaustive.h"
#include "sim/digest.h"

namespace iovalid::conformance::search {
namespace {

using Path = ExhaustiveProgress::Path;

constexpr uint64_t kMagic = 0x31686372616573ff;
constexpr size_t kMostCalls = 8;  // letters of a path

void Mix(uint64_t value, sim::Digest* digest) {
  *digest = sim::HashWords('m', digest->lane[0], digest->lane[1], value);
}

// Two searches with the same key run the same programs on the same sides.
uint64_t KeyOf(const World& world, const ExhaustiveOptions& options) {
  sim::Digest digest;
  Mix(options.depth, &digest);
  Mix(options.shard, &digest);
  Mix(options.shards, &digest);
  const auto text = [&](const std::string& bytes) {
    for (const char c : bytes) Mix(static_cast<unsigned char>(c), &digest);
  };
  text(world.left().Name() + " " + world.right().Name());
  for (const Root& root : world.roots()) text(root.Name());
  for (const Letter& letter : Alphabet()) text(letter.event.SerializeAsString());
  return digest.lane[0];
}

class Words {
 public:
  std::vector<uint64_t> words;

  void Put(uint64_t word) { words.push_back(word); }
  void PutPaths(const std::vector<Path>& paths) {
    Put(paths.size());
    for (const Path& path : paths) {
      Put(path.memory);
      PutLetters(path.letters);
    }
  }
  void PutLetters(const std::vector<uint16_t>& letters) {
    Put(letters.size());
    for (const uint16_t letter : letters) Put(letter);
  }

  // Reading; `ok` turns false where something is missing or out of bounds.
  bool ok = true;
  uint64_t Take() {
    if (at_ == words.size()) ok = false;
    return ok ? words[at_++] : 0;
  }
  // A number of things of at least one word each.
  size_t TakeCount() {
    const uint64_t count = Take();
    if (count > words.size() - at_) ok = false;
    return ok ? count : 0;
  }
  std::vector<uint16_t> TakeLetters(size_t letters) {
    std::vector<uint16_t> out(std::min(TakeCount(), kMostCalls));
    for (uint16_t& letter : out) {
      const uint64_t word = Take();
      if (word >= letters) ok = false;
      letter = ok ? static_cast<uint16_t>(word) : uint16_t{0};
    }
    return out;
  }
  std::vector<Path> TakePaths(size_t letters) {
    std::vector<Path> out(TakeCount());
    for (Path& path : out) {
      path.memory = Take();
      path.letters = TakeLetters(letters);
    }
    return out;
  }
  bool at_end() const { return at_ == words.size(); }

  uint64_t Sum() const {
    sim::Digest digest;
    for (const uint64_t word : words) Mix(word, &digest);
    return digest.lane[0] ^ digest.lane[1];
  }

 private:
  size_t at_ = 0;
};

}  // namespace

absl::Status StoreProgress(const World& world, const ExhaustiveOptions& options,
                           const ExhaustiveProgress& progress, const std::string& file) {
  Words out;
  out.Put(kMagic);
  out.Put(KeyOf(world, options));
  for (const uint64_t number : {progress.sequences, progress.states, progress.merged,
                                uint64_t{progress.root}, uint64_t{progress.depth},
                                uint64_t{progress.done}}) {
    out.Put(number);
  }
  out.PutPaths(progress.level);
  out.PutPaths(progress.next);
  std::vector<ExhaustiveProgress::StateKey> known(progress.known.begin(), progress.known.end());
  std::sort(known.begin(), known.end());
  out.Put(known.size());
  for (const auto& [first, second] : known) {
    out.Put(first);
    out.Put(second);
  }
  const std::vector<Reproducer> found = progress.findings.All();
  out.Put(found.size());
  for (const Reproducer& reproducer : found) {
    out.Put(reproducer.root);
    out.PutLetters(reproducer.letters);
  }
  out.Put(out.Sum());
  const std::string part = file + ".part";
  std::ofstream stream(part, std::ios::binary | std::ios::trunc);
  stream.write(reinterpret_cast<const char*>(out.words.data()),
               static_cast<std::streamsize>(out.words.size() * sizeof(uint64_t)));
  stream.close();
  if (!stream || std::rename(part.c_str(), file.c_str()) != 0) {
    std::remove(part.c_str());
    return absl::UnavailableError(file + ": cannot be written");
  }
  return absl::OkStatus();
}

absl::Status LoadProgress(const World& world, const ExhaustiveOptions& options,
                          const std::string& file, ExhaustiveProgress* progress) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)),
                          std::istreambuf_iterator<char>());
  if (!stream) return absl::NotFoundError(file + ": cannot be read");
  const auto invalid = [&](const char* what) {
    return absl::InvalidArgumentError(file + ": " + what);
  };
  Words in;
  in.words.resize(bytes.size() / sizeof(uint64_t));
  bytes.copy(reinterpret_cast<char*>(in.words.data()), in.words.size() * sizeof(uint64_t));
  if (bytes.size() % sizeof(uint64_t) != 0 || in.words.size() < 3 || in.words[0] != kMagic) {
    return invalid("this is not the state of a search");
  }
  const uint64_t sum = in.words.back();
  in.words.pop_back();
  if (sum != in.Sum()) return invalid("the state of the search is damaged");
  (void)in.Take();
  if (in.Take() != KeyOf(world, options)) {
    return invalid("this is the state of a search with other sides, calls, depth or shard");
  }
  const size_t letters = world.letters().size();
  ExhaustiveProgress out;
  for (uint64_t* number : {&out.sequences, &out.states, &out.merged}) *number = in.Take();
  out.root = in.Take();
  out.depth = in.Take();
  out.done = in.Take();
  out.level = in.TakePaths(letters);
  out.next = in.TakePaths(letters);
  for (size_t left = in.TakeCount(); left > 0 && in.ok; --left) {
    const uint64_t first = in.Take();
    out.known.emplace(first, in.Take());
  }
  // What each is follows from its calls.
  for (size_t left = in.TakeCount(); left > 0 && in.ok; --left) {
    Reproducer found;
    found.root = in.Take();
    found.letters = in.TakeLetters(letters);
    if (!in.ok || found.root >= world.roots().size() || found.letters.empty()) {
      return invalid("the state of the search is damaged");
    }
    Node node = world.MakeNode(found.root);
    const Label& label = *world.Run(&node, found.letters);
    found.TakeLabel(label);
    found.signature = world.SignatureOf(node, found.letters.back(), label.differing);
    out.findings.Add(found);
  }
  if (!in.ok || !in.at_end() || out.root > world.roots().size() || out.done > out.level.size()) {
    return invalid("the state of the search is damaged");
  }
  *progress = std::move(out);
  return absl::OkStatus();
}

}  // namespace iovalid::conformance::search
