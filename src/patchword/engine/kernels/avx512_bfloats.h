// bfloat16, of which two neighbouring inputs of an output feature lie together: as floats, one of the two at a time.
constexpr int BFLOAT_PARTS = 2;
using Bfloat = float;  // an activation as the product reads it
using Bfloats = Floats;

inline Bfloats load_bfloats(const uint16_t* from, int part) {
    const __m512i two = _mm512_loadu_si512(from);
    return _mm512_castsi512_ps(part ? _mm512_and_si512(two, _mm512_set1_epi32(-65536)) : _mm512_slli_epi32(two, 16));
}
inline Floats splat_bfloats(const Bfloat* from) { return splat(*from); }
inline Floats add_bfloat_products(Floats total, Floats activation, Bfloats weights) {
    return fused(activation, weights, total);
}
