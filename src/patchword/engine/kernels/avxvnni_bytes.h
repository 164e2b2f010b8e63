// Bytes. BYTE_GROUP neighbouring inputs of one output feature lie together, so that one instruction adds their
// products (AVX-VNNI).
constexpr int BYTE_GROUP = 4, BYTE_OFFSET = 0;
using Byte = uint8_t;  // an activation as the product reads it

constexpr int BYTE_ROWS = 6;  // as ROWS

inline Integers no_integers() { return _mm256_setzero_si256(); }
inline void store_integers(int32_t* to, Integers a) { _mm256_storeu_si256(reinterpret_cast<Integers*>(to), a); }
inline Floats load_integers(const int32_t* from) {
    return _mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const Integers*>(from)));
}
inline Integers load_weights(const int8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const Integers*>(from)); }
inline Integers splat_group(const Byte* from) {
    int32_t four;
    std::memcpy(&four, from, 4);
    return _mm256_set1_epi32(four);
}
inline Integers add_products(Integers total, Integers activations, Integers weights) {
    return _mm256_dpbusd_avx_epi32(total, activations, weights);
}
inline void store_bytes(Byte* to, Floats a) {
    const __m256i integers = _mm256_cvtps_epi32(a);
    const __m128i low = _mm256_castsi256_si128(integers), high = _mm256_extracti128_si256(integers, 1);
    const __m128i words = _mm_packus_epi32(low, high);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(words, words));
}
