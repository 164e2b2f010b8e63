// What encoder and decoder layers have in common: sublayers with a norm before or after them, and room for their
// results.

// The most features that a layer's feed-forward has within: layers may differ in that.
template <typename Layer>
inline int64_t widest(const Layer* layers, int64_t count) {
    int64_t most = 0;
    for (int64_t i = 0; i < count; ++i) most = layers[i].inner.outputs > most ? layers[i].inner.outputs : most;
    return most;
}

struct Rows {
    float* x;  // (rows, d_model): in and out
    const int64_t rows, d_model, threads;
    const bool norm_first;
    Scratch<float> normed, projected, attended, result, hidden;

    Rows(float* x, int64_t rows, int64_t d_model, int64_t d_ff, bool norm_first, int64_t threads)
        : x(x),
          rows(rows),
          d_model(d_model),
          threads(threads),
          norm_first(norm_first),
          normed(rows * d_model),
          projected(3 * rows * d_model),
          attended(rows * d_model),
          result(rows * d_model),
          hidden(rows * d_ff) {}

    void multiply(const Weight& weight, const float* from, float* to) const {
        product(&weight, from, to, rows, threads);
    }

    // What a sublayer reads.
    const float* before(const NormWeight& weight) const {
        if (!norm_first) return x;
        norm(&weight, x, nullptr, nullptr, normed.data, rows, threads);
        return normed.data;
    }

    // x + result, and its norm in Post-LN.
    void after(const NormWeight& weight) const {
        norm(&weight, x, result.data, norm_first ? x : nullptr, norm_first ? nullptr : x, rows, threads);
    }

    void feed_forward(const Weight& inner, const Weight& outer, const NormWeight& weight) const {
        multiply(inner, before(weight), hidden.data);
        multiply(outer, hidden.data, result.data);
        after(weight);
    }
};
