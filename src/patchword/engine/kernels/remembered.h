// Keys and values as a decoder remembers them: as floats, or in bfloat16, which halves what a step reads of them.

// The first of fewer than a vector's values, and zeros behind them.
inline Floats load_first_or_zeros(const float* from, int64_t count) { return load_first(from, count, splat(0.0f)); }
inline Floats load_first_or_zeros(const uint16_t* from, int64_t count) {
    uint16_t some[WIDTH] = {};
    std::memcpy(some, from, count * sizeof(uint16_t));
    return load(some);
}

// What a head projected, (rows, size), row after row.
inline void copy_rows(float* to, const float* from, int64_t from_stride, int64_t rows, int64_t size) {
    for (int64_t row = 0; row < rows; ++row)
        std::memcpy(to + row * size, from + row * from_stride, size * sizeof(float));
}

inline void copy_rows(uint16_t* to, const float* from, int64_t from_stride, int64_t rows, int64_t size) {
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t i = 0; i < size; ++i) to[row * size + i] = to_bfloat16(from[row * from_stride + i]);
}

template <typename Stored>
inline void remember_as(const Source& s, int64_t threads) {
    const int64_t width = s.heads * s.head_size;
    share(2 * s.slots, 4, threads, [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item) {
            const int64_t part = item / s.slots, slot = item % s.slots;
            for (int64_t head = 0; head < s.heads; ++head)
                copy_rows(static_cast<Stored*>(s.to) + (item * s.heads + head) * s.source_length * s.head_size,
                          s.rows + (s.starts[slot] * 2 + part) * width + head * s.head_size, 2 * width, s.counts[slot],
                          s.head_size);
        }
    });
}

static void remember(const Source* source, int64_t threads) {
    if (source->precision == BFLOAT16)
        remember_as<uint16_t>(*source, threads);
    else
        remember_as<float>(*source, threads);
}
