// activation(x W^T + b), with weights in any format.
//
// A row's sums are added in the same order whatever rows are beside it, so its result does not depend on them.

constexpr int VECTORS = PANEL / WIDTH;

constexpr int FEW = 4;  // rows below which reading the weights takes longer than multiplying them

inline void prefetch(const void* from, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(static_cast<const char*>(from) + i, 0, 3);
}

// What a block of rows asks for while it goes through weights that lie in memory: if it is the only one, what it needs
// a little later; of several the first asks for the weights that come after these, and the others for nothing. Wide
// weights, BYTES for each step, are asked for by two blocks, a half each.
enum Asks { NOTHING, LATER, FOLLOWING };

template <int64_t BYTES>
struct Ahead {
    static constexpr int64_t BLOCKS = BYTES > 64 ? 2 : 1, EACH = BYTES / BLOCKS;

    // A block, the one of this number, with what it asks for; `most` is how many rows a block can have.
    template <int COUNT, typename Block>
    static void run(const Block& block, int64_t row, int64_t number, int64_t rows, int64_t most) {
        if (rows > most && number < BLOCKS)
            block.template run_some<COUNT, FOLLOWING>(row, number);
        else if (rows <= most && rows <= FEW)
            block.template run_some<COUNT, LATER>(row, number);
        else
            block.template run_some<COUNT, NOTHING>(row, number);
    }

    const char* next;

    Ahead(const void* weights, int64_t steps, int64_t block)
        : next(static_cast<const char*>(weights) + steps * (BYTES + block * EACH)) {}

    void ask() {
        for (int64_t i = 0; i < EACH; i += 64) __builtin_prefetch(next + i, 0, 2);  // not into the fastest cache
        next += EACH;
    }
};

inline int64_t panels(int64_t outputs) { return (outputs + PANEL - 1) / PANEL; }

// How many groups of neighbouring inputs a format has.
template <typename Format>
inline int64_t groups(int64_t inputs) {
    return (inputs + Format::GROUP - 1) / Format::GROUP;
}

// Where a product's results go: those of a row from an output on, `stride` values after those of the row before.
struct Results {
    float* data;
    int64_t stride, first_output;

    float* at(int64_t row, int64_t output) const { return data + row * stride + output - first_output; }
};

// The outputs of a panel from their sums, to `y`; the last panel of a weight may be narrower.
template <int ACTIVATION>
inline void finish(const Weight& w, const float* sums, int64_t first_output, float* y) {
    for (int v = 0; v < VECTORS; ++v, y += WIDTH) {
        const int64_t output = first_output + v * WIDTH, left = w.outputs - output;
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

inline void finish(const Weight& w, const float* sums, int64_t first_output, float* y) {
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

template <int MOST, typename Block>
inline void run_rows(const Block& block, int64_t row, int64_t count, int64_t index) {
    if constexpr (MOST > 1)
        if (count < MOST) return run_rows<MOST - 1>(block, row, count, index);
    block.template run<MOST>(row, index);
}

// All rows in as few blocks of up to MOST as there can be, of nearly one size: a block of few rows leaves most of the
// processor waiting for sums.
template <int MOST, typename Block>
inline void all_rows(const Block& block, int64_t rows) {
    const int64_t blocks = (rows + MOST - 1) / MOST;
    for (int64_t index = 0, row = 0; index < blocks; ++index) {
        const int64_t left = blocks - index, count = (rows - row + left - 1) / left;
        run_rows<MOST>(block, row, count, index);
        row += count;
    }
}

// Some rows by one panel and some of its groups of inputs. A format says how weights lie, how a row of x is read beside
// them, and what a sum is; PARTS is how many steps it takes for a group.
template <typename Format>
struct Block {
    const Weight& w;
    const typename Format::Rows& x;
    Results y;
    typename Format::Element* partial;  // sums, (rows, PANEL): kept here between two parts of the inputs
    int64_t panel, begin, end, rows;

    using Memory = Ahead<PANEL * Format::GROUP * sizeof(typename Format::Packed)>;

    template <int COUNT>
    void run(int64_t row, int64_t block) const {
        Memory::template run<COUNT>(*this, row, block, rows, Format::MOST);
    }

    // One of a group's parts.
    template <int COUNT>
    __attribute__((always_inline)) void multiply(typename Format::Sum (&sums)[COUNT][VECTORS],
                                                 const typename Format::Value* values,
                                                 const typename Format::Packed* weight, int part) const {
        typename Format::Column column[VECTORS];
        for (int v = 0; v < VECTORS; ++v) column[v] = Format::column(weight + v * WIDTH * Format::GROUP, part);
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r) {
            const auto value = Format::value(values + r * x.stride);
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; ++v) sums[r][v] = Format::multiply_add(sums[r][v], value, column[v]);
        }
    }

    // A function of its own: among others the compiler moves sums between registers in the innermost loop.
    template <int COUNT, Asks ASKS>
    __attribute__((noinline)) void run_some(int64_t row, int64_t block) const {
        typename Format::Sum sums[COUNT][VECTORS];
        typename Format::Element* kept = partial ? partial + row * PANEL : nullptr;
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; ++v)
                sums[r][v] = begin ? Format::load_sum(kept + r * PANEL + v * WIDTH) : Format::zero();
        const int64_t all = groups<Format>(w.inputs), step = PANEL * Format::GROUP;
        const auto* weight = static_cast<const typename Format::Packed*>(w.packed) + (panel * all + begin) * step;
        const auto* values = x.at(row);
        Memory memory(weight, end - begin, block);
        for (int64_t group = begin; group < end; ++group, weight += step) {
            constexpr int64_t ahead = Format::template ahead<COUNT, ASKS>();
            if (ahead) prefetch(reinterpret_cast<const char*>(weight) + ahead, step * sizeof(*weight));
            if (ASKS == FOLLOWING) memory.ask();
            multiply<COUNT>(sums, values + group * Format::GROUP, weight, 0);
            if constexpr (Format::PARTS == 2) multiply<COUNT>(sums, values + group * Format::GROUP + 1, weight, 1);
        }
        if (end < all) {
#pragma GCC unroll 8
            for (int r = 0; r < COUNT; ++r)
#pragma GCC unroll 8
                for (int v = 0; v < VECTORS; ++v) Format::store_sum(kept + r * PANEL + v * WIDTH, sums[r][v]);
            return;
        }
        alignas(64) typename Format::Element last[COUNT * PANEL];
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < VECTORS; ++v) Format::store_sum(last + r * PANEL + v * WIDTH, sums[r][v]);
        for (int r = 0; r < COUNT; ++r) {
            alignas(64) float results[PANEL];
            for (int v = 0; v < VECTORS; ++v)
                store(results + v * WIDTH,
                      Format::result(w, x, row + r, panel * PANEL + v * WIDTH, last + r * PANEL + v * WIDTH));
            finish(w, results, panel * PANEL, y.at(row + r, panel * PANEL));
        }
    }
};

// All rows of x by panels, one after another; each piece of the work has one of these.
template <typename Format>
struct Multiplication {
    const Weight& w;
    const typename Format::Rows& x;
    const int64_t rows;
    Scratch<typename Format::Element> partial;

    Multiplication(const Weight& w, const typename Format::Rows& x, int64_t rows)
        : w(w), x(x), rows(rows), partial(groups<Format>(w.inputs) > Format::DEPTH ? rows * PANEL : 0) {}

    void run(int64_t panel, const Results& y) const {
        const int64_t all = groups<Format>(w.inputs);
        for (int64_t begin = 0; begin < all; begin += Format::DEPTH) {
            const int64_t end = all - begin > Format::DEPTH ? begin + Format::DEPTH : all;
            all_rows<Format::MOST>(Block<Format>{w, x, y, partial.data, panel, begin, end, rows}, rows);
        }
    }
};
