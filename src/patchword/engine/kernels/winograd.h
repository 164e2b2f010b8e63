// Convolutions of 3 x 3 with stride 1 in fewer products: F(4x4, 3x3) of "Fast Algorithms for Convolutional Neural
// Networks" (Lavin and Gray 2016). A tile of 4 x 4 results takes 36 products a pair of channels instead of 144.
//
// Polynomials are evaluated at 0, +-A, +-B and infinity. With 5/8 and 3/2 the error is twice that of adding up the
// products one after another; with the paper's 1 and 2 it is five times that. Every constant below is exact in float.

constexpr int64_t TILE = 4, SPAN = TILE + 2, POINTS = SPAN * SPAN;
constexpr float A = 0.625f, B = 1.5f, AA = A * A, BB = B * B;
constexpr int64_t TILES = 24;  // whose values at all points, for 64 channels in and out, fit into the cache

// The weight's values at all points: POINTS packed matrices (outputs, inputs), from (outputs, 3, 3, inputs).
static void pack_winograd(const float* weight, int64_t outputs, int64_t inputs, float* packed, int64_t threads) {
    const double aa = AA, bb = BB, a = A, b = B, zero = aa * bb, at_a = 2 * aa * (aa - bb), at_b = 2 * bb * (bb - aa);
    const double points[SPAN][3] = {{1 / zero, 0, 0},
                                    {1 / at_a, a / at_a, aa / at_a},
                                    {1 / at_a, -a / at_a, aa / at_a},
                                    {1 / at_b, b / at_b, bb / at_b},
                                    {1 / at_b, -b / at_b, bb / at_b},
                                    {0, 0, 1}};
    const int64_t matrix = panels(outputs) * PANEL * inputs;
    share(panels(outputs) * PANEL, 1, threads, [&](int64_t begin, int64_t end) {
        for (int64_t output = begin; output < end; ++output)
            for (int64_t input = 0; input < inputs; ++input) {
                float* to = packed + (output / PANEL * inputs + input) * PANEL + output % PANEL;
                for (int64_t point = 0; point < POINTS; ++point) {
                    double sum = 0;
                    for (int64_t i = 0; i < 9 && output < outputs; ++i)
                        sum += points[point / SPAN][i / 3] * points[point % SPAN][i % 3] *
                               weight[(output * 9 + i) * inputs + input];
                    to[point * matrix] = static_cast<float>(sum);
                }
            }
    });
}

// Of pixels on a line, at all points.
inline void evaluate(const Floats* d, int64_t step, Floats* values) {
    const Floats d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    values[0] = fused(splat(AA * BB), d[0], fused(splat(-AA - BB), d2, d4));
    values[5] = fused(splat(AA * BB), d1, fused(splat(-AA - BB), d3, d[5 * step]));
    const Floats even_a = fused(splat(-BB), d2, d4), odd_a = fused(splat(-BB), d1, d3);
    values[1] = fused(splat(A), odd_a, even_a);
    values[2] = fused(splat(-A), odd_a, even_a);
    const Floats even_b = fused(splat(-AA), d2, d4), odd_b = fused(splat(-AA), d1, d3);
    values[3] = fused(splat(B), odd_b, even_b);
    values[4] = fused(splat(-B), odd_b, even_b);
}

// The results on a line, from values at all points.
inline void interpolate(const Floats* m, int64_t step, Floats* results) {
    const Floats even_a = add(m[step], m[2 * step]), odd_a = subtract(m[step], m[2 * step]);
    const Floats even_b = add(m[3 * step], m[4 * step]), odd_b = subtract(m[3 * step], m[4 * step]);
    results[0] = add(m[0], add(even_a, even_b));
    results[1] = fused(splat(A), odd_a, multiply(splat(B), odd_b));
    results[2] = fused(splat(AA), even_a, multiply(splat(BB), even_b));
    results[3] = fused(splat(A * AA), odd_a, fused(splat(B * BB), odd_b, m[5 * step]));
}

// Some tiles by a panel, at one point.
struct PointBlock {
    const float *x, *weight;
    float* y;
    int64_t inputs, pitch;

    template <int COUNT>
    void run(int64_t row, int64_t) const {
        Floats sums[COUNT][VECTORS];
        const float* values = x + row * inputs;
        float* to = y + row * pitch;
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r)
            for (int v = 0; v < VECTORS; ++v) sums[r][v] = splat(0.0f);
        const float* w = weight;
        for (int64_t input = 0; input < inputs; ++input, w += PANEL) {
            Floats column[VECTORS];
            for (int v = 0; v < VECTORS; ++v) column[v] = load(w + v * WIDTH);
            if (row == 0) prefetch(w + inputs * PANEL, PANEL * sizeof(float));  // the next panel's
#pragma GCC unroll 8
            for (int r = 0; r < COUNT; ++r) {
                const Floats value = splat(values[r * inputs + input]);
                for (int v = 0; v < VECTORS; ++v) sums[r][v] = fused(value, column[v], sums[r][v]);
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < COUNT; ++r)
            for (int v = 0; v < VECTORS; ++v) store(to + r * pitch + v * WIDTH, sums[r][v]);
    }
};

// Tiles [start, start + count) of a convolution.
struct Winograd {
    const Convolution& c;
    int64_t start, count;
    float *x, *y;  // values of the tiles' pixels and of their results, (POINTS, count, inputs or padded outputs)

    struct Place {
        int64_t image, row, column;
    };

    Place place(int64_t tile) const {
        const int64_t across = (c.y.width + TILE - 1) / TILE, down = (c.y.height + TILE - 1) / TILE;
        return {tile / across / down, tile / across % down * TILE, tile % across * TILE};
    }

    int64_t pitch() const { return panels(c.weight.outputs) * PANEL; }

    void spread(int64_t tile) const {
        const Place at = place(start + tile);
        const float* from = pixel(c.x, at.image, at.row - 1, at.column - 1);
        const int64_t down = c.x.height + 2 - at.row, across = c.x.width + 2 - at.column, inputs = c.x.channels;
        const int64_t row = (c.x.width + 2 * c.x.room) * inputs;
        for (int64_t channel = 0; channel < inputs; channel += WIDTH) {
            const int64_t left = inputs - channel;
            Floats d[POINTS], values[SPAN], on_columns[POINTS];
            const Floats none = splat(0.0f);
            if (left >= WIDTH && down >= SPAN && across >= SPAN) {
                for (int64_t i = 0; i < SPAN; ++i)
                    for (int64_t j = 0; j < SPAN; ++j) d[i * SPAN + j] = load(from + i * row + j * inputs + channel);
            } else {
                for (int64_t i = 0; i < SPAN; ++i)
                    for (int64_t j = 0; j < SPAN; ++j)
                        d[i * SPAN + j] =
                            i < down && j < across ? load_some(from + i * row + j * inputs + channel, left) : none;
            }
            for (int64_t j = 0; j < SPAN; ++j) {
                evaluate(d + j, SPAN, values);
                for (int64_t i = 0; i < SPAN; ++i) on_columns[i * SPAN + j] = values[i];
            }
            float* to = x + tile * inputs + channel;
            for (int64_t i = 0; i < SPAN; ++i) {
                evaluate(on_columns + i * SPAN, 1, values);
                for (int64_t j = 0; j < SPAN; ++j) store_some(to + (i * SPAN + j) * count * inputs, left, values[j]);
            }
        }
    }

    // At one point by one panel.
    void multiply_at(int64_t point, int64_t panel) const {
        const int64_t all = panels(c.weight.outputs), inputs = c.x.channels;
        const float* weight = static_cast<const float*>(c.weight.packed) + (point * all + panel) * inputs * PANEL;
        float* to = y + point * count * pitch() + panel * PANEL;
        all_rows<ROWS>(PointBlock{x + point * count * inputs, weight, to, inputs, pitch()}, count);
    }

    void gather(int64_t tile) const {
        const Place at = place(start + tile);
        const int64_t down = c.y.height - at.row, across = c.y.width - at.column;
        for (int64_t output = 0; output < c.weight.outputs; output += WIDTH) {
            const float* from = y + tile * pitch() + output;
            Floats m[SPAN * SPAN], results[TILE], on_columns[TILE * SPAN];
            for (int64_t point = 0; point < POINTS; ++point) m[point] = load(from + point * count * pitch());
            for (int64_t j = 0; j < SPAN; ++j) {
                interpolate(m + j, SPAN, results);
                for (int64_t i = 0; i < TILE; ++i) on_columns[i * SPAN + j] = results[i];
            }
            const int64_t left = c.weight.outputs - output;
            const Floats bias = load_some(c.weight.bias + output, left), none = splat(0.0f);
            for (int64_t i = 0; i < TILE && i < down; ++i) {
                interpolate(on_columns + i * SPAN, 1, results);
                for (int64_t j = 0; j < TILE && j < across; ++j) {
                    Floats a = add(results[j], bias);
                    if (c.added.pixels)
                        a = add(a, load_some(pixel(c.added, at.image, at.row + i, at.column + j) + output, left));
                    if (c.weight.activation == RELU) a = larger(none, a);
                    store_some(pixel(c.y, at.image, at.row + i, at.column + j) + output, left, a);
                }
            }
        }
    }
};

static void convolve_winograd(const Convolution* convolution, int64_t threads) {
    const Convolution& c = *convolution;
    surround(c.y);
    const int64_t down = (c.y.height + TILE - 1) / TILE, across = (c.y.width + TILE - 1) / TILE;
    const int64_t tiles = c.y.batch * down * across, all = panels(c.weight.outputs);
    const int64_t most = even_part(tiles, TILES, threads);
    const int64_t inputs = POINTS * c.x.channels, outputs = POINTS * all * PANEL;
    if (!tiles) return;
    const int64_t blocks = (tiles + most - 1) / most;
    if (threads > 1 && blocks < 2 * threads) {  // threads share the points instead of tiles
        Scratch<float> x(tiles * inputs), y(tiles * outputs);
        const Winograd w{c, 0, tiles, x.data, y.data};
        const auto each = [&](auto part) {
            return [=](int64_t begin, int64_t end) {
                for (; begin < end; ++begin) part(begin);
            };
        };
        share(tiles, 1, threads, each([&w](int64_t tile) { w.spread(tile); }));
        share(POINTS * all, 1, threads, each([&w, all](int64_t piece) { w.multiply_at(piece / all, piece % all); }));
        share(tiles, 1, threads, each([&w](int64_t tile) { w.gather(tile); }));
        return;
    }
    share(blocks, 1, threads, [&](int64_t begin, int64_t end) {
        Scratch<float> x(most * inputs), y(most * outputs);
        for (int64_t block = begin; block < end; ++block) {
            const int64_t start = block * most, count = tiles - start < most ? tiles - start : most;
            const Winograd w{c, start, count, x.data, y.data};
            for (int64_t tile = 0; tile < count; ++tile) w.spread(tile);
            for (int64_t piece = 0; piece < POINTS * all; ++piece) w.multiply_at(piece / all, piece % all);
            for (int64_t tile = 0; tile < count; ++tile) w.gather(tile);
        }
    });
}
