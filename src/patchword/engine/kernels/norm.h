// x + added, and its layer norm.

inline void norm_row(const NormWeight& n, const float* x, const float* added, float* total, float* y) {
    const Floats none = splat(0.0f);
    Floats sums = none;
    for (int64_t i = 0; i < n.width; i += WIDTH) {
        const int64_t left = n.width - i;
        Floats a = left < WIDTH ? load_first(x + i, left, none) : load(x + i);
        if (added) a = add(a, left < WIDTH ? load_first(added + i, left, none) : load(added + i));
        sums = add(sums, a);
        if (left < WIDTH)
            store_first(total + i, left, a);
        else
            store(total + i, a);
    }
    if (!y) return;
    const Floats mean = splat(sum(sums) / static_cast<float>(n.width));
    Floats squares = none;
    for (int64_t i = 0; i < n.width; i += WIDTH) {
        const int64_t left = n.width - i;
        const Floats a = subtract(left < WIDTH ? load_first(total + i, left, mean) : load(total + i), mean);
        squares = fused(a, a, squares);
    }
    const Floats scale =
        splat(1.0f / std::sqrt(sum(squares) / static_cast<float>(n.width) + static_cast<float>(n.epsilon)));
    for (int64_t i = 0; i < n.width; i += WIDTH) {
        const int64_t left = n.width - i;
        if (left < WIDTH) {
            const Floats a = multiply(subtract(load_first(total + i, left, mean), mean), scale);
            store_first(y + i, left,
                        fused(a, load_first(n.weight + i, left, none), load_first(n.bias + i, left, none)));
        } else {
            const Floats a = multiply(subtract(load(total + i), mean), scale);
            store(y + i, fused(a, load(n.weight + i), load(n.bias + i)));
        }
    }
}

static void norm(const NormWeight* weight, const float* x, const float* added, float* sum, float* y, int64_t rows,
                 int64_t threads) {
    const NormWeight& n = *weight;
    share(rows, 16, threads, [&](int64_t begin, int64_t end) {
        for (int64_t at = begin * n.width; at < end * n.width; at += n.width)
            norm_row(n, x + at, added ? added + at : nullptr, (sum ? sum : y) + at, y ? y + at : nullptr);
    });
}
