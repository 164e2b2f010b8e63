// Rows of sequences without padding through all layers of an encoder (engine/encoder.py in one call).

inline void attend_to_own(const Encoder& e, const Group& group, const Rows& r, int64_t threads) {
    const int64_t width = 3 * r.d_model, start = group.start;
    const float* projected = r.projected.data + start * width;
    const Attention a{projected,
                      projected + r.d_model,
                      projected + 2 * r.d_model,
                      r.attended.data + start * r.d_model,
                      group.sequences,
                      group.length,
                      e.heads,
                      e.head_size,
                      width,
                      group.length * width,
                      e.head_size,
                      width,
                      nullptr,
                      group.length,
                      nullptr,
                      0,
                      FLOAT32};
    attention(&a, threads);
}

static void encode(const Encoder* encoder, float* x, int64_t rows, const Group* groups, int64_t count,
                   int64_t threads) {
    const Encoder& e = *encoder;
    const Rows r(x, rows, e.heads * e.head_size, widest(e.layers, e.count), e.norm_first, threads);
    for (int64_t index = 0; index < e.count; ++index) {
        const EncoderLayer& layer = e.layers[index];
        r.multiply(layer.query_key_value, r.before(layer.self_norm), r.projected.data);
        for (int64_t group = 0; group < count; ++group) attend_to_own(e, groups[group], r, threads);
        r.multiply(layer.output, r.attended.data, r.result.data);
        r.after(layer.self_norm);
        r.feed_forward(layer.inner, layer.outer, layer.feed_forward_norm);
    }
}
