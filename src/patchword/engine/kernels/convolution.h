// Convolutions of images whose channels lie side by side, as products: a pixel of the result is a row.
//
// A row's sums are added in the same order whatever rows are beside it, so an image's result does not depend on its
// batch.

constexpr int64_t PIXELS = 96;  // rows whose part of the image stays in the cache while all weights go by
constexpr int64_t RUN = 512;    // inputs that are gone through at once: a panel's part stays in the cache
constexpr int64_t SHORT = 128;  // inputs of a kernel's row below which a pixel's rows are first copied into one

// Some pixels by one panel and some of the inputs of one row of the kernel.
struct ConvolutionBlock {
    const Convolution& c;
    const float* x;                   // of this row of the kernel, at its first input
    const float* weight;              // of the panel, at the same input
    const int64_t *from, *to, *kept;  // of each pixel: where its inputs, its outputs and what is added to them begin
    const float* added;               // of the first pixel, or null
    float *y, *partial;  // of the first pixel; sums, (pixels, PANEL): kept here between two parts of the inputs
    int64_t panel, count;
    bool first, last;

    template <int COUNT>
    void run(int64_t row, int64_t) const {
        Floats sums[COUNT][VECTORS];
        const float* values[COUNT];
        float* sums_kept = partial + row * PANEL;
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r) {
            values[r] = x + from[row + r];
            // Whole rows apart, they are not foreseen; they come while the sums are made.
            if (last && added) prefetch(added + kept[row + r] + panel * PANEL, PANEL * sizeof(float));
            if (last) prefetch(y + to[row + r] + panel * PANEL, PANEL * sizeof(float));
            for (int v = 0; v < VECTORS; ++v)
                sums[r][v] = first ? splat(0.0f) : load(sums_kept + r * PANEL + v * WIDTH);
        }
        const float* w = weight;
        for (int64_t input = 0; input < count; ++input, w += PANEL) {
            Floats column[VECTORS];
            for (int v = 0; v < VECTORS; ++v) column[v] = load(w + v * WIDTH);
            if (row == 0) prefetch(w + count * PANEL, PANEL * sizeof(float));  // what the next part will read
#pragma GCC unroll 8
            for (int r = 0; r < COUNT; ++r) {
                const Floats value = splat(values[r][input]);
                for (int v = 0; v < VECTORS; ++v) sums[r][v] = fused(value, column[v], sums[r][v]);
            }
        }
        if (!last) {
#pragma GCC unroll 8
            for (int r = 0; r < COUNT; ++r)
                for (int v = 0; v < VECTORS; ++v) store(sums_kept + r * PANEL + v * WIDTH, sums[r][v]);
            return;
        }
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r)
            for (int v = 0; v < VECTORS; ++v) finish(row + r, v, sums[r][v]);
    }

    void finish(int64_t row, int v, Floats a) const {
        const int64_t output = panel * PANEL + v * WIDTH, left = c.weight.outputs - output;
        if (left <= 0) return;
        const Floats none = splat(0.0f);
        float* results = y + to[row] + output;
        const float* bias = c.weight.bias + output;
        const float* more = added ? added + kept[row] + output : nullptr;
        if (left < WIDTH) {
            a = add(a, load_first(bias, left, none));
            if (more) a = add(a, load_first(more, left, none));
            store_first(results, left, c.weight.activation == RELU ? larger(none, a) : a);
        } else {
            a = add(a, load(bias));
            if (more) a = add(a, load(more));
            store(results, c.weight.activation == RELU ? larger(none, a) : a);
        }
    }
};

// Where each pixel of a block begins.
inline void find(const Convolution& c, const Strides& strides, int64_t start, int64_t rows, int64_t* places) {
    const int64_t width = c.y.width, height = c.y.height;
    int64_t column = start % width, line = start / width % height, image = start / width / height;
    for (int64_t row = 0; row < rows; ++row) {
        places[row] = image * strides.image + line * strides.row + column * strides.column;
        if (++column < width) continue;
        column = 0;
        if (++line < height) continue;
        line = 0;
        ++image;
    }
}

static void convolve(const Convolution* convolution, int64_t threads) {
    const Convolution& c = *convolution;
    surround(c.y);
    const int64_t padding = c.size / 2, line_length = c.size * c.x.channels, line_stride = strides(c.x, 1).row;
    const float* first_x = pixel(c.x, 0, -padding, -padding);
    const float* added = c.added.pixels ? pixel(c.added, 0, 0, 0) : nullptr;
    float* y = pixel(c.y, 0, 0, 0);
    const int64_t pixels = c.y.batch * c.y.height * c.y.width, most = even_part(pixels, PIXELS, threads);
    const int64_t blocks = most ? (pixels + most - 1) / most : 0;
    const int64_t all = panels(c.weight.outputs), inputs = c.weight.inputs;
    const bool copied = c.size > 1 && line_length < SHORT;
    const int64_t lines = copied ? 1 : c.size, length = copied ? inputs : line_length;
    // Where there are few pixels, threads share the panels instead of them.
    const int64_t parts = blocks >= 2 * threads ? 1 : all, each = all / parts;
    share(blocks * parts, 1, threads, [&](int64_t begin, int64_t end) {
        Scratch<float> partial(PIXELS * PANEL), copy(copied ? PIXELS * inputs : 0);
        int64_t from[PIXELS], to[PIXELS], kept[PIXELS], known = -1;
        for (int64_t piece = begin; piece < end; ++piece) {
            const int64_t block = piece / parts, start = block * most;
            const int64_t rows = pixels - start < most ? pixels - start : most;
            if (block != known) {
                known = block;
                find(c, strides(c.x, c.stride), start, rows, from);
                find(c, strides(c.y, 1), start, rows, to);
                find(c, strides(c.added, 1), start, rows, kept);
                for (int64_t row = 0; copied && row < rows; ++row) {
                    for (int64_t line = 0; line < c.size; ++line)
                        std::memcpy(copy.data + row * inputs + line * line_length,
                                    first_x + from[row] + line * line_stride, line_length * sizeof(float));
                    from[row] = row * inputs;
                }
            }
            const float* x = copied ? copy.data : first_x;
            const int64_t first_panel = piece % parts * each;
            for (int64_t panel = first_panel; panel < first_panel + each; ++panel) {
                const float* weight = static_cast<const float*>(c.weight.packed) + panel * inputs * PANEL;
                for (int64_t line = 0; line < lines; ++line)
                    for (int64_t input = 0; input < length; input += RUN) {
                        const int64_t left = length - input, count = left < RUN ? left : RUN;
                        const bool first = !line && !input, last = line + 1 == lines && left <= RUN;
                        all_rows<ROWS>(ConvolutionBlock{c, x + line * line_stride + input, weight, from, to, kept,
                                                        added, y, partial.data, panel, count, first, last},
                                       rows);
                        weight += count * PANEL;
                    }
            }
        }
    });
}
