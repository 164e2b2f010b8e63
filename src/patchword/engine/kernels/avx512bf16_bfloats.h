// bfloat16, of which two neighbouring inputs of an output feature lie together, so that one instruction adds their
// products (AVX512_BF16). What is smaller than the smallest normal number counts as zero there.
constexpr int BFLOAT_PARTS = 1;
using Bfloat = uint16_t;  // an activation as the product reads it
using Bfloats = __m512bh;

inline Bfloats load_bfloats(const uint16_t* from, int) { return (Bfloats)_mm512_loadu_si512(from); }
inline Bfloats splat_bfloats(const Bfloat* from) {
    int32_t two;
    std::memcpy(&two, from, 4);
    return (Bfloats)_mm512_set1_epi32(two);
}
inline Floats add_bfloat_products(Floats total, Bfloats activations, Bfloats weights) {
    return _mm512_dpbf16_ps(total, activations, weights);
}
