// Weights in bfloat16, the upper half of a float. Where the processor multiplies it, activations are rounded to it too,
// and products are summed in float; elsewhere half of what the weights take is read, and multiplied as floats.

// To the nearest, and of two the even one. What is no number stays none.
inline uint16_t to_bfloat16(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
}

// Activations as they are, or null if they must be rounded.
inline const Bfloat* as_it_is(const float* x) {
    return std::is_same_v<Bfloat, float> ? reinterpret_cast<const Bfloat*>(x) : nullptr;
}

template <typename T>
inline T activation(float value) {
    if constexpr (std::is_same_v<T, float>)
        return value;
    else
        return to_bfloat16(value);
}

struct Bfloat16 : FloatSums {
    using Packed = uint16_t;
    using Value = Bfloat;
    using Column = Bfloats;

    static constexpr int64_t GROUP = 2, DEPTH = 256;
    static constexpr int PARTS = BFLOAT_PARTS, MOST = ROWS;

    // Rows of a whole number of groups, with zeros where there are no inputs.
    struct Rows {
        const int64_t stride;
        Scratch<Bfloat> copy;
        const Bfloat* values;

        Rows(const Weight& w, const float* x, int64_t rows, int64_t threads)
            : stride(groups<Bfloat16>(w.inputs) * GROUP),
              copy(stride == w.inputs && as_it_is(x) ? 0 : rows * stride),
              values(copy.data ? copy.data : as_it_is(x)) {
            if (!copy.data) return;
            share(rows, 8, threads, [&](int64_t begin, int64_t end) {
                for (int64_t row = begin; row < end; ++row) {
                    const float* from = x + row * w.inputs;
                    Bfloat* to = copy.data + row * stride;
                    for (int64_t i = 0; i < w.inputs; ++i) to[i] = activation<Bfloat>(from[i]);
                    for (int64_t i = w.inputs; i < stride; ++i) to[i] = 0;
                }
            });
        }

        const Bfloat* at(int64_t row) const { return values + row * stride; }
    };

    template <int COUNT, Asks ASKS>
    static constexpr int64_t ahead() {
        return ASKS == LATER ? 4096 : 0;
    }

    static Column column(const uint16_t* from, int part) { return load_bfloats(from, part); }
    static auto value(const Bfloat* from) { return splat_bfloats(from); }
    template <typename Value>
    static Sum multiply_add(Sum total, Value value, Column column) {
        return add_bfloat_products(total, value, column);
    }
    static float as_float(uint16_t stored) {
        const uint32_t bits = static_cast<uint32_t>(stored) << 16;
        float value;
        std::memcpy(&value, &bits, 4);
        return value;
    }
    static Floats result(const Weight&, const Rows&, int64_t, int64_t, const float* sums) { return load(sums); }
};

inline void pack_panel_bfloat16(const float* weight, const Weight& to, int64_t panel) {
    constexpr int64_t GROUP = Bfloat16::GROUP;
    uint16_t* packed = static_cast<uint16_t*>(to.packed) + panel * PANEL * groups<Bfloat16>(to.inputs) * GROUP;
    for (int64_t begin = 0; begin < to.inputs; begin += STRIP)
        for (int64_t i = 0; i < PANEL; ++i) {
            const int64_t output = panel * PANEL + i;
            for (int64_t input = begin; input < begin + STRIP && input < groups<Bfloat16>(to.inputs) * GROUP; ++input)
                packed[(input / GROUP * PANEL + i) * GROUP + input % GROUP] =
                    output < to.outputs && input < to.inputs ? to_bfloat16(weight[output * to.inputs + input]) : 0;
        }
}
