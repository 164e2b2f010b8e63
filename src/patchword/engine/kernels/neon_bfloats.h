// bfloat16, of which two neighbouring inputs of an output feature lie together: as floats, one of the two at a time.
constexpr int BFLOAT_PARTS = 2;
using Bfloat = float;  // an activation as the product reads it
using Bfloats = Floats;

inline Bfloats load_bfloats(const uint16_t* from, int part) {
    const uint32x4_t two = vreinterpretq_u32_u16(vld1q_u16(from));
    return vreinterpretq_f32_u32(part ? vandq_u32(two, vdupq_n_u32(0xffff0000)) : vshlq_n_u32(two, 16));
}
inline Floats splat_bfloats(const Bfloat* from) { return splat(*from); }
inline Floats add_bfloat_products(Floats total, Floats activation, Bfloats weights) {
    return fused(activation, weights, total);
}
