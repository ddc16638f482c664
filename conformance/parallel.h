// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_PARALLEL_H_
#define IOVALID_CONFORMANCE_PARALLEL_H_

#include <cstddef>
#include <functional>

namespace iovalid::conformance {

// `asked` threads; as many as the machine has cores where none are asked for.
unsigned JobsOrCores(unsigned asked);

// Calls work(0) here and work(1) to work(jobs - 1) on threads of their own, and returns when all
// have returned. At least one.
void RunJobs(unsigned jobs, const std::function<void(unsigned job)>& work);

// Calls work(i, job) once for each i below `count`, in no order, on up to `jobs` threads; `job`, below
// `jobs`, tells which thread it is.
void ForEachIndex(size_t count, unsigned jobs,
                  const std::function<void(size_t i, unsigned job)>& work);

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_PARALLEL_H_
