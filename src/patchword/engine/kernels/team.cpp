#include "team.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <new>
#include <exception>
#include <thread>

#if !defined(_WIN32)
#include <unistd.h>
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace patchword {
namespace {

// A decoding step has a hundred kernels, a few microseconds apart: for so long a member waits without sleeping.
constexpr int PATIENCE = 4000;
constexpr int IMPATIENCE = 200;

using Clock = std::chrono::steady_clock;

// Beside other programs a member can lose its processor within a piece, and the caller waits for it to come back: as
// long as whole layers take. After such a wait the caller computes alone for a while, several times as long as it lost,
// and twice as long again each time that this happens soon after; so a second thread never costs much.
class Caution {
  public:
    bool alone() {
        const int64_t until = until_.load(std::memory_order_relaxed);
        return until && now() < until;
    }

    // After a wait of `waited` at the end of work of which the caller did `pieces` pieces in `worked`.
    void learn(int64_t worked, int64_t pieces, int64_t waited) {
        if (!pieces || waited < LITTLE + SLOWER * worked / pieces) return;
        const int64_t end = now();
        const bool again = end - until_.load(std::memory_order_relaxed) < 2 * rest_;
        rest_ = std::min(std::max(TIMES * waited, again ? 2 * rest_ : 0), MOST);
        until_.store(end + rest_, std::memory_order_relaxed);
    }

    static int64_t now() {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
    }

  private:
    static constexpr int64_t LITTLE = 100'000, MOST = 500'000'000;  // nanoseconds
    static constexpr int64_t TIMES = 10;                            // of the wait
    static constexpr int64_t SLOWER = 4;  // how many of the caller's pieces one on a slower core may take
    std::atomic<int64_t> until_{0};
    int64_t rest_ = 0;
};

inline void breathe() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");  // ARM's "yield" is over at once
#endif
}

// Which process this is, where one can become two.
inline int64_t process() {
#if defined(_WIN32)
    return 0;
#else
    return getpid();
#endif
}

// Members help with whatever work is open. Pieces are taken one at a time, so that a member that the system does not
// let run holds nobody up.
class Team {
  public:
    void share(int64_t count, int64_t grain, int64_t threads, const void* work, Part part) {
        const int64_t pieces = (count + grain - 1) / grain;
        if (threads < 2 || pieces < 2 || caution_.alone() || !lock_.try_lock()) {
            part(work, 0, count);
            return;
        }
        if (process_ != process()) {  // a forked child has none of its parent's threads, wherever they were
            members_ = 0;
            inside_.store(0);
            asleep_.store(0);
            process_ = process();
        }
        try {
            for (; members_ < threads - 1; ++members_) std::thread(&Team::serve, this, members_).detach();
        } catch (const std::exception&) {  // no more threads are allowed: those that there are do the work
        }
        // A few pieces for each thread: large enough to stay with one stretch of memory.
        const int64_t even = (pieces < 4 * threads ? 1 : pieces / (4 * threads)) * grain;
        work_ = work;
        part_ = part;
        count_ = count;
        helpers_ = threads - 1;
        piece_ = even;
        next_.store(0);
        failed_.store(false);
        open_.store(true);
        asked_.fetch_add(1);
        if (asleep_.load() > 0) asked_.notify_all();
        const int64_t begin = Caution::now();
        const int64_t done = help();
        const int64_t end = Caution::now();
        open_.store(false);
        int turns = 0;
        for (; inside_.load() > 0; ++turns) {
            if (turns < IMPATIENCE)
                breathe();
            else
                std::this_thread::yield();  // the member may be waiting for this very processor
        }
        if (turns > IMPATIENCE) caution_.learn(end - begin, done, Caution::now() - end);
        const bool failed = failed_.load();
        lock_.unlock();
        if (failed) throw std::bad_alloc();
    }

  private:
    // Pieces until there are none; how many it did.
    int64_t help() {
        for (int64_t done = 0;; ++done) {
            const int64_t begin = next_.fetch_add(piece_);
            if (begin >= count_) return done;
            try {
                part_(work_, begin, begin + piece_ < count_ ? begin + piece_ : count_);
            } catch (...) {  // scratch memory that could not be had; the other pieces are in vain too
                failed_.store(true);
                next_.store(count_);
            }
        }
    }

    void serve(int64_t index) {
        for (unsigned seen = 0;;) {
            int turns = 0;
            while (asked_.load() == seen)
                if (++turns < PATIENCE) {
                    breathe();
                } else {
                    asleep_.fetch_add(1);
                    asked_.wait(seen);
                    asleep_.fetch_sub(1);
                }
            seen = asked_.load();
            // Once inside, the work stays what it is until the member is outside again.
            inside_.fetch_add(1);
            if (open_.load() && index < helpers_) help();
            inside_.fetch_sub(1);
        }
    }

    std::mutex lock_;
    Caution caution_;
    std::atomic<unsigned> asked_{0};
    std::atomic<int> inside_{0}, asleep_{0};
    std::atomic<bool> open_{false}, failed_{false};
    std::atomic<int64_t> next_{0};
    const void* work_ = nullptr;
    Part part_ = nullptr;
    int64_t count_ = 0, piece_ = 1, members_ = 0, helpers_ = 0;
    int64_t process_ = process();
};

}  // namespace

void share(int64_t count, int64_t grain, int64_t threads, const void* work, Part part) {
    static Team* team = new Team;  // never destroyed: at the end of the process a member may still wait for work
    team->share(count, grain, threads, work, part);
}

}  // namespace patchword
