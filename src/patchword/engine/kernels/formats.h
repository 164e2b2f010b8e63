// Products with weights in the format that they are in.

template <typename Function>
inline void in_format(const Weight& w, const Function& function) {
    switch (w.precision) {
        case BFLOAT16:
            return function(Bfloat16{});
        case INT8:
            return function(Int8{});
        default:
            return function(Float32{});
    }
}

static void pack(const float* weight, const Weight* to, int64_t threads) {
    const auto pack_panel_of = to->precision == BFLOAT16 ? pack_panel_bfloat16
                               : to->precision == INT8   ? pack_panel_int8
                                                         : pack_panel;
    share(panels(to->outputs), 1, threads, [&](int64_t first_panel, int64_t last_panel) {
        for (int64_t panel = first_panel; panel < last_panel; ++panel) pack_panel_of(weight, *to, panel);
    });
}

static void product(const Weight* weight, const float* x, float* y, int64_t rows, int64_t threads) {
    const Weight& w = *weight;
    in_format(w, [&](auto format) {
        const typename decltype(format)::Rows input(w, x, rows, threads);
        const Results results{y, w.outputs, 0};
        share(panels(w.outputs), 1, threads, [&](int64_t first_panel, int64_t last_panel) {
            const Multiplication<decltype(format)> multiplication(w, input, rows);
            for (int64_t panel = first_panel; panel < last_panel; ++panel) multiplication.run(panel, results);
        });
    });
}

// In float, by the calling thread alone.
inline void multiply_rows(const Weight& w, const float* x, float* y, int64_t rows) {
    const Float32::Rows input(w, x, rows, 1);
    const Multiplication<Float32> multiplication(w, input, rows);
    for (int64_t panel = 0; panel < panels(w.outputs); ++panel) multiplication.run(panel, {y, w.outputs, 0});
}

// A row of a packed weight, from a cache line of each group.
template <typename Format>
inline void look_up_row(const Weight& w, int64_t output, float factor, float* row) {
    const int64_t all = groups<Format>(w.inputs), step = PANEL * Format::GROUP;
    const auto* from = static_cast<const typename Format::Packed*>(w.packed) + output / PANEL * all * step +
                       output % PANEL * Format::GROUP;
    const float scale = Format::scale(w, output) * factor;
    for (int64_t input = 0; input < w.inputs; ++input)
        row[input] = Format::as_float(from[input / Format::GROUP * step + input % Format::GROUP]) * scale;
}

static void look_up(const Weight* weight, const int64_t* outputs, int64_t count, double factor, float* rows) {
    const Weight& w = *weight;
    for (int64_t i = 0; i < count; ++i)
        if (outputs[i] < 0 || outputs[i] >= w.outputs) throw std::out_of_range("no such output");
    in_format(w, [&](auto format) {
        for (int64_t i = 0; i < count; ++i)
            look_up_row<decltype(format)>(w, outputs[i], static_cast<float>(factor), rows + i * w.inputs);
    });
}
