// The instructions that this processor may lack, as SIMDe computes them (Debian: libsimde-dev), so that the kernels of
// every instruction set can be tested on any x86-64 that has AVX2. Slow. What SIMDe has not is written out below.
#pragma once

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace emulated {

template <typename Element, typename Vector>
struct Elements {
    Element each[sizeof(Vector) / sizeof(Element)];

    explicit Elements(Vector vector) { std::memcpy(each, &vector, sizeof each); }
    operator Vector() const {
        Vector vector;
        std::memcpy(&vector, each, sizeof each);
        return vector;
    }
};

using Floats = Elements<float, __m512>;
using Integers = Elements<int32_t, __m512i>;

// Memory behind the mask is not touched.
inline __m512 load(__m512 rest, unsigned mask, const float* from) {
    Floats found(rest);
    for (int i = 0; i < 16; ++i)
        if (mask >> i & 1) found.each[i] = from[i];
    return found;
}

inline void store(float* to, unsigned mask, __m512 vector) {
    const Floats a(vector);
    for (int i = 0; i < 16; ++i)
        if (mask >> i & 1) to[i] = a.each[i];
}

// Halves onto each other until one is left, as the processor's reductions go.
template <typename Join>
inline float reduce(__m512 vector, const Join& join) {
    Floats a(vector);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; ++i) a.each[i] = join(a.each[i], a.each[i + half]);
    return a.each[0];
}

inline __m512i to_integers(__m512 vector) {
    const Floats a(vector);
    Integers found(_mm512_setzero_si512());
    for (int i = 0; i < 16; ++i)
        found.each[i] = a.each[i] >= -2147483648.0f && a.each[i] < 2147483648.0f
                            ? static_cast<int32_t>(std::nearbyint(a.each[i]))
                            : INT32_MIN;
    return found;
}

inline __m512i widened(__m256i vector) {
    uint16_t each[16];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(each), vector);
    Integers found(_mm512_setzero_si512());
    for (int i = 0; i < 16; ++i) found.each[i] = each[i];
    return found;
}

inline __m512 to_floats(__m512i vector) {
    const Integers a(vector);
    Floats found(_mm512_setzero_ps());
    for (int i = 0; i < 16; ++i) found.each[i] = static_cast<float>(a.each[i]);
    return found;
}

// Taken as unsigned, and no more than 255.
inline __m128i to_bytes(__m512i vector) {
    const Integers a(vector);
    uint8_t found[16];
    for (int i = 0; i < 16; ++i) found[i] = static_cast<uint8_t>(std::min(static_cast<uint32_t>(a.each[i]), 255u));
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(found));
}

inline __m256 half(__m512 vector, int which) {
    const Floats a(vector);
    return _mm256_loadu_ps(a.each + 8 * which);
}

}  // namespace emulated

#undef _mm512_mask_loadu_ps
#define _mm512_mask_loadu_ps(rest, mask, from) emulated::load(rest, mask, from)
#undef _mm512_mask_storeu_ps
#define _mm512_mask_storeu_ps(to, mask, a) emulated::store(to, mask, a)
#undef _mm512_reduce_add_ps
#define _mm512_reduce_add_ps(a) emulated::reduce(a, [](float x, float y) { return x + y; })
#undef _mm512_reduce_max_ps
#define _mm512_reduce_max_ps(a) emulated::reduce(a, [](float x, float y) { return x > y ? x : y; })
#undef _mm512_reduce_min_ps
#define _mm512_reduce_min_ps(a) emulated::reduce(a, [](float x, float y) { return x < y ? x : y; })
#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32(a) emulated::to_integers(a)
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32(a) emulated::widened(a)
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps(a) emulated::to_floats(a)
#undef _mm512_cvtusepi32_epi8
#define _mm512_cvtusepi32_epi8(a) emulated::to_bytes(a)
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps(a, which) emulated::half(a, which)
#undef _mm512_castps512_ps256
#define _mm512_castps512_ps256(a) emulated::half(a, 0)
#undef _mm256_dpbusd_avx_epi32
#define _mm256_dpbusd_avx_epi32(total, a, b) simde_mm256_dpbusd_epi32(total, a, b)
