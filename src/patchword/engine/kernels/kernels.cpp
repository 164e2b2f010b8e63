// The library's doors: how its structures lie, and the kernels of an instruction set, if this processor has it.
#include "arguments.h"

#include <cstring>

#ifndef PATCHWORD_LAYOUT
#error "setup.py defines PATCHWORD_LAYOUT, the digest of arguments.h"
#endif

using namespace patchword;

#define PATCHWORD_EXPORT extern "C" __attribute__((visibility("default")))

// What Python compares with its own reading of arguments.h before it calls anything else.
PATCHWORD_EXPORT const char* patchword_layout() { return PATCHWORD_LAYOUT; }

// Bytes of each structure, in the order of arguments.h, and 0 behind them.
PATCHWORD_EXPORT const int64_t* patchword_sizes() {
    static const int64_t sizes[] = {
        sizeof(Weight),       sizeof(NormWeight),
        sizeof(Attention),    sizeof(Likeliest),
        sizeof(EncoderLayer), sizeof(Encoder),
        sizeof(Group),        sizeof(DecoderLayer),
        sizeof(Decoder),      sizeof(Step),
        sizeof(Maps),         sizeof(Convolution),
        sizeof(Kernels),      0,
    };
    return sizes;
}

PATCHWORD_EXPORT const Kernels* patchword_kernels(const char* name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!std::strcmp(name, "avx2")) return avx2 ? avx2_kernels() : nullptr;
    if (!std::strcmp(name, "avx512"))
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512vnni")
                   ? avx512_kernels()
                   : nullptr;
#endif
    return nullptr;
}
