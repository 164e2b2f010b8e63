#include "before.h"

#if defined(__x86_64__) && PATCHWORD_COMPILER(9, 7)

#include <immintrin.h>

PATCHWORD_BEGIN_TARGET("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")

namespace patchword::avx512 {

#include "avx512.h"
#include "avx512_bfloats.h"
#include "kernels.inc"

}  // namespace patchword::avx512

PATCHWORD_END_TARGET

const patchword::Kernels* patchword::avx512_kernels() { return &avx512::KERNELS; }

#else

const patchword::Kernels* patchword::avx512_kernels() { return nullptr; }

#endif
