// Vectors of 16 floats, and products of bytes four at a time (AVX-512 with VNNI).

constexpr int WIDTH = 16;
constexpr int PANEL = 64;  // output features that a block of rows is multiplied with at once
constexpr int ROWS = 6;    // rows of a block: 6 x 4 accumulators and 4 weights fill 28 of 32 registers

using Floats = __m512;
using Integers = __m512i;

inline Floats splat(float value) { return _mm512_set1_ps(value); }
inline Floats load(const float* from) { return _mm512_loadu_ps(from); }
inline Floats load(const uint16_t* from) {  // bfloat16
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
inline void store(float* to, Floats a) { _mm512_storeu_ps(to, a); }
inline __mmask16 first(int64_t count) { return static_cast<__mmask16>((1u << count) - 1); }
inline Floats load_first(const float* from, int64_t count, Floats rest) {
    return _mm512_mask_loadu_ps(rest, first(count), from);
}
inline void store_first(float* to, int64_t count, Floats a) { _mm512_mask_storeu_ps(to, first(count), a); }
inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
inline Floats subtract(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
inline Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
inline Floats divide(Floats a, Floats b) { return _mm512_div_ps(a, b); }
inline Floats fused(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }  // a b + c
inline Floats larger(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats smaller(Floats a, Floats b) { return _mm512_min_ps(a, b); }
inline Floats nearest(Floats a) { return _mm512_roundscale_ps(a, 0); }
inline Floats times_power_of_two(Floats a, Floats whole) { return _mm512_scalef_ps(a, whole); }
inline Floats with_sign_of(Floats magnitude, Floats a) {
    const Floats sign = splat(-0.0f);
    return _mm512_or_ps(_mm512_and_ps(a, sign), _mm512_andnot_ps(sign, magnitude));
}
inline float sum(Floats a) { return _mm512_reduce_add_ps(a); }
inline void store_sums(float* to, const Floats* four) {
    __m256 half[4];
    for (int i = 0; i < 4; ++i)
        half[i] = _mm256_add_ps(_mm512_castps512_ps256(four[i]), _mm512_extractf32x8_ps(four[i], 1));
    const __m256 a = _mm256_hadd_ps(half[0], half[1]), b = _mm256_hadd_ps(half[2], half[3]), c = _mm256_hadd_ps(a, b);
    _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(c), _mm256_extractf128_ps(c, 1)));
}
inline float largest(Floats a) { return _mm512_reduce_max_ps(a); }
inline float smallest(Floats a) { return _mm512_reduce_min_ps(a); }

// Bytes. BYTE_GROUP neighbouring inputs of one output feature lie together, so that one instruction adds their
// products.
constexpr int BYTE_GROUP = 4, BYTE_OFFSET = 0;
using Byte = uint8_t;  // an activation as the product reads it

constexpr int BYTE_ROWS = 6;  // as ROWS

inline Integers no_integers() { return _mm512_setzero_si512(); }
inline void store_integers(int32_t* to, Integers a) { _mm512_storeu_si512(to, a); }
inline Floats load_integers(const int32_t* from) { return _mm512_cvtepi32_ps(_mm512_loadu_si512(from)); }
inline Integers load_weights(const int8_t* from) { return _mm512_loadu_si512(from); }
inline Integers splat_group(const Byte* from) {
    int32_t four;
    std::memcpy(&four, from, 4);
    return _mm512_set1_epi32(four);
}
inline Integers add_products(Integers total, Integers activations, Integers weights) {
    return _mm512_dpbusd_epi32(total, activations, weights);
}
inline void store_bytes(Byte* to, Floats a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(a)));
}
