#include "before.h"

#if defined(__x86_64__) && PATCHWORD_COMPILER(11, 12)

#include <immintrin.h>

PATCHWORD_BEGIN_TARGET("avx2,fma,avxvnni")

namespace patchword::avxvnni {

#include "avx2.h"
#include "avxvnni_bytes.h"
#include "kernels.inc"

}  // namespace patchword::avxvnni

PATCHWORD_END_TARGET

const patchword::Kernels* patchword::avxvnni_kernels() { return &avxvnni::KERNELS; }

#else

const patchword::Kernels* patchword::avxvnni_kernels() { return nullptr; }

#endif
