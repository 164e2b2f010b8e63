// The library's doors: how its structures lie, and the kernels of an instruction set, if this processor has it.
#include "arguments.h"
#include "processor.h"

#include <cstring>

#ifndef PATCHWORD_LAYOUT
#error "setup.py defines PATCHWORD_LAYOUT, the digest of arguments.h"
#endif

using namespace patchword;

#if defined(_WIN32)
#define PATCHWORD_EXPORT extern "C" __declspec(dllexport)
#else
#define PATCHWORD_EXPORT extern "C" __attribute__((visibility("default")))
#endif

// What Python compares with its own reading of arguments.h before it calls anything else.
PATCHWORD_EXPORT const char* patchword_layout() { return PATCHWORD_LAYOUT; }

// Bytes of each structure, in the order of arguments.h, and 0 behind them.
PATCHWORD_EXPORT const int64_t* patchword_sizes() {
    static const int64_t sizes[] = {
        sizeof(Weight),       sizeof(NormWeight), sizeof(Attention),   sizeof(Source),       sizeof(Likeliest),
        sizeof(EncoderLayer), sizeof(Encoder),    sizeof(Group),       sizeof(DecoderLayer), sizeof(Decoder),
        sizeof(Step),         sizeof(Maps),       sizeof(Convolution), sizeof(Kernels),      0,
    };
    return sizes;
}

PATCHWORD_EXPORT const Kernels* patchword_kernels(const char* name) {
    const Processor processor;
    const struct {
        const char* name;
        bool runs;
        const Kernels* (*kernels)();
    } sets[] = {
        {"avx512bf16", processor.avx512bf16, avx512bf16_kernels},
        {"avx512", processor.avx512, avx512_kernels},
        {"avxvnni", processor.avxvnni, avxvnni_kernels},
        {"avx2", processor.avx2, avx2_kernels},
        {"neonbf16", processor.neonbf16, neonbf16_kernels},
        {"neondot", processor.neondot, neondot_kernels},
        {"neon", processor.neon, neon_kernels},
    };
    for (const auto& set : sets)
        if (set.runs && !std::strcmp(name, set.name)) return set.kernels();
    return nullptr;
}
