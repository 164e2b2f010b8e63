// NEON's instructions that the kernels use, an element at a time, so that the kernels for ARM can be tested on x86-64
// too. `make arm` holds them to the instructions themselves.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace emulated::arm {

template <typename Element, int COUNT>
struct Vector {
    Element each[COUNT];

    // Of the results of a function of each place.
    template <typename Function>
    static Vector of(const Function& function) {
        Vector found;
        for (int i = 0; i < COUNT; ++i) found.each[i] = static_cast<Element>(function(i));
        return found;
    }
};

template <typename To, typename From>
inline To same_bits(const From& from) {
    static_assert(sizeof(To) == sizeof(From), "a vector of another size");
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

// The nearest integer that there is.
template <typename To, typename From>
inline To saturated(From value) {
    constexpr From least = std::numeric_limits<To>::min(), most = std::numeric_limits<To>::max();
    return static_cast<To>(value < least ? least : value > most ? most : value);
}

inline float to_float(uint16_t bfloat16) { return same_bits<float>(static_cast<uint32_t>(bfloat16) << 16); }

}  // namespace emulated::arm

using float32x4_t = emulated::arm::Vector<float, 4>;
using int32x4_t = emulated::arm::Vector<int32_t, 4>;
using int32x2_t = emulated::arm::Vector<int32_t, 2>;
using uint32x4_t = emulated::arm::Vector<uint32_t, 4>;
using int16x8_t = emulated::arm::Vector<int16_t, 8>;
using int16x4_t = emulated::arm::Vector<int16_t, 4>;
using uint16x4_t = emulated::arm::Vector<uint16_t, 4>;
using uint16x8_t = emulated::arm::Vector<uint16_t, 8>;
using int8x16_t = emulated::arm::Vector<int8_t, 16>;
using int8x8_t = emulated::arm::Vector<int8_t, 8>;
struct bfloat16x8_t {
    uint16_t each[8];
};

#define PATCHWORD_OF(name, type, arguments, value)     \
    inline type name arguments {                       \
        return type::of([&](int i) { return value; }); \
    }
#define PATCHWORD_SAME_BITS(name, to, from) \
    inline to name(from a) { return emulated::arm::same_bits<to>(a); }
#define PATCHWORD_LOAD(name, type, element)              \
    inline type name(const element* from) {              \
        return type::of([&](int i) { return from[i]; }); \
    }

PATCHWORD_LOAD(vld1q_f32, float32x4_t, float)
PATCHWORD_LOAD(vld1q_s32, int32x4_t, int32_t)
PATCHWORD_LOAD(vld1_u16, uint16x4_t, uint16_t)
PATCHWORD_LOAD(vld1q_u16, uint16x8_t, uint16_t)
PATCHWORD_LOAD(vld1q_s8, int8x16_t, int8_t)
inline void vst1q_f32(float* to, float32x4_t a) { std::copy_n(a.each, 4, to); }
inline void vst1q_s32(int32_t* to, int32x4_t a) { std::copy_n(a.each, 4, to); }

PATCHWORD_OF(vdupq_n_f32, float32x4_t, (float a), a)
PATCHWORD_OF(vdupq_n_s32, int32x4_t, (int32_t a), a)
PATCHWORD_OF(vdupq_n_u32, uint32x4_t, (uint32_t a), a)
PATCHWORD_OF(vdup_n_s16, int16x4_t, (int16_t a), a)
PATCHWORD_OF(vsetq_lane_f32, float32x4_t, (float value, float32x4_t a, int lane), i == lane ? value : a.each[i])
inline float vgetq_lane_f32(float32x4_t a, int lane) { return a.each[lane]; }
inline int32_t vget_lane_s32(int32x2_t a, int lane) { return a.each[lane]; }

PATCHWORD_SAME_BITS(vreinterpretq_f32_s32, float32x4_t, int32x4_t)
PATCHWORD_SAME_BITS(vreinterpretq_f32_u32, float32x4_t, uint32x4_t)
PATCHWORD_SAME_BITS(vreinterpretq_u32_u16, uint32x4_t, uint16x8_t)
PATCHWORD_SAME_BITS(vreinterpretq_s16_s8, int16x8_t, int8x16_t)
PATCHWORD_SAME_BITS(vreinterpretq_s32_s16, int32x4_t, int16x8_t)
PATCHWORD_SAME_BITS(vreinterpretq_s32_s8, int32x4_t, int8x16_t)
PATCHWORD_SAME_BITS(vreinterpretq_s8_s32, int8x16_t, int32x4_t)
PATCHWORD_SAME_BITS(vreinterpret_s32_s8, int32x2_t, int8x8_t)
PATCHWORD_SAME_BITS(vreinterpretq_bf16_u16, bfloat16x8_t, uint16x8_t)
PATCHWORD_SAME_BITS(vreinterpretq_bf16_u32, bfloat16x8_t, uint32x4_t)

PATCHWORD_OF(vaddq_f32, float32x4_t, (float32x4_t a, float32x4_t b), a.each[i] + b.each[i])
PATCHWORD_OF(vsubq_f32, float32x4_t, (float32x4_t a, float32x4_t b), a.each[i] - b.each[i])
PATCHWORD_OF(vmulq_f32, float32x4_t, (float32x4_t a, float32x4_t b), a.each[i] * b.each[i])
PATCHWORD_OF(vdivq_f32, float32x4_t, (float32x4_t a, float32x4_t b), a.each[i] / b.each[i])
PATCHWORD_OF(vfmaq_f32, float32x4_t, (float32x4_t c, float32x4_t a, float32x4_t b),
             std::fma(a.each[i], b.each[i], c.each[i]))
PATCHWORD_OF(vmaxq_f32, float32x4_t, (float32x4_t a, float32x4_t b),
             std::isnan(a.each[i]) || a.each[i] > b.each[i] ? a.each[i] : b.each[i])
PATCHWORD_OF(vminq_f32, float32x4_t, (float32x4_t a, float32x4_t b),
             std::isnan(a.each[i]) || a.each[i] < b.each[i] ? a.each[i] : b.each[i])
PATCHWORD_OF(vrndnq_f32, float32x4_t, (float32x4_t a), std::nearbyint(a.each[i]))
PATCHWORD_OF(vpaddq_f32, float32x4_t, (float32x4_t a, float32x4_t b),
             i < 2 ? a.each[2 * i] + a.each[2 * i + 1] : b.each[2 * i - 4] + b.each[2 * i - 3])
PATCHWORD_OF(vcvtq_f32_s32, float32x4_t, (int32x4_t a), a.each[i])
PATCHWORD_OF(vcvtq_s32_f32, int32x4_t, (float32x4_t a),
             std::isnan(a.each[i]) ? 0 : emulated::arm::saturated<int32_t>(static_cast<double>(a.each[i])))
inline float vmaxvq_f32(float32x4_t a) {
    float32x4_t found = a;
    for (int i = 1; i < 4; ++i) found = vmaxq_f32(found, vdupq_n_f32(a.each[i]));
    return found.each[0];
}
inline float vminvq_f32(float32x4_t a) {
    float32x4_t found = a;
    for (int i = 1; i < 4; ++i) found = vminq_f32(found, vdupq_n_f32(a.each[i]));
    return found.each[0];
}
inline float32x4_t vbslq_f32(uint32x4_t mask, float32x4_t a, float32x4_t b) {
    const auto x = emulated::arm::same_bits<uint32x4_t>(a), y = emulated::arm::same_bits<uint32x4_t>(b);
    return vreinterpretq_f32_u32(
        uint32x4_t::of([&](int i) { return (x.each[i] & mask.each[i]) | (y.each[i] & ~mask.each[i]); }));
}

PATCHWORD_OF(vaddq_s32, int32x4_t, (int32x4_t a, int32x4_t b),
             static_cast<uint32_t>(a.each[i]) + static_cast<uint32_t>(b.each[i]))
PATCHWORD_OF(vsubq_s32, int32x4_t, (int32x4_t a, int32x4_t b),
             static_cast<uint32_t>(a.each[i]) - static_cast<uint32_t>(b.each[i]))
PATCHWORD_OF(vshlq_n_s32, int32x4_t, (int32x4_t a, int count), static_cast<uint32_t>(a.each[i]) << count)
PATCHWORD_OF(vshrq_n_s32, int32x4_t, (int32x4_t a, int count), a.each[i] >> count)
PATCHWORD_OF(vandq_u32, uint32x4_t, (uint32x4_t a, uint32x4_t b), a.each[i] & b.each[i])
PATCHWORD_OF(vshll_n_u16, uint32x4_t, (uint16x4_t a, int count), static_cast<uint32_t>(a.each[i]) << count)
PATCHWORD_OF(vshlq_n_u32, uint32x4_t, (uint32x4_t a, int count), a.each[i] << count)

PATCHWORD_OF(vuzp1q_s16, int16x8_t, (int16x8_t a, int16x8_t b), i < 4 ? a.each[2 * i] : b.each[2 * i - 8])
PATCHWORD_OF(vextq_s16, int16x8_t, (int16x8_t a, int16x8_t b, int by), i + by < 8 ? a.each[i + by] : b.each[i + by - 8])
PATCHWORD_OF(vcombine_s16, int16x8_t, (int16x4_t a, int16x4_t b), i < 4 ? a.each[i] : b.each[i - 4])
PATCHWORD_OF(vget_low_s8, int8x8_t, (int8x16_t a), a.each[i])
PATCHWORD_OF(vqmovn_s32, int16x4_t, (int32x4_t a), emulated::arm::saturated<int16_t>(a.each[i]))
PATCHWORD_OF(vqmovn_s16, int8x8_t, (int16x8_t a), emulated::arm::saturated<int8_t>(a.each[i]))

PATCHWORD_OF(vmull_s8, int16x8_t, (int8x8_t a, int8x8_t b), a.each[i] * b.each[i])
PATCHWORD_OF(vmlal_high_s8, int16x8_t, (int16x8_t total, int8x16_t a, int8x16_t b),
             total.each[i] + a.each[i + 8] * b.each[i + 8])
PATCHWORD_OF(vpadalq_s16, int32x4_t, (int32x4_t total, int16x8_t a), total.each[i] + a.each[2 * i] + a.each[2 * i + 1])
inline int32x4_t vdotq_s32(int32x4_t total, int8x16_t a, int8x16_t b) {
    for (int i = 0; i < 16; ++i) total.each[i / 4] += a.each[i] * b.each[i];
    return total;
}
inline float32x4_t vbfdotq_f32(float32x4_t total, bfloat16x8_t a, bfloat16x8_t b) {
    using emulated::arm::to_float;
    return float32x4_t::of([&](int i) {
        const float first = to_float(a.each[2 * i]) * to_float(b.each[2 * i]);
        return total.each[i] + std::fma(to_float(a.each[2 * i + 1]), to_float(b.each[2 * i + 1]), first);
    });
}

#undef PATCHWORD_OF
#undef PATCHWORD_SAME_BITS
#undef PATCHWORD_LOAD
