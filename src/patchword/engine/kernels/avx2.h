// Vectors of 8 floats (AVX2).

constexpr int WIDTH = 8;
constexpr int PANEL = 16;  // output features that a block of rows is multiplied with at once
constexpr int ROWS = 6;    // rows of a block: 6 x 2 accumulators and 2 weights fill 14 of 16 registers

using Floats = __m256;
using Integers = __m256i;

inline Floats splat(float value) { return _mm256_set1_ps(value); }
inline Floats load(const float* from) { return _mm256_loadu_ps(from); }
inline Floats load(const uint16_t* from) {  // bfloat16
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
inline void store(float* to, Floats a) { _mm256_storeu_ps(to, a); }
inline __m256i first(int64_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Floats load_first(const float* from, int64_t count, Floats rest) {
    const __m256i mask = first(count);
    return _mm256_blendv_ps(rest, _mm256_maskload_ps(from, mask), _mm256_castsi256_ps(mask));
}
inline void store_first(float* to, int64_t count, Floats a) { _mm256_maskstore_ps(to, first(count), a); }
inline Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
inline Floats subtract(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
inline Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
inline Floats divide(Floats a, Floats b) { return _mm256_div_ps(a, b); }
inline Floats fused(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }  // a b + c
inline Floats larger(Floats a, Floats b) { return _mm256_max_ps(a, b); }
inline Floats smaller(Floats a, Floats b) { return _mm256_min_ps(a, b); }
inline Floats nearest(Floats a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline Floats times_power_of_two(Floats a, Floats whole) {
    // In two halves, since the exponent of the whole may lie outside a float's.
    const __m256i exponent = _mm256_cvtps_epi32(whole);
    const __m256i half = _mm256_srai_epi32(exponent, 1), bias = _mm256_set1_epi32(127);
    const __m256i rest = _mm256_sub_epi32(exponent, half);
    const Floats one = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
    const Floats two = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
    return multiply(multiply(a, one), two);
}
inline Floats with_sign_of(Floats magnitude, Floats a) {
    const Floats sign = splat(-0.0f);
    return _mm256_or_ps(_mm256_and_ps(a, sign), _mm256_andnot_ps(sign, magnitude));
}
inline __m128 lower_and_upper_sum(Floats a) {
    return _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
}
inline float sum(Floats a) {
    __m128 four = lower_and_upper_sum(a);
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}
inline void store_sums(float* to, const Floats* four) {
    const __m256 a = _mm256_hadd_ps(four[0], four[1]), b = _mm256_hadd_ps(four[2], four[3]), c = _mm256_hadd_ps(a, b);
    _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(c), _mm256_extractf128_ps(c, 1)));
}
inline float largest(Floats a) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}
inline float smallest(Floats a) { return -largest(subtract(splat(0.0f), a)); }

// bfloat16, of which two neighbouring inputs of an output feature lie together: as floats, one of the two at a time.
constexpr int BFLOAT_PARTS = 2;
using Bfloat = float;  // an activation as the product reads it
using Bfloats = Floats;

inline Bfloats load_bfloats(const uint16_t* from, int part) {
    const __m256i two = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return _mm256_castsi256_ps(part ? _mm256_and_si256(two, _mm256_set1_epi32(-65536)) : _mm256_slli_epi32(two, 16));
}
inline Floats splat_bfloats(const Bfloat* from) { return splat(*from); }
inline Floats add_bfloat_products(Floats total, Floats activation, Bfloats weights) {
    return fused(activation, weights, total);
}
