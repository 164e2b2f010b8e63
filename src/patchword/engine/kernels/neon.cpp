#include "before.h"

#if defined(PATCHWORD_ARM)

#include <arm_neon.h>

namespace patchword::neon {

#include "neon.h"
#include "neon_bytes.h"
#include "neon_bfloats.h"
#include "kernels.inc"

}  // namespace patchword::neon

const patchword::Kernels* patchword::neon_kernels() { return &neon::KERNELS; }

#else

const patchword::Kernels* patchword::neon_kernels() { return nullptr; }

#endif
