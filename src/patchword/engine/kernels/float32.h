// Weights and activations in float.

// Sums of products that are made in float.
struct FloatSums {
    using Element = float;
    using Sum = Floats;

    static Sum zero() { return splat(0.0f); }
    static Sum load_sum(const float* from) { return load(from); }
    static void store_sum(float* to, Sum a) { store(to, a); }
    static float scale(const Weight&, int64_t) { return 1.0f; }
};

struct Float32 : FloatSums {
    using Packed = float;
    using Value = float;
    using Column = Floats;

    static constexpr int64_t GROUP = 1,
                             DEPTH = 512;  // groups that a block goes through at once: they stay in the cache
    static constexpr int PARTS = 1, MOST = ROWS;

    struct Rows {
        const float* values;
        int64_t stride;

        Rows(const Weight& w, const float* x, int64_t, int64_t) : values(x), stride(w.inputs) {}

        const float* at(int64_t row) const { return values + row * stride; }
    };

    // Bytes between what is read and what is asked for, past what the processor foresees; 0: nothing is asked for.
    template <int COUNT, Asks ASKS>
    static constexpr int64_t ahead() {
        return ASKS == LATER ? 2048 : 0;
    }

    static Column column(const float* from, int) { return load(from); }
    static Floats value(const float* from) { return splat(*from); }
    static Sum multiply_add(Sum total, Floats value, Column column) { return fused(value, column, total); }
    static float as_float(float stored) { return stored; }
    static Floats result(const Weight&, const Rows&, int64_t, int64_t, const float* sums) { return load(sums); }
};

constexpr int64_t STRIP = 16;  // inputs that are laid out at once: a cache line of each output's weights

// A panel of a matrix (outputs, inputs) of floats, with zeros for outputs that there are not.
inline void pack_panel(const float* weight, const Weight& to, int64_t panel) {
    float* packed = static_cast<float*>(to.packed) + panel * PANEL * to.inputs;
    for (int64_t begin = 0; begin < to.inputs; begin += STRIP)
        for (int64_t i = 0; i < PANEL; ++i) {
            const int64_t output = panel * PANEL + i, end = begin + STRIP < to.inputs ? begin + STRIP : to.inputs;
            for (int64_t input = begin; input < end; ++input)
                packed[input * PANEL + i] = output < to.outputs ? weight[output * to.inputs + input] : 0.0f;
        }
}
