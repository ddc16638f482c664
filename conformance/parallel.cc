// SPDX-License-Identifier: Apache-2.0
#include "conformance/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace iovalid::conformance {

unsigned JobsOrCores(unsigned asked) {
  return asked != 0 ? asked : std::max(1u, std::thread::hardware_concurrency());
}

void RunJobs(unsigned jobs, const std::function<void(unsigned job)>& work) {
  std::vector<std::thread> threads;
  for (unsigned job = 1; job < jobs; ++job) threads.emplace_back([&work, job] { work(job); });
  work(0);
  for (std::thread& thread : threads) thread.join();
}

void ForEachIndex(size_t count, unsigned jobs,
                  const std::function<void(size_t i, unsigned job)>& work) {
  std::atomic<size_t> next = 0;
  RunJobs(static_cast<unsigned>(std::min<size_t>(jobs, count)), [&](unsigned job) {
    for (size_t i; (i = next.fetch_add(1)) < count;) work(i, job);
  });
}

}  // namespace iovalid::conformance
