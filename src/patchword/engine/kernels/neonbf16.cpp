#include "before.h"

#if defined(PATCHWORD_ARM) && PATCHWORD_COMPILER(10, 12)

#include <arm_neon.h>

PATCHWORD_BEGIN_TARGET("arch=armv8.2-a+dotprod+bf16")

namespace patchword::neonbf16 {

#include "neon.h"
#include "neondot_bytes.h"
#include "neonbf16_bfloats.h"
#include "kernels.inc"

}  // namespace patchword::neonbf16

PATCHWORD_END_TARGET

const patchword::Kernels* patchword::neonbf16_kernels() { return &neonbf16::KERNELS; }

#else

const patchword::Kernels* patchword::neonbf16_kernels() { return nullptr; }

#endif
