// activation(x W^T + b), with weights in float or in bytes.
//
// A row's sums are added in the same order whatever rows are beside it, so its result does not depend on them.

constexpr int VECTORS = PANEL / WIDTH;
constexpr long DEPTH = 512;  // inputs that a block goes through at once: a panel's part stays in the cache

constexpr int FEW = 4;       // rows below which reading the weights takes longer than multiplying them
constexpr long AHEAD = 512;  // values that are asked for before they are needed, past what the processor foresees

inline void prefetch(const void* from, long bytes) {
    for (long i = 0; i < bytes; i += 64) _mm_prefetch(static_cast<const char*>(from) + i, _MM_HINT_T0);
}

inline long panels(long outputs) { return (outputs + PANEL - 1) / PANEL; }
inline long groups(long inputs) { return (inputs + GROUP - 1) / GROUP; }

constexpr long STRIP = 16;  // inputs that are laid out at once: a cache line of each output's weights

static void pack(const float* weight, int64_t outputs, int64_t inputs, float* packed, int64_t threads) {
    share(panels(outputs), 1, threads, [&](long first_panel, long last_panel) {
        for (long panel = first_panel; panel < last_panel; ++panel)
            for (long begin = 0; begin < inputs; begin += STRIP)
                for (long i = 0; i < PANEL; ++i) {
                    const long output = panel * PANEL + i, end = begin + STRIP < inputs ? begin + STRIP : inputs;
                    float* to = packed + panel * PANEL * inputs + i;
                    for (long input = begin; input < end; ++input)
                        to[input * PANEL] = output < outputs ? weight[output * inputs + input] : 0.0f;
                }
    });
}

// The outputs of a panel from their sums; the last panel of a weight may be narrower.
template <int ACTIVATION>
inline void finish(const Weight& w, const float* sums, long first_output, float* y) {
    for (int v = 0; v < VECTORS; ++v) {
        const long output = first_output + v * WIDTH, left = w.outputs - output;
        if (left <= 0) return;
        Floats a = load(sums + v * WIDTH);
        if (w.bias) {
            const Floats none = splat(0.0f);
            a = add(a, left < WIDTH ? load_first(w.bias + output, left, none) : load(w.bias + output));
        }
        a = activated<ACTIVATION>(a);
        if (left < WIDTH)
            store_first(y + output, left, a);
        else
            store(y + output, a);
    }
}

inline void finish(const Weight& w, const float* sums, long first_output, float* y) {
    switch (w.activation) {
        case RELU:
            return finish<RELU>(w, sums, first_output, y);
        case GELU:
            return finish<GELU>(w, sums, first_output, y);
        case GELU_TANH:
            return finish<GELU_TANH>(w, sums, first_output, y);
        case SILU:
            return finish<SILU>(w, sums, first_output, y);
        default:
            return finish<NONE>(w, sums, first_output, y);
    }
}

// Some rows by one panel and some of the inputs.
struct FloatBlock {
    const Weight& w;
    const float* x;
    float* y;
    float* partial;  // sums, (rows, PANEL): kept here between two parts of the inputs
    long panel, begin, end;

    template <int COUNT>
    void run(long row) const {
        Floats sums[COUNT][VECTORS];
        float* kept = partial + row * PANEL;
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r)
            for (int v = 0; v < VECTORS; ++v) sums[r][v] = begin ? load(kept + r * PANEL + v * WIDTH) : splat(0.0f);
        const float* weight = static_cast<const float*>(w.packed) + (panel * w.inputs + begin) * PANEL;
        const float* values = x + row * w.inputs;
        for (long input = begin; input < end; ++input, weight += PANEL) {
            Floats column[VECTORS];
            for (int v = 0; v < VECTORS; ++v) column[v] = load(weight + v * WIDTH);
            if (COUNT <= FEW) prefetch(weight + AHEAD, PANEL * sizeof(float));
#pragma GCC unroll 8
            for (int r = 0; r < COUNT; ++r) {
                const Floats value = splat(values[r * w.inputs + input]);
                for (int v = 0; v < VECTORS; ++v) sums[r][v] = fused(value, column[v], sums[r][v]);
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r)
            for (int v = 0; v < VECTORS; ++v) store(kept + r * PANEL + v * WIDTH, sums[r][v]);
        if (end < w.inputs) return;
        for (int r = 0; r < COUNT; ++r) finish(w, kept + r * PANEL, panel * PANEL, y + (row + r) * w.outputs);
    }
};

// All rows in blocks of MOST, and the rest in a smaller block; or in two, where one of less than FEW would leave most
// of the processor waiting for sums.
template <int MOST, typename Block>
inline void all_rows(const Block& block, long rows) {
    long row = 0;
    const long rest = rows % MOST, whole = rest && rest < FEW && rows > MOST ? rows - rest - MOST : rows - rest;
    for (; row < whole; row += MOST) block.template run<MOST>(row);
    if (rows - row > MOST) {
        block.template run<FEW>(row);
        row += FEW;
    }
    switch (rows - row) {
        case 1:
            return block.template run<1>(row);
        case 2:
            return block.template run<2>(row);
        case 3:
            return block.template run<3>(row);
        case 4:
            return block.template run<4>(row);
        case 5:
            return block.template run<5>(row);
        default:
            return;
    }
}

// One panel and all rows.
inline void multiply_panel(const Weight& w, const float* x, float* y, long rows, long panel, float* partial) {
    for (long begin = 0; begin < w.inputs; begin += DEPTH) {
        const long end = begin + DEPTH < w.inputs ? begin + DEPTH : w.inputs;
        all_rows<ROWS>(FloatBlock{w, x, y, partial, panel, begin, end}, rows);
    }
}

inline void multiply_rows(const Weight& w, const float* x, float* y, long rows, float* partial) {
    for (long panel = 0; panel < panels(w.outputs); ++panel) multiply_panel(w, x, y, rows, panel, partial);
}

static void product(const Weight* weight, const float* x, float* y, int64_t rows, int64_t threads) {
    share(panels(weight->outputs), 1, threads, [&](long first_panel, long last_panel) {
        Scratch<float> partial(rows * PANEL);
        for (long panel = first_panel; panel < last_panel; ++panel)
            multiply_panel(*weight, x, y, rows, panel, partial.data);
    });
}
