// The standard library is included before the target is changed: what it defines runs on every processor.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "arguments.h"
#include "scratch.h"
#include "team.h"

#if defined(__x86_64__)

#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#endif

namespace patchword::avx512 {

#include "avx512.h"
#include "kernels.inc"

}  // namespace patchword::avx512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const patchword::Kernels* patchword::avx512_kernels() { return &avx512::KERNELS; }

#else

const patchword::Kernels* patchword::avx512_kernels() { return nullptr; }

#endif
