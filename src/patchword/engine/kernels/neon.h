// Vectors of 4 floats (NEON of every 64-bit ARM).

constexpr int WIDTH = 4;
constexpr int PANEL = 16;  // output features that a block of rows is multiplied with at once
constexpr int ROWS = 5;    // rows of a block: 5 x 4 accumulators, 4 weights and 5 values fill 29 of 32 registers

using Floats = float32x4_t;
using Integers = int32x4_t;

inline Floats splat(float value) { return vdupq_n_f32(value); }
inline Floats load(const float* from) { return vld1q_f32(from); }
inline Floats load(const uint16_t* from) {  // bfloat16
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(from), 16));
}
inline void store(float* to, Floats a) { vst1q_f32(to, a); }
inline Floats load_first(const float* from, int64_t count, Floats rest) {
    if (count >= WIDTH) return load(from);
    if (count > 0) rest = vsetq_lane_f32(from[0], rest, 0);
    if (count > 1) rest = vsetq_lane_f32(from[1], rest, 1);
    if (count > 2) rest = vsetq_lane_f32(from[2], rest, 2);
    return rest;
}
inline void store_first(float* to, int64_t count, Floats a) {
    if (count >= WIDTH) return store(to, a);
    if (count > 0) to[0] = vgetq_lane_f32(a, 0);
    if (count > 1) to[1] = vgetq_lane_f32(a, 1);
    if (count > 2) to[2] = vgetq_lane_f32(a, 2);
}
inline Floats add(Floats a, Floats b) { return vaddq_f32(a, b); }
inline Floats subtract(Floats a, Floats b) { return vsubq_f32(a, b); }
inline Floats multiply(Floats a, Floats b) { return vmulq_f32(a, b); }
inline Floats divide(Floats a, Floats b) { return vdivq_f32(a, b); }
inline Floats fused(Floats a, Floats b, Floats c) { return vfmaq_f32(c, a, b); }  // a b + c
inline Floats larger(Floats a, Floats b) { return vmaxq_f32(a, b); }              // no number where one is none
inline Floats smaller(Floats a, Floats b) { return vminq_f32(a, b); }
inline Floats nearest(Floats a) { return vrndnq_f32(a); }
inline Floats times_power_of_two(Floats a, Floats whole) {
    // In two halves, since the exponent of the whole may lie outside a float's.
    const int32x4_t exponent = vcvtq_s32_f32(whole);
    const int32x4_t half = vshrq_n_s32(exponent, 1), rest = vsubq_s32(exponent, half), bias = vdupq_n_s32(127);
    const Floats one = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23));
    const Floats two = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23));
    return multiply(multiply(a, one), two);
}
inline Floats with_sign_of(Floats magnitude, Floats a) { return vbslq_f32(vdupq_n_u32(0x80000000), a, magnitude); }
inline float sum(Floats a) {
    const Floats two = vpaddq_f32(a, a);
    return vgetq_lane_f32(vpaddq_f32(two, two), 0);
}
inline void store_sums(float* to, const Floats* four) {
    store(to, vpaddq_f32(vpaddq_f32(four[0], four[1]), vpaddq_f32(four[2], four[3])));
}
inline float largest(Floats a) { return vmaxvq_f32(a); }
inline float smallest(Floats a) { return vminvq_f32(a); }

inline Integers no_integers() { return vdupq_n_s32(0); }
inline void store_integers(int32_t* to, Integers a) { vst1q_s32(to, a); }
inline Floats load_integers(const int32_t* from) { return vcvtq_f32_s32(vld1q_s32(from)); }
