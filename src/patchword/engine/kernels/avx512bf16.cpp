#include "before.h"

#if defined(__x86_64__) && PATCHWORD_COMPILER(10, 9)

#include <immintrin.h>

PATCHWORD_BEGIN_TARGET("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16")

namespace patchword::avx512bf16 {

#include "avx512.h"
#include "avx512bf16_bfloats.h"
#include "kernels.inc"

}  // namespace patchword::avx512bf16

PATCHWORD_END_TARGET

const patchword::Kernels* patchword::avx512bf16_kernels() { return &avx512bf16::KERNELS; }

#else

const patchword::Kernels* patchword::avx512bf16_kernels() { return nullptr; }

#endif
