#include "before.h"

#if defined(PATCHWORD_ARM) && PATCHWORD_COMPILER(9, 9)

#include <arm_neon.h>

PATCHWORD_BEGIN_TARGET("arch=armv8.2-a+dotprod")

namespace patchword::neondot {

#include "neon.h"
#include "neondot_bytes.h"
#include "neon_bfloats.h"
#include "kernels.inc"

}  // namespace patchword::neondot

PATCHWORD_END_TARGET

const patchword::Kernels* patchword::neondot_kernels() { return &neondot::KERNELS; }

#else

const patchword::Kernels* patchword::neondot_kernels() { return nullptr; }

#endif
