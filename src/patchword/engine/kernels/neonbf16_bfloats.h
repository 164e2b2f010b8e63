// bfloat16, of which two neighbouring inputs of an output feature lie together, so that one instruction adds their
// products (FEAT_BF16). Its sums are rounded to odd, within a unit in the last place instead of half of one, and what
// is smaller than the smallest normal number counts as zero.
constexpr int BFLOAT_PARTS = 1;
using Bfloat = uint16_t;  // an activation as the product reads it
using Bfloats = bfloat16x8_t;

inline Bfloats load_bfloats(const uint16_t* from, int) { return vreinterpretq_bf16_u16(vld1q_u16(from)); }
inline Bfloats splat_bfloats(const Bfloat* from) {
    uint32_t two;
    std::memcpy(&two, from, 4);
    return vreinterpretq_bf16_u32(vdupq_n_u32(two));
}
inline Floats add_bfloat_products(Floats total, Bfloats activations, Bfloats weights) {
    return vbfdotq_f32(total, activations, weights);
}
