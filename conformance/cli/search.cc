// SPDX-License-Identifier: Apache-2.0
// iovalid search
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "conformance/cli/command.h"
#include "conformance/cli/terminal.h"
#include "conformance/decode.h"
#include "conformance/parallel.h"
#include "conformance/search/alphabet.h"
#include "conformance/search/exhaustive.h"
#include "conformance/search/random_search.h"
#include "fmt/format.h"
#include "traces/event_source.h"
#include "traces/text.h"

namespace iovalid::conformance::cli {
namespace {

using search::Findings;
using search::Reproducer;
using search::World;

struct Options {
  std::string left = "type1@7.3", right = "compat@7.3";
  std::string budget = "60s", shard = "0/1", out, resume;
  uint64_t sequences = 0, seed = 1;
  size_t depth = 0;
  unsigned jobs = 0;
  bool no_catalogue = false, alphabet = false, budgeted = false;
};

constexpr char kFooter[] =
    "Random programs over a small universe (`--alphabet` lists its calls) run on both sides. The\n"
    "first program that shows a new kind of difference is shrunk to a shortest one; then the\n"
    "divergence catalogue says what it is. With --depth N every program of up to N calls is run\n"
    "instead, states that are the same merged: what is not found does not happen in N calls.\n"
    "\n"
    "The last line is\n"
    "  search: N sequences, D distinct divergences (E explained, U unexplained)\n"
    "E is the number of catalogue rows found, U of kinds of differences that no row explains.\n"
    "\n"
    "Examples:\n"
    "  iovalid search --budget 60s --seed 7\n"
    "  iovalid search --depth 2\n"
    "  iovalid search --depth 3 --shard 1/4 --out found/\n"
    "\n"
    "Exit status: 0 everything is explained, 1 something is not, 2 unusable input.";

absl::StatusOr<std::chrono::milliseconds> ParseBudget(std::string_view text) {
  double seconds = 0;
  std::string number(text);
  if (!number.empty() && number.back() == 's') number.pop_back();
  if (!absl::SimpleAtod(number, &seconds) || !(seconds > 0) || seconds > 1e6) {
    return absl::InvalidArgumentError("--budget: '" + std::string(text) +
                                      "' is no number of seconds, such as 60s");
  }
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

absl::Status ParseShard(const std::string& text, search::ExhaustiveOptions* options) {
  const size_t slash = text.find('/');
  uint64_t shard = 0, shards = 0;
  if (slash == std::string::npos || !absl::SimpleAtoi(text.substr(0, slash), &shard) ||
      !absl::SimpleAtoi(text.substr(slash + 1), &shards) || shard >= shards || shards > 10000) {
    return absl::InvalidArgumentError("--shard: '" + text + "' is not of the form i/n with i < n");
  }
  options->shard = shard;
  options->shards = shards;
  return absl::OkStatus();
}

// Random programs begin at one more.
std::vector<search::Root> RootsFor(bool random) {
  std::vector<search::Root> roots = search::Roots();
  if (random) roots.push_back({search::Start::kLimited, 3});
  return roots;
}

void PrintReproducer(const World& world, const Reproducer& found, const std::string& name,
                     const std::string& title) {
  std::cout << StdoutStyle().Bold(name) << (title.empty() ? "" : ": " + title) << '\n'
            << "  from " << world.roots()[found.root].Name() << '\n';
  for (const uint16_t letter : found.letters) {
    std::cout << "  " << DecodeCall(search::Alphabet()[letter].event) << '\n';
  }
  std::cout << "  -> " << found.signature.ToString() << "\n\n";
}

absl::Status WriteReproducer(const World& world, const Reproducer& found,
                             const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name + ".textproto";
  std::ofstream out(path);
  traces::VectorSource source(world.header(), world.Program(found.root, found.letters));
  const absl::Status status = traces::WriteText(source, out);
  if (!status.ok()) return status;
  out.close();
  if (!out) return absl::UnavailableError(path + ": cannot be written");
  return absl::OkStatus();
}

struct Outcome {
  uint64_t sequences = 0, calls = 0;
  Findings findings;
};

// Every program up to a depth. With --resume the state of the search is stored now and then.
absl::StatusOr<Outcome> RunExhaustive(const World& world, const Options& options,
                                      const search::ExhaustiveOptions& exhaustive,
                                      std::chrono::milliseconds budget) {
  constexpr auto kBetweenStores = std::chrono::seconds(20);
  search::ExhaustiveProgress state;
  const bool stores = !options.resume.empty();
  if (stores && std::filesystem::exists(options.resume)) {
    const absl::Status status =
        search::LoadProgress(world, exhaustive, options.resume, &state);
    if (!status.ok()) return status;
  }
  Progress progress(/*with_output=*/true);
  const auto begin = std::chrono::steady_clock::now();
  auto stored = begin;
  absl::Status status;
  search::SearchExhaustively(world, exhaustive, &state, [&](const auto& now) {
    const double level = now.level.empty() ? 1 : double(now.done) / double(now.level.size());
    progress.ShowBar(fmt::format("root {}/{} depth {}/{}", now.root + 1, world.roots().size(),
                                 now.depth, exhaustive.depth),
                     level, fmt::format("{} sequences", now.sequences));
    if (options.budgeted && std::chrono::steady_clock::now() - begin >= budget) return false;
    if (!stores || std::chrono::steady_clock::now() - stored < kBetweenStores) return true;
    stored = std::chrono::steady_clock::now();
    status = search::StoreProgress(world, exhaustive, now, options.resume);
    return status.ok();
  });
  progress.Clear();
  if (status.ok() && stores) {
    status = search::StoreProgress(world, exhaustive, state, options.resume);
  }
  if (!status.ok()) return status;
  std::cerr << fmt::format("{} states gone on from, {} programs merged into known ones\n",
                           state.states, state.merged);
  if (state.root < world.roots().size()) {
    std::cerr << fmt::format("not complete: root {} of {}, depth {}, {} of {} states\n",
                             state.root + 1, world.roots().size(), state.depth, state.done,
                             state.level.size());
  }
  return Outcome{state.sequences, 0, state.findings};
}

// One searcher a core, each with its share of the numbered sequences.
Outcome RunRandom(const World& world, const Options& options, std::chrono::milliseconds budget) {
  const unsigned jobs = JobsOrCores(options.jobs);
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + budget;
  Progress progress(/*with_output=*/true);
  std::mutex mutex;
  Outcome all;
  const auto work = [&](unsigned job) {
    search::RandomOptions random{.seed = options.seed,
                                 .first = job,
                                 .stride = jobs,
                                 .guidance = options.no_catalogue ? search::Guidance::kBlind
                                                                  : search::Guidance::kCatalogue};
    const uint64_t most =
        options.sequences == 0 ? ~uint64_t{0} : (options.sequences + jobs - 1 - job) / jobs;
    const search::RandomResult result =
        search::SearchAtRandom(world, random, [&](uint64_t sequences) {
          if (job == 0 && sequences % 1024 == 0) {
            const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
            progress.ShowBar("search",
                             options.sequences != 0 ? double(sequences) / double(most + 1)
                                                    : passed.count() * 1000 / double(budget.count()),
                             fmt::format("{} sequences", sequences * jobs));
          }
          if (options.sequences != 0) return sequences >= most;
          return sequences % 16 == 0 && std::chrono::steady_clock::now() >= end;
        });
    const std::lock_guard<std::mutex> lock(mutex);
    all.sequences += result.sequences;
    all.calls += result.calls;
    all.findings.Merge(result.findings);
  };
  RunJobs(jobs, work);
  return all;
}

int RunSearch(const Options& options) {
  if (options.alphabet) {
    for (const search::Letter& letter : search::Alphabet()) {
      std::cout << DecodeCall(letter.event) << '\n';
    }
    return kClean;
  }
  const absl::StatusOr<Side> left = ParseSide(options.left), right = ParseSide(options.right);
  if (!left.ok()) return Fail(left.status());
  if (!right.ok()) return Fail(right.status());
  const auto budget = ParseBudget(options.budget);
  if (!budget.ok()) return Fail(budget.status());
  search::ExhaustiveOptions exhaustive;
  exhaustive.depth = options.depth;
  if (const absl::Status status = ParseShard(options.shard, &exhaustive); !status.ok()) {
    return Fail(status);
  }
  const absl::StatusOr<World> world = World::Create(*left, *right, RootsFor(options.depth == 0));
  if (!world.ok()) return Fail(world.status());
  if (!options.out.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.out, error);
    if (error) return Fail(absl::UnavailableError(options.out + ": " + error.message()));
  }

  Outcome found;
  if (options.depth != 0) {
    exhaustive.jobs = JobsOrCores(options.jobs);
    auto result = RunExhaustive(*world, options, exhaustive, *budget);
    if (!result.ok()) return Fail(result.status());
    found = *std::move(result);
  } else {
    found = RunRandom(*world, options, *budget);
  }

  const auto& rows = Catalogue::BuiltIn().rows();
  std::vector<std::pair<std::string, const Reproducer*>> named;
  for (const auto& [row, reproducer] : found.findings.explained()) {
    named.emplace_back(rows[static_cast<size_t>(row)].id(), &reproducer);
    PrintReproducer(*world, reproducer, named.back().first, rows[static_cast<size_t>(row)].title());
  }
  size_t unexplained = 0;
  for (const auto& [text, reproducer] : found.findings.unexplained()) {
    named.emplace_back(fmt::format("unexplained-{}", ++unexplained), &reproducer);
    PrintReproducer(*world, reproducer, "UNEXPLAINED", "");
  }
  for (const auto& [name, reproducer] : named) {
    if (options.out.empty()) break;
    const absl::Status status = WriteReproducer(*world, *reproducer, options.out, name);
    if (!status.ok()) return Fail(status);
  }
  std::cout << fmt::format("shortest reproducers: median {} calls after the set-up\n",
                           found.findings.MedianCalls());
  std::cout << fmt::format(
      "search: {} sequences, {} distinct divergences ({} explained, {} unexplained)\n",
      found.sequences, found.findings.distinct(), found.findings.explained().size(), unexplained);
  return unexplained == 0 ? kClean : kDifferent;
}

}  // namespace

void AddSearch(CLI::App& app, Run* run) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("search", "Look for call sequences that two kernels answer differently.");
  command->footer(kFooter);
  command->add_option("--left", options->left, "the left side")->capture_default_str();
  command->add_option("--right", options->right, "the right side")->capture_default_str();
  command->add_option("--budget", options->budget, "how long to search, in seconds; with --depth: no limit unless given")
      ->capture_default_str();
  command->add_option("--sequences", options->sequences,
                      "search this many sequences, however long it takes");
  command->add_option("--seed", options->seed, "of the random programs")->capture_default_str();
  command->add_option("--jobs", options->jobs, "searchers side by side; by default one a core");
  command->add_flag("--no-catalogue", options->no_catalogue,
                    "look at no row before a find is shrunk; rows only label what is found");
  command->add_option("--depth", options->depth, "every program of up to N calls")
      ->check(CLI::Range(1, 6));
  command->add_option("--shard", options->shard, "with --depth: the i-th of n parts, i/n")
      ->capture_default_str();
  command->add_option("--resume", options->resume,
                      "with --depth: a file that keeps the state of the search; where it exists,\n"
                      "the search goes on from there");
  command->add_option("--out", options->out, "write each reproducer there, as .textproto");
  command->add_flag("--alphabet", options->alphabet, "list the calls of the universe");
  command->callback([options, run, command] {
    options->budgeted = command->get_option("--budget")->count() != 0;
    *run = [options] { return RunSearch(*options); };
  });
}

}  // namespace iovalid::conformance::cli
