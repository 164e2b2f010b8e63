// Which instruction sets the kernels may use here: what the processor has, and the system keeps the registers of.
#pragma once

#include <cstdint>
#include <initializer_list>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <cstddef>
#include <sys/sysctl.h>
#elif defined(__aarch64__) && defined(_WIN32)
#include <windows.h>
#endif

namespace patchword {

#if defined(PATCHWORD_EMULATED)

struct Processor {
    bool avx2 = true, avxvnni = true, avx512 = true, avx512bf16 = true;
    bool neon = true, neondot = true, neonbf16 = true;
};

#else

// Asked by hand: what compilers offer for it knows no AVX-VNNI before gcc 11, and nothing at all in some of clang's
// runtimes. macOS keeps the wide registers for threads that have used them only, so that an Intel Mac has AVX2 here.
struct Processor {
    bool avx2 = false, avxvnni = false, avx512 = false, avx512bf16 = false;
    bool neon = false, neondot = false, neonbf16 = false;

#if defined(__x86_64__)
    Processor() {
        const Leaf one(1, 0), seven(7, 0);
        if (!has(one.c, {27})) return;  // the system says which registers it keeps
        uint32_t kept, upper;
        __asm__("xgetbv" : "=a"(kept), "=d"(upper) : "c"(0));
        const bool vectors = has(kept, {1, 2}), wide = vectors && has(kept, {5, 6, 7});
        const Leaf more(7, 1);
        avx2 = vectors && has(one.c, {12, 28}) && has(seven.b, {5});  // FMA, AVX, AVX2
        avxvnni = avx2 && has(more.a, {4});
        avx512 = avx2 && wide && has(seven.b, {16, 17, 30, 31}) && has(seven.c, {11});  // F, DQ, BW, VL, VNNI
        avx512bf16 = avx512 && has(more.a, {5});
    }

  private:
    struct Leaf {
        uint32_t a = 0, b = 0, c = 0, d = 0;

        // All zero where there is no such leaf.
        Leaf(uint32_t leaf, uint32_t part) {
            if (!__get_cpuid_count(leaf, part, &a, &b, &c, &d) || (part && part > highest_part(leaf)))
                a = b = c = d = 0;
        }

        static uint32_t highest_part(uint32_t leaf) {
            uint32_t a = 0, b, c, d;
            __get_cpuid_count(leaf, 0, &a, &b, &c, &d);
            return a;
        }
    };

    static bool has(uint32_t bits, std::initializer_list<int> all) {
        for (int bit : all)
            if (!(bits >> bit & 1)) return false;
        return true;
    }
#elif defined(__aarch64__)
    // The system says it: a program may not ask the processor itself.
    Processor() {
        neon = true;
#if defined(__linux__)
        neondot = getauxval(AT_HWCAP) >> 20 & 1;
        neonbf16 = neondot && getauxval(AT_HWCAP2) >> 14 & 1;
#elif defined(__APPLE__)
        neondot = has("hw.optional.arm.FEAT_DotProd");
        neonbf16 = neondot && has("hw.optional.arm.FEAT_BF16");
#elif defined(_WIN32)
        neondot = IsProcessorFeaturePresent(43);
        neonbf16 = neondot && IsProcessorFeaturePresent(68);
#endif
    }

#if defined(__APPLE__)
  private:
    static bool has(const char* feature) {
        int found = 0;
        size_t size = sizeof found;
        return !sysctlbyname(feature, &found, &size, nullptr, 0) && found;
    }
#endif
#endif
};

#endif

}  // namespace patchword
