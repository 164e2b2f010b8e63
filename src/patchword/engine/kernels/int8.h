// Weights in int8, a scale an output, and activations in 8 bits, a scale and a smallest value a row:
//
//   x = smallest + step q,  w = scale v:   sum x w = scale step sum q v + smallest sum w
//
// Where a processor multiplies signed bytes alone, q lies between -128 and 127, and `smallest` is what 0 stands for.

struct Int8 {
    using Packed = int8_t;
    using Element = int32_t;
    using Sum = Integers;
    using Value = Byte;
    using Column = Integers;

    static constexpr int64_t GROUP = BYTE_GROUP, DEPTH = INT64_MAX;
    static constexpr int PARTS = 1, MOST = BYTE_ROWS;

    struct Rows {
        const int64_t stride;
        Scratch<Byte> values;                 // (rows, stride), zero where inputs are no multiple of GROUP
        Scratch<float> of_step, of_smallest;  // (rows,)

        Rows(const Weight& w, const float* x, int64_t rows, int64_t threads)
            : stride(groups<Int8>(w.inputs) * GROUP), values(rows * stride + WIDTH), of_step(rows), of_smallest(rows) {
            share(rows, 8, threads, [&](int64_t begin, int64_t end) {
                for (int64_t row = begin; row < end; ++row) quantise(x + row * w.inputs, w.inputs, row);
            });
        }

        const Byte* at(int64_t row) const { return values.data + row * stride; }

        void quantise(const float* x, int64_t inputs, int64_t row) const {
            Byte* bytes = values.data + row * stride;
            const Floats none = splat(0.0f);
            // Four beside each other, so that none waits for the one before it.
            constexpr int SOME = 4;
            Floats highs[SOME], lows[SOME], zeros[SOME];
            for (int k = 0; k < SOME; ++k) highs[k] = splat(-INFINITY), lows[k] = splat(INFINITY), zeros[k] = none;
            const auto look_at = [&](int k, Floats a) {
                highs[k] = larger(highs[k], a), lows[k] = smaller(lows[k], a), zeros[k] = fused(a, none, zeros[k]);
            };
            int64_t seen = 0;
            for (; seen + SOME * WIDTH <= inputs; seen += SOME * WIDTH)
                for (int k = 0; k < SOME; ++k) look_at(k, load(x + seen + k * WIDTH));
            for (; seen + WIDTH <= inputs; seen += WIDTH) look_at(0, load(x + seen));
            if (seen < inputs) look_at(0, load_first(x + seen, inputs - seen, splat(x[seen])));
            for (int k = 1; k < SOME; ++k) {
                highs[0] = larger(highs[0], highs[k]), lows[0] = smaller(lows[0], lows[k]);
                zeros[0] = add(zeros[0], zeros[k]);
            }
            // Bytes cannot hold what is not finite, but a row's smallest value and step can: all its products are NaN
            // then.
            if (sum(zeros[0]) != 0.0f) {
                std::memset(bytes, 0, stride * sizeof(Byte));
                of_smallest.data[row] = of_step.data[row] = NAN;
                return;
            }
            const float least = smallest(lows[0]), range = largest(highs[0]) - least;
            // Of equal values none counts beside the smallest.
            const float step = range > 1e-30f ? range / 255.0f : 0.0f, inverse = step > 0.0f ? 1.0f / step : 0.0f;
            of_smallest.data[row] = BYTE_OFFSET ? least + BYTE_OFFSET * step : least;
            of_step.data[row] = step;
            const Floats factor = splat(inverse), offset = splat(least);
            int64_t i = 0;
            for (; i + WIDTH <= inputs; i += WIDTH)
                store_bytes(bytes + i, multiply(subtract(load(x + i), offset), factor));
            for (; i < inputs; ++i) bytes[i] = static_cast<Byte>(std::lrintf((x[i] - least) * inverse) - BYTE_OFFSET);
            for (; i < stride; ++i) bytes[i] = 0;
        }
    };

    // A panel of many inputs does not stay in the fastest cache from one block to the next.
    template <int COUNT, Asks ASKS>
    static constexpr int64_t ahead() {
        return COUNT > FEW ? 0 : ASKS == LATER ? 8192 : 2048;
    }

    static Sum zero() { return no_integers(); }
    static Sum load_sum(const int32_t*) { return no_integers(); }  // all inputs are one part
    static void store_sum(int32_t* to, Sum a) { store_integers(to, a); }
    static Column column(const int8_t* from, int) { return load_weights(from); }
    static Integers value(const Byte* from) { return splat_group(from); }
    static Sum multiply_add(Sum total, Integers value, Column column) { return add_products(total, value, column); }
    static float as_float(int8_t stored) { return stored; }
    static float scale(const Weight& w, int64_t output) { return w.scales[output]; }
    static Floats result(const Weight& w, const Rows& x, int64_t row, int64_t output, const int32_t* sums) {
        const Floats scale = multiply(splat(x.of_step.data[row]), load(w.scales + output));
        const Floats sum_of = multiply(splat(x.of_smallest.data[row]), load(w.sums + output));
        return fused(load_integers(sums), scale, sum_of);
    }
};

inline void quantise_output(const float* row, int64_t inputs, int8_t* panel, float* scale_of, float* sum_of) {
    float size = 0.0f, zeros = 0.0f;
    for (int64_t i = 0; i < inputs; ++i) {
        size = std::fabs(row[i]) > size ? std::fabs(row[i]) : size;
        zeros += 0.0f * row[i];
    }
    if (zeros != 0.0f) {  // see Rows::quantise
        *scale_of = *sum_of = NAN;
        return;
    }
    const float scale = size > 1e-30f ? size / 127.0f : 1.0f;
    int64_t total = 0;
    for (int64_t i = 0; i < inputs; ++i) {
        const int64_t value = std::lrintf(row[i] / scale);
        panel[i / BYTE_GROUP * PANEL * BYTE_GROUP + i % BYTE_GROUP] = static_cast<int8_t>(value);
        total += value;
    }
    *scale_of = scale;
    *sum_of = scale * static_cast<float>(total);
}

inline void pack_panel_int8(const float* weight, const Weight& to, int64_t panel) {
    const int64_t size = groups<Int8>(to.inputs) * PANEL * BYTE_GROUP, output = panel * PANEL;
    const int64_t some = to.outputs - output < PANEL ? to.outputs - output : PANEL;
    int8_t* packed = static_cast<int8_t*>(to.packed) + panel * size;
    std::memset(packed, 0, size);
    std::memset(to.scales + output, 0, PANEL * sizeof(float));
    std::memset(to.sums + output, 0, PANEL * sizeof(float));
    for (int64_t i = 0; i < some; ++i)
        quantise_output(weight + (output + i) * to.inputs, to.inputs, packed + i * BYTE_GROUP, to.scales + output + i,
                        to.sums + output + i);
}
