// Bytes, four neighbouring inputs of one output feature together. Two products of signed bytes fit into 16 bits, since
// no weight is -128; activations are signed for that: less BYTE_OFFSET.
constexpr int BYTE_GROUP = 4, BYTE_OFFSET = 128;
using Byte = int8_t;  // an activation as the product reads it

constexpr int BYTE_ROWS = 4;  // as ROWS; a product needs a register of its own before it is added

// The first two inputs of four output features, and then the other two.
inline Integers load_weights(const int8_t* from) {
    const int16x8_t pairs = vreinterpretq_s16_s8(vld1q_s8(from));
    return vreinterpretq_s32_s16(vuzp1q_s16(pairs, vextq_s16(pairs, pairs, 1)));
}
// The first two of four bytes four times, and then the other two.
inline Integers splat_group(const Byte* from) {
    int16_t two[2];
    std::memcpy(two, from, 4);
    return vreinterpretq_s32_s16(vcombine_s16(vdup_n_s16(two[0]), vdup_n_s16(two[1])));
}
inline Integers add_products(Integers total, Integers activations, Integers weights) {
    const int8x16_t a = vreinterpretq_s8_s32(activations), b = vreinterpretq_s8_s32(weights);
    return vpadalq_s16(total, vmlal_high_s8(vmull_s8(vget_low_s8(a), vget_low_s8(b)), a, b));
}
inline void store_bytes(Byte* to, Floats a) {
    const int16x4_t words = vqmovn_s32(vsubq_s32(vcvtq_s32_f32(nearest(a)), vdupq_n_s32(BYTE_OFFSET)));
    const int32_t four = vget_lane_s32(vreinterpret_s32_s8(vqmovn_s16(vcombine_s16(words, words))), 0);
    std::memcpy(to, &four, 4);
}
