// What a convolutional network does besides convolutions.

// From images (batch, channels, height, width) to maps.
static void lay_out(const float* images, const Maps* maps, int64_t threads) {
    const Maps& y = *maps;
    const int64_t lines = y.height + 2 * y.room, plane = y.height * y.width;
    share(y.batch * lines, 1, threads, [&](int64_t begin, int64_t end) {
        for (int64_t line = begin; line < end; ++line) {
            const int64_t image = line / lines, row = line % lines - y.room;
            surround_row(y, image, row);
            if (row < 0 || row >= y.height) continue;
            const float* from = images + image * y.channels * plane + row * y.width;
            float* to = pixel(y, image, row, 0);
            for (int64_t column = 0; column < y.width; ++column)
                for (int64_t channel = 0; channel < y.channels; ++channel) *to++ = from[channel * plane + column];
        }
    });
}

// The largest of 3 x 3 pixels with stride 2, of values that are not negative, so that zeros around them change nothing;
// not a number where one of them is not finite.
static void largest_of_nine(const Maps* from, const Maps* to, int64_t threads) {
    const Maps &x = *from, &y = *to;
    const int64_t lines = y.height + 2 * y.room, below = (x.width + 2 * x.room) * x.channels;
    share(y.batch * lines, 1, threads, [&](int64_t begin, int64_t end) {
        for (int64_t line = begin; line < end; ++line) {
            const int64_t image = line / lines, row = line % lines - y.room;
            surround_row(y, image, row);
            if (row < 0 || row >= y.height) continue;
            for (int64_t column = 0; column < y.width; ++column) {
                const float* first = pixel(x, image, 2 * row - 1, 2 * column - 1);
                float* found = pixel(y, image, row, column);
                for (int64_t channel = 0; channel < x.channels; channel += WIDTH) {
                    const int64_t left = x.channels - channel;
                    Floats most = splat(0.0f), nothing = splat(0.0f);
                    for (int64_t i = 0; i < 9; ++i) {
                        const Floats value = load_some(first + i / 3 * below + i % 3 * x.channels + channel, left);
                        most = larger(value, most);
                        nothing = fused(value, splat(0.0f), nothing);  // a maximum forgets what is not a number
                    }
                    store_some(found + channel, left, add(most, nothing));
                }
            }
        }
    });
}

// Of the pixels of an image, (batch, channels).
static void mean(const Maps* maps, float* means, int64_t threads) {
    const Maps& x = *maps;
    share(x.batch, 1, threads, [&](int64_t begin, int64_t end) {
        for (int64_t image = begin; image < end; ++image)
            for (int64_t channel = 0; channel < x.channels; channel += WIDTH) {
                const int64_t left = x.channels - channel;
                Floats sum = splat(0.0f);
                for (int64_t row = 0; row < x.height; ++row)
                    for (int64_t column = 0; column < x.width; ++column)
                        sum = add(sum, load_some(pixel(x, image, row, column) + channel, left));
                sum = divide(sum, splat(static_cast<float>(x.height * x.width)));
                store_some(means + image * x.channels + channel, left, sum);
            }
    });
}
