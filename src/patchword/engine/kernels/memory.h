// Keys and values as a decoder remembers them: as floats, or in bfloat16, which is half of what a step reads.

// Function of a pointer to what a precision's keys and values lie in.
template <typename Function>
inline void as_remembered(int64_t precision, const void* from, const Function& function) {
    if (precision == BFLOAT16)
        function(static_cast<const uint16_t*>(from));
    else
        function(static_cast<const float*>(from));
}

inline Floats load_first(const uint16_t* from, int64_t count, Floats) {
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

static void remember(const Memory* memory, int64_t threads) {
    const Memory& m = *memory;
    const int64_t width = m.heads * m.head_size;
    for (int64_t slot = 0; slot < m.slots; ++slot)
        if (m.counts[slot] < 0 || m.counts[slot] > m.source_length || m.starts[slot] < 0 ||
            m.starts[slot] + m.counts[slot] > m.tokens)
            throw std::out_of_range("no such rows");
    as_remembered(m.precision, m.to, [&](auto* to) {
        using Stored = std::remove_const_t<std::remove_pointer_t<decltype(to)>>;
        share(2 * m.slots, 4, threads, [&](int64_t begin, int64_t end) {
            for (int64_t item = begin; item < end; ++item) {
                const int64_t part = item / m.slots, slot = item % m.slots, count = m.counts[slot];
                for (int64_t head = 0; head < m.heads; ++head) {
                    const int64_t entries = (item * m.heads + head) * m.source_length;
                    Stored* own = const_cast<Stored*>(to) + entries * m.head_size;
                    const float* from = m.rows + (m.starts[slot] * 2 + part) * width + head * m.head_size;
                    copy_rows(own, from, 2 * width, count, m.head_size);
                    std::fill(own + count * m.head_size, own + m.source_length * m.head_size, Stored{});
                }
            }
        });
    });
}
