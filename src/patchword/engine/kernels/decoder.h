// One position through all layers of a decoder, for all hypotheses of all sentences (engine/decoder.py in one call).

// Keys and values of this position, behind those of the positions before it.
template <typename Stored>
inline void remember_position(const Decoder& d, const Step& s, const Rows& r, Stored* target) {
    for (int64_t part = 0; part < 2; ++part)
        for (int64_t slot = 0; slot < s.slots; ++slot)
            for (int64_t head = 0; head < d.heads; ++head) {
                const int64_t entries = ((part * s.slots + slot) * d.heads + head) * s.room + s.length * s.beam;
                const int64_t from = slot * s.beam * 3 * r.d_model + (part + 1) * r.d_model + head * d.head_size;
                copy_rows(target + entries * d.head_size, r.projected.data + from, 3 * r.d_model, s.beam, d.head_size);
            }
}

template <typename Stored>
inline void decode_remembering(const Decoder& d, const Step& s, int64_t threads) {
    const Rows r(s.x, s.slots * s.beam, d.heads * d.head_size, widest(d.layers, d.count), d.norm_first, threads);
    const auto attend = [&](const Stored* memory, int64_t room, int64_t query_stride, const int64_t* counts,
                            int64_t count, const int64_t* past) {
        const int64_t head = room * d.head_size, slot = d.heads * head;
        const Attention a{r.projected.data,
                          memory,
                          memory + s.slots * slot,
                          r.attended.data,
                          s.slots,
                          s.beam,
                          d.heads,
                          d.head_size,
                          query_stride,
                          slot,
                          head,
                          d.head_size,
                          counts,
                          count,
                          past,
                          s.past_stride,
                          d.remembers};
        attention(&a, threads);
    };
    for (int64_t index = 0; index < d.count; ++index) {
        const DecoderLayer& layer = d.layers[index];
        Stored* target = reinterpret_cast<Stored*>(s.targets[index]);
        const Stored* source = static_cast<const Stored*>(s.source) + index * 2 * s.slots * s.source_length * r.d_model;

        r.multiply(layer.query_key_value, r.before(layer.self_norm), r.projected.data);
        remember_position(d, s, r, target);
        attend(target, s.room, 3 * r.d_model, nullptr, s.length + 1, s.past);
        r.multiply(layer.output, r.attended.data, r.result.data);
        r.after(layer.self_norm);

        r.multiply(layer.cross_query, r.before(layer.cross_norm), r.projected.data);
        attend(source, s.source_length, r.d_model, s.counts, s.source_length, nullptr);
        r.multiply(layer.cross_output, r.attended.data, r.result.data);
        r.after(layer.cross_norm);

        r.feed_forward(layer.inner, layer.outer, layer.feed_forward_norm);
    }
}

static void decode(const Decoder* decoder, const Step* step, int64_t threads) {
    if (decoder->remembers == BFLOAT16)
        decode_remembering<uint16_t>(*decoder, *step, threads);
    else
        decode_remembering<float>(*decoder, *step, threads);
}
