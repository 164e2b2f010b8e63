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
    share(panels(to->outputs), 1, threads, [&](long first_panel, long last_panel) {
        for (long panel = first_panel; panel < last_panel; ++panel) pack_panel_of(weight, *to, panel);
    });
}

static void product(const Weight* weight, const float* x, float* y, int64_t rows, int64_t threads) {
    const Weight& w = *weight;
    in_format(w, [&](auto format) {
        const typename decltype(format)::Rows input(w, x, rows, threads);
        const Results results{y, w.outputs, 0};
        share(panels(w.outputs), 1, threads, [&](long first_panel, long last_panel) {
            const Multiplication<decltype(format)> multiplication(w, input, rows);
            for (long panel = first_panel; panel < last_panel; ++panel) multiplication.run(panel, results);
        });
    });
}

// In float, by the calling thread alone.
inline void multiply_rows(const Weight& w, const float* x, float* y, long rows) {
    const Float32::Rows input(w, x, rows, 1);
    const Multiplication<Float32> multiplication(w, input, rows);
    for (long panel = 0; panel < panels(w.outputs); ++panel) multiplication.run(panel, {y, w.outputs, 0});
}
