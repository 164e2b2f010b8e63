// Bytes. BYTE_GROUP neighbouring inputs of one output feature lie together, so that one instruction adds their
// products. It takes both signed, so activations are less BYTE_OFFSET.
constexpr int BYTE_GROUP = 4, BYTE_OFFSET = 128;
using Byte = int8_t;  // an activation as the product reads it

constexpr int BYTE_ROWS = 5;  // as ROWS

inline Integers load_weights(const int8_t* from) { return vreinterpretq_s32_s8(vld1q_s8(from)); }
inline Integers splat_group(const Byte* from) {
    int32_t four;
    std::memcpy(&four, from, 4);
    return vdupq_n_s32(four);
}
inline Integers add_products(Integers total, Integers activations, Integers weights) {
    return vdotq_s32(total, vreinterpretq_s8_s32(activations), vreinterpretq_s8_s32(weights));
}
inline void store_bytes(Byte* to, Floats a) {
    const int16x4_t words = vqmovn_s32(vsubq_s32(vcvtq_s32_f32(nearest(a)), vdupq_n_s32(BYTE_OFFSET)));
    const int32_t four = vget_lane_s32(vreinterpret_s32_s8(vqmovn_s16(vcombine_s16(words, words))), 0);
    std::memcpy(to, &four, 4);
}
