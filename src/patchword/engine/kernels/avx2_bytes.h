// Bytes. Multiplying unsigned by signed bytes would add two products in 16 bits and overflow them, so both are
// widened first; BYTE_GROUP neighbouring inputs of one output feature lie together for that.
constexpr int BYTE_GROUP = 2, BYTE_OFFSET = 0;
using Byte = int16_t;  // an activation as the product reads it

constexpr int BYTE_ROWS = 4;  // as ROWS; a product needs a register of its own before it is added

inline Integers no_integers() { return _mm256_setzero_si256(); }
inline void store_integers(int32_t* to, Integers a) { _mm256_storeu_si256(reinterpret_cast<Integers*>(to), a); }
inline Floats load_integers(const int32_t* from) {
    return _mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const Integers*>(from)));
}
inline Integers load_weights(const int8_t* from) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
inline Integers splat_group(const Byte* from) {
    int32_t two;
    std::memcpy(&two, from, 4);
    return _mm256_set1_epi32(two);
}
inline Integers add_products(Integers total, Integers activations, Integers weights) {
    return _mm256_add_epi32(total, _mm256_madd_epi16(activations, weights));
}
inline void store_bytes(Byte* to, Floats a) {
    const __m256i integers = _mm256_cvtps_epi32(a);
    const __m128i low = _mm256_castsi256_si128(integers), high = _mm256_extracti128_si256(integers, 1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_packs_epi32(low, high));
}
