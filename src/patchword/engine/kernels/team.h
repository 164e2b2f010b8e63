// Threads that share one kernel.
#pragma once

#include <cstdint>

namespace patchword {

using Part = void (*)(const void* work, int64_t begin, int64_t end);

// Run part(work, begin, end) over [0, count) in pieces of several `grain`s, on up to `threads` threads, and wait for
// all. std::bad_alloc if a part threw it. If another kernel is using the threads, the calling thread does everything: a
// second batch has a thread of its own.
void share(int64_t count, int64_t grain, int64_t threads, const void* work, Part part);

template <typename Function>
void share(int64_t count, int64_t grain, int64_t threads, const Function& function) {
    share(count, grain, threads, &function,
          [](const void* work, int64_t begin, int64_t end) { (*static_cast<const Function*>(work))(begin, end); });
}

}  // namespace patchword
