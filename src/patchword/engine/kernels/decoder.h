// One position through all layers of a decoder, for all hypotheses of all sentences (engine/decoder.py in one call).

struct DecoderRows {
    const Decoder& d;
    const Step& s;
    const int64_t rows, d_model, threads;
    Scratch<float> normed, projected, attended, result, hidden;

    DecoderRows(const Decoder& d, const Step& s, int64_t threads)
        : d(d), s(s), rows(s.slots * s.beam), d_model(d.heads * d.head_size), threads(threads), normed(rows * d_model),
          projected(3 * rows * d_model), attended(rows * d_model), result(rows * d_model),
          hidden(rows * d.layers[0].inner.outputs) {}

    void multiply(const Weight& weight, const float* x, float* y) const {
        (d.quantised ? quantised_product : product)(&weight, x, y, rows, threads);
    }

    // What a sublayer reads, and what follows it.
    const float* before(const NormWeight& weight) const {
        if (!d.norm_first) return s.x;
        norm(&weight, s.x, nullptr, nullptr, normed.data, rows, threads);
        return normed.data;
    }
    void after(const NormWeight& weight) const {
        norm(&weight, s.x, result.data, d.norm_first ? s.x : nullptr, d.norm_first ? nullptr : s.x, rows, threads);
    }

    // Keys and values of this position, behind those of the positions before it.
    void remember(float* target) const {
        for (long part = 0; part < 2; ++part)
            for (long slot = 0; slot < s.slots; ++slot)
                for (long head = 0; head < d.heads; ++head) {
                    float* to = target + (((part * s.slots + slot) * d.heads + head) * s.room + s.length * s.beam) * d.head_size;
                    const float* from = projected.data + slot * s.beam * 3 * d_model + (part + 1) * d_model + head * d.head_size;
                    copy_rows(to, d.head_size, from, 3 * d_model, s.beam, d.head_size);
                }
    }

    void attend(const float* query, long query_stride, const float* memory, long entries, long count, bool to_source) const {
        const long head = entries * d.head_size;
        const Attention a{query, memory, memory + s.slots * d.heads * head, attended.data, s.slots, s.beam, d.heads,
                          d.head_size, query_stride, d.heads * head, head, d.head_size,
                          to_source ? s.counts : nullptr, count, to_source ? nullptr : s.past, s.past_stride};
        attention(&a, threads);
    }

    void layer(long index) const {
        const DecoderLayer& layer = d.layers[index];
        float* target = s.target + index * 2 * s.slots * s.room * d_model;
        const float* source = s.source + index * 2 * s.slots * s.source_length * d_model;

        multiply(layer.query_key_value, before(layer.self_norm), projected.data);
        remember(target);
        attend(projected.data, 3 * d_model, target, s.room, s.length + 1, false);
        multiply(layer.output, attended.data, result.data);
        after(layer.self_norm);

        multiply(layer.cross_query, before(layer.cross_norm), projected.data);
        attend(projected.data, d_model, source, s.source_length, s.source_length, true);
        multiply(layer.cross_output, attended.data, result.data);
        after(layer.cross_norm);

        multiply(layer.inner, before(layer.feed_forward_norm), hidden.data);
        multiply(layer.outer, hidden.data, result.data);
        after(layer.feed_forward_norm);
    }
};

static void decode(const Decoder* decoder, const Step* step, int64_t threads) {
    const DecoderRows rows(*decoder, *step, threads);
    for (long index = 0; index < decoder->count; ++index) rows.layer(index);
}
