// Threads that share one kernel.
#pragma once

namespace patchword {

using Part = void (*)(const void* work, long begin, long end);

// Run part(work, begin, end) over [0, count) in pieces of several `grain`s, on up to `threads` threads, and wait for
// all. std::bad_alloc if a part threw it. If another kernel is using the threads, the calling thread does everything: a
// second batch has a thread of its own.
void share(long count, long grain, long threads, const void* work, Part part);

template <typename Function>
void share(long count, long grain, long threads, const Function& function) {
    share(count, grain, threads, &function,
          [](const void* work, long begin, long end) { (*static_cast<const Function*>(work))(begin, end); });
}

}  // namespace patchword
