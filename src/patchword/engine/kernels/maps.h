// Images within zeros.

// A pixel's channels; in the room around an image too.
inline float* pixel(const Maps& maps, int64_t image, int64_t row, int64_t column) {
    const int64_t line = maps.width + 2 * maps.room;
    const int64_t place = (image * (maps.height + 2 * maps.room) + row + maps.room) * line + column + maps.room;
    return maps.pixels + place * maps.channels;
}

// In floats, from one image, row or column of what a convolution reads or writes to the next.
struct Strides {
    int64_t image, row, column;
};

inline Strides strides(const Maps& maps, int64_t stride) {
    const int64_t line = (maps.width + 2 * maps.room) * maps.channels;
    return {(maps.height + 2 * maps.room) * line, stride * line, stride * maps.channels};
}

inline Floats load_some(const float* from, int64_t count) {
    return count < WIDTH ? load_first(from, count, splat(0.0f)) : load(from);
}

inline void store_some(float* to, int64_t count, Floats a) {
    if (count < WIDTH)
        store_first(to, count, a);
    else
        store(to, a);
}

// The room of a row of an image, which may lie in the room itself.
inline void surround_row(const Maps& maps, int64_t image, int64_t row) {
    const bool outside = row < 0 || row >= maps.height;
    const int64_t bytes = maps.room * maps.channels * sizeof(float);
    float* start = pixel(maps, image, row, -maps.room);
    if (outside)
        std::memset(start, 0, (maps.width + 2 * maps.room) * maps.channels * sizeof(float));
    else if (bytes) {
        std::memset(start, 0, bytes);
        std::memset(pixel(maps, image, row, maps.width), 0, bytes);
    }
}

inline void surround(const Maps& maps) {
    for (int64_t image = 0; maps.room && image < maps.batch; ++image)
        for (int64_t row = -maps.room; row < maps.height + maps.room; ++row) surround_row(maps, image, row);
}

// How many of `count` make a part, so that there are as many parts for each thread, of at most `most`.
inline int64_t even_part(int64_t count, int64_t most, int64_t threads) {
    const int64_t parts = (count + most * threads - 1) / (most * threads) * threads;
    return parts ? (count + parts - 1) / parts : 0;
}
