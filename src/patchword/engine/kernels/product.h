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

// What a block of rows asks for while it goes through weights that lie in memory: if it is the only one, what it needs
// a little later; of several the first asks for the weights that come after these, and the others for nothing. Wide
// weights, BYTES for each step, are asked for by two blocks, a half each.
enum Asks { NOTHING, LATER, FOLLOWING };

template <long BYTES>
struct Ahead {
    static constexpr long BLOCKS = BYTES > 64 ? 2 : 1, EACH = BYTES / BLOCKS;

    // A block, the one of this number, with what it asks for; `most` is how many rows a block can have.
    template <int COUNT, typename Block>
    static void run(const Block& block, long row, long number, long rows, long most) {
        if (rows > most && number < BLOCKS)
            block.template run_some<COUNT, FOLLOWING>(row, number);
        else if (rows <= most && rows <= FEW)
            block.template run_some<COUNT, LATER>(row, number);
        else
            block.template run_some<COUNT, NOTHING>(row, number);
    }

    const char* next;

    Ahead(const void* weights, long steps, long block)
        : next(static_cast<const char*>(weights) + steps * (BYTES + block * EACH)) {}

    void ask() {
        for (long i = 0; i < EACH; i += 64) _mm_prefetch(next + i, _MM_HINT_T1);
        next += EACH;
    }
};

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

// Where a product's results go: those of a row from an output on, `stride` values after those of the row before.
struct Results {
    float* data;
    long stride, first_output;

    float* at(long row, long output) const { return data + row * stride + output - first_output; }
};

// The outputs of a panel from their sums, to `y`; the last panel of a weight may be narrower.
template <int ACTIVATION>
inline void finish(const Weight& w, const float* sums, long first_output, float* y) {
    for (int v = 0; v < VECTORS; ++v, y += WIDTH) {
        const long output = first_output + v * WIDTH, left = w.outputs - output;
        if (left <= 0) return;
        Floats a = load(sums + v * WIDTH);
        if (w.bias) {
            const Floats none = splat(0.0f);
            a = add(a, left < WIDTH ? load_first(w.bias + output, left, none) : load(w.bias + output));
        }
        a = activated<ACTIVATION>(a);
        if (left < WIDTH)
            store_first(y, left, a);
        else
            store(y, a);
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
    Results y;
    float* partial;  // sums, (rows, PANEL): kept here between two parts of the inputs
    long panel, begin, end, rows;

    using Memory = Ahead<PANEL * sizeof(float)>;

    template <int COUNT>
    void run(long row, long block) const {
        Memory::run<COUNT>(*this, row, block, rows, ROWS);
    }

    template <int COUNT, Asks ASKS>
    void run_some(long row, long block) const {
        Floats sums[COUNT][VECTORS];
        float* kept = partial + row * PANEL;
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r)
            for (int v = 0; v < VECTORS; ++v) sums[r][v] = begin ? load(kept + r * PANEL + v * WIDTH) : splat(0.0f);
        const float* weight = static_cast<const float*>(w.packed) + (panel * w.inputs + begin) * PANEL;
        const float* values = x + row * w.inputs;
        Memory memory(weight, end - begin, block);
        for (long input = begin; input < end; ++input, weight += PANEL) {
            Floats column[VECTORS];
            for (int v = 0; v < VECTORS; ++v) column[v] = load(weight + v * WIDTH);
            if (ASKS == LATER) prefetch(weight + AHEAD, PANEL * sizeof(float));
            if (ASKS == FOLLOWING) memory.ask();
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
        for (int r = 0; r < COUNT; ++r) finish(w, kept + r * PANEL, panel * PANEL, y.at(row + r, panel * PANEL));
    }
};

template <int MOST, typename Block>
inline void run_rows(const Block& block, long row, long count, long index) {
    if constexpr (MOST > 1)
        if (count < MOST) return run_rows<MOST - 1>(block, row, count, index);
    block.template run<MOST>(row, index);
}

// All rows in as few blocks of up to MOST as there can be, of nearly one size: a block of few rows leaves most of the
// processor waiting for sums.
template <int MOST, typename Block>
inline void all_rows(const Block& block, long rows) {
    const long blocks = (rows + MOST - 1) / MOST;
    for (long index = 0, row = 0; index < blocks; ++index) {
        const long left = blocks - index, count = (rows - row + left - 1) / left;
        run_rows<MOST>(block, row, count, index);
        row += count;
    }
}

// One panel and all rows.
inline void multiply_panel(const Weight& w, const float* x, const Results& y, long rows, long panel, float* partial) {
    for (long begin = 0; begin < w.inputs; begin += DEPTH) {
        const long end = begin + DEPTH < w.inputs ? begin + DEPTH : w.inputs;
        all_rows<ROWS>(FloatBlock{w, x, y, partial, panel, begin, end, rows}, rows);
    }
}

inline void multiply_rows(const Weight& w, const float* x, float* y, long rows, float* partial) {
    const Results results{y, w.outputs, 0};
    for (long panel = 0; panel < panels(w.outputs); ++panel) multiply_panel(w, x, results, rows, panel, partial);
}

static void product(const Weight* weight, const float* x, float* y, int64_t rows, int64_t threads) {
    const Results results{y, weight->outputs, 0};
    share(panels(weight->outputs), 1, threads, [&](long first_panel, long last_panel) {
        Scratch<float> partial(rows * PANEL);
        for (long panel = first_panel; panel < last_panel; ++panel)
            multiply_panel(*weight, x, results, rows, panel, partial.data);
    });
}
