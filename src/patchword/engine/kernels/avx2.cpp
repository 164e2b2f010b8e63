#include "before.h"

#if defined(__x86_64__)

#include <immintrin.h>

PATCHWORD_BEGIN_TARGET("avx2,fma")

namespace patchword::avx2 {

#include "avx2.h"
#include "avx2_bytes.h"
#include "kernels.inc"

}  // namespace patchword::avx2

PATCHWORD_END_TARGET

const patchword::Kernels* patchword::avx2_kernels() { return &avx2::KERNELS; }

#else

const patchword::Kernels* patchword::avx2_kernels() { return nullptr; }

#endif
