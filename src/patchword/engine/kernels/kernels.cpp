// The library's one door: the kernels of an instruction set, if this processor has it.
#include "arguments.h"

#include <cstring>

using namespace patchword;

extern "C" __attribute__((visibility("default"))) const Kernels* patchword_kernels(const char* name) {
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
