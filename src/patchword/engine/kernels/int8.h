// The product with weights in int8, a scale an output, and activations in 8 bits, a scale and a smallest value a row:
//
//   x = smallest + step q,  w = scale v:   sum x w = scale step sum q v + smallest sum w

inline void quantise_output(const float* row, long inputs, int8_t* panel, float* scale_of, float* sum_of) {
    float size = 0.0f, zeros = 0.0f;
    for (long i = 0; i < inputs; ++i) {
        size = std::fabs(row[i]) > size ? std::fabs(row[i]) : size;
        zeros += 0.0f * row[i];
    }
    if (zeros != 0.0f) {  // see quantise_row
        *scale_of = *sum_of = NAN;
        return;
    }
    const float scale = size > 1e-30f ? size / 127.0f : 1.0f;
    long total = 0;
    for (long i = 0; i < inputs; ++i) {
        const long value = std::lrintf(row[i] / scale);
        panel[i / GROUP * PANEL * GROUP + i % GROUP] = static_cast<int8_t>(value);
        total += value;
    }
    *scale_of = scale;
    *sum_of = scale * static_cast<float>(total);
}

static void quantise(const float* weight, int64_t outputs, int64_t inputs, int8_t* packed, float* scales, float* sums,
                     int64_t threads) {
    const long size = groups(inputs) * PANEL * GROUP;
    share(panels(outputs), 1, threads, [&](long first_panel, long last_panel) {
        for (long panel = first_panel; panel < last_panel; ++panel) {
            const long output = panel * PANEL, some = outputs - output < PANEL ? outputs - output : PANEL;
            std::memset(packed + panel * size, 0, size);
            std::memset(scales + output, 0, PANEL * sizeof(float));
            std::memset(sums + output, 0, PANEL * sizeof(float));
            for (long i = 0; i < some; ++i)
                quantise_output(weight + (output + i) * inputs, inputs, packed + panel * size + i * GROUP,
                                scales + output + i, sums + output + i);
        }
    });
}

struct QuantisedRows {
    Byte* bytes;  // (rows, stride), zero where inputs are no multiple of GROUP
    long stride;
    float *step, *smallest;  // (rows,)
};

inline void quantise_row(const float* x, long inputs, const QuantisedRows& rows, long row) {
    Byte* bytes = rows.bytes + row * rows.stride;
    const Floats none = splat(0.0f);
    Floats high = splat(-INFINITY), low = splat(INFINITY), zeros = none;
    for (long i = 0; i < inputs; i += WIDTH) {
        const long left = inputs - i;
        const Floats a = left < WIDTH ? load_first(x + i, left, high) : load(x + i);
        zeros = fused(left < WIDTH ? load_first(x + i, left, none) : a, none, zeros);
        high = larger(high, a);
        low = smaller(low, left < WIDTH ? load_first(x + i, left, low) : a);
    }
    // Bytes cannot hold what is not finite, but a row's smallest value and step can: all its products are NaN then.
    if (sum(zeros) != 0.0f) {
        std::memset(bytes, 0, rows.stride * sizeof(Byte));
        rows.smallest[row] = rows.step[row] = NAN;
        return;
    }
    const float least = smallest(low), range = largest(high) - least;
    const float step = range > 1e-30f ? range / 255.0f : 1.0f;
    rows.smallest[row] = least;
    rows.step[row] = step;
    const Floats inverse = splat(1.0f / step), offset = splat(least);
    long i = 0;
    for (; i + WIDTH <= inputs; i += WIDTH)
        store_bytes(bytes + i, nearest(multiply(subtract(load(x + i), offset), inverse)));
    for (; i < inputs; ++i) bytes[i] = static_cast<Byte>(std::lrintf((x[i] - least) * (1.0f / step)));
    for (; i < rows.stride; ++i) bytes[i] = 0;
}

struct ByteBlock {
    const Weight& w;
    const QuantisedRows& rows;
    Results y;
    long panel, count;

    using Memory = Ahead<PANEL * GROUP>;

    template <int COUNT>
    void run(long row, long block) const {
        Memory::run<COUNT>(*this, row, block, count, BYTE_ROWS);
    }

    template <int COUNT, Asks ASKS>
    void run_some(long row, long block) const {
        Integers sums[COUNT][VECTORS];
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r)
            for (int v = 0; v < VECTORS; ++v) sums[r][v] = no_integers();
        const long depth = groups(w.inputs);
        const int8_t* weight = static_cast<const int8_t*>(w.packed) + panel * depth * PANEL * GROUP;
        const Byte* bytes = rows.bytes + row * rows.stride;
        Memory memory(weight, depth, block);
        for (long group = 0; group < depth; ++group, weight += PANEL * GROUP) {
            Integers column[VECTORS];
            for (int v = 0; v < VECTORS; ++v) column[v] = load_weights(weight + v * WIDTH * GROUP);
            // A panel of many inputs does not stay in the fastest cache from one block to the next.
            if (COUNT <= FEW) prefetch(weight + (ASKS == LATER ? 16 : 4) * AHEAD, PANEL * GROUP);
            if (ASKS == FOLLOWING) memory.ask();
#pragma GCC unroll 8
            for (int r = 0; r < COUNT; ++r) {
                const Integers value = splat_group(bytes + r * rows.stride + group * GROUP);
#pragma GCC unroll 8
                for (int v = 0; v < VECTORS; ++v) sums[r][v] = add_products(sums[r][v], value, column[v]);
            }
        }
        alignas(64) int32_t kept[COUNT * PANEL];
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; ++v) store_integers(kept + r * PANEL + v * WIDTH, sums[r][v]);
        alignas(64) float scaled[PANEL];
        for (int r = 0; r < COUNT; ++r) {
            const Floats step = splat(rows.step[row + r]), least = splat(rows.smallest[row + r]);
            for (int v = 0; v < VECTORS; ++v) {
                const long output = panel * PANEL + v * WIDTH;
                const Floats scale = multiply(step, load(w.scales + output));
                const Floats sum_of = multiply(least, load(w.sums + output));
                store(scaled + v * WIDTH, fused(load_integers(kept + r * PANEL + v * WIDTH), scale, sum_of));
            }
            finish(w, scaled, panel * PANEL, y.at(row + r, panel * PANEL));
        }
    }
};

// The rows of a product's x in bytes.
struct QuantisedInput {
    Scratch<Byte> bytes;
    Scratch<float> parameters;
    QuantisedRows rows;

    QuantisedInput(const Weight& w, const float* x, long count, long threads)
        : bytes(count * groups(w.inputs) * GROUP + WIDTH),
          parameters(2 * count),
          rows{bytes.data, groups(w.inputs) * GROUP, parameters.data, parameters.data + count} {
        share(count, 8, threads, [&](long begin, long end) {
            for (long row = begin; row < end; ++row) quantise_row(x + row * w.inputs, w.inputs, rows, row);
        });
    }
};

static void quantised_product(const Weight* weight, const float* x, float* y, int64_t rows, int64_t threads) {
    const Weight& w = *weight;
    const QuantisedInput input(w, x, rows, threads);
    const Results results{y, w.outputs, 0};
    share(panels(w.outputs), 1, threads, [&](long first_panel, long last_panel) {
        for (long panel = first_panel; panel < last_panel; ++panel)
            all_rows<BYTE_ROWS>(ByteBlock{w, input.rows, results, panel, rows}, rows);
    });
}
