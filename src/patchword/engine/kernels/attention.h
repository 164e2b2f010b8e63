// softmax(q K^T) V, for queries that share their sentence's keys and values.

// Four products of one query with four keys, so that the sums run beside each other.
template <typename Stored>
inline void scores_of_four(const float* query, const Stored* const* keys, int64_t size, float* scores) {
    Floats sums[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
    int64_t i = 0;
    for (; i + WIDTH <= size; i += WIDTH) {
        const Floats q = load(query + i);
        for (int k = 0; k < 4; ++k) sums[k] = fused(q, load(keys[k] + i), sums[k]);
    }
    if (i < size) {
        const Floats none = splat(0.0f), q = load_first(query + i, size - i, none);
        for (int k = 0; k < 4; ++k) sums[k] = fused(q, load_first_or_zeros(keys[k] + i, size - i), sums[k]);
    }
    store_sums(scores, sums);
}

// Scores to weights that sum to 1.
inline void softmax(float* scores, int64_t count) {
    const Floats least = splat(-INFINITY);
    Floats high = least;
    for (int64_t i = 0; i < count; i += WIDTH)
        high = larger(high, count - i < WIDTH ? load_first(scores + i, count - i, least) : load(scores + i));
    const Floats most = splat(largest(high));
    Floats sums = splat(0.0f);
    for (int64_t i = 0; i < count; i += WIDTH) {
        const int64_t left = count - i;
        if (left < WIDTH) {
            const Floats a = exponential(subtract(load_first(scores + i, left, least), most));
            store_first(scores + i, left, a);
            sums = add(sums, a);
        } else {
            const Floats a = exponential(subtract(load(scores + i), most));
            store(scores + i, a);
            sums = add(sums, a);
        }
    }
    const Floats scale = splat(1.0f / sum(sums));
    for (int64_t i = 0; i < count; i += WIDTH) {
        const int64_t left = count - i;
        if (left < WIDTH)
            store_first(scores + i, left, multiply(load_first(scores + i, left, least), scale));
        else
            store(scores + i, multiply(load(scores + i), scale));
    }
}

// The weighted sum of values, COUNT vectors of each.
template <int COUNT, typename Stored>
inline void weighted(const float* weights, const Stored* const* values, int64_t count, int64_t at, float* y,
                     int64_t left) {
    Floats sums[COUNT];
    const Floats none = splat(0.0f);
    for (int v = 0; v < COUNT; ++v) sums[v] = none;
    for (int64_t entry = 0; entry < count; ++entry) {
        const Floats weight = splat(weights[entry]);
        const Stored* value = values[entry] + at;
        for (int v = 0; v < COUNT; ++v)
            sums[v] = fused(weight, left < WIDTH ? load_first_or_zeros(value, left) : load(value + v * WIDTH), sums[v]);
    }
    for (int v = 0; v < COUNT; ++v)
        if (left < WIDTH)
            store_first(y + at, left, sums[v]);
        else
            store(y + at + v * WIDTH, sums[v]);
}

// One query after another.
template <typename Stored>
struct Singly {
    const Attention& a;
    const Stored *const all_keys, *const all_values;
    Scratch<float> weights;
    Scratch<const Stored*> keys, values;  // a query's own

    Singly(const Attention& a, int64_t most)
        : a(a),
          all_keys(static_cast<const Stored*>(a.key)),
          all_values(static_cast<const Stored*>(a.value)),
          weights(most + 4),
          keys(most + 4),
          values(most) {}

    int64_t count(int64_t slot) const { return a.counts ? a.counts[slot] : a.count; }
    int64_t start(int64_t item) const { return item / a.heads * a.slot_stride + item % a.heads * a.head_stride; }

    // All queries of a slot and head.
    void attend(int64_t item) {
        const int64_t first_row = item / a.heads * a.queries, head = item % a.heads;
        for (int64_t query = 0; query < a.queries; ++query) {
            const bool finds = a.past || !query;  // else they are those of the query before
            if (finds) find(item, first_row + query);
            attend_one(first_row + query, head, count(item / a.heads), finds && head + 1 < a.heads);
        }
    }

    void find(int64_t item, int64_t row) {
        const int64_t some = count(item / a.heads), first = start(item);
        for (int64_t i = 0; i < some; ++i) {
            const int64_t entry = a.past ? i * a.queries + a.past[row * a.past_stride + i] : i;
            keys.data[i] = all_keys + first + entry * a.entry_stride;
            values.data[i] = all_values + first + entry * a.entry_stride;
        }
        for (int64_t i = some; i % 4; ++i) keys.data[i] = keys.data[0];
    }

    // What the next head reads for the same query of these entries.
    void ask_for_next_head(int64_t first, int64_t end) const {
        for (int64_t i = first; i < end; ++i)
            for (int64_t at = 0; at < a.head_size; at += 64 / static_cast<int64_t>(sizeof(Stored))) {
                __builtin_prefetch(keys.data[i] + a.head_stride + at, 0, 2);
                __builtin_prefetch(values.data[i] + a.head_stride + at, 0, 2);
            }
    }

    void attend_one(int64_t row, int64_t head, int64_t count, bool asks_for_next_head) {
        const float* query = a.query + row * a.query_stride + head * a.head_size;
        for (int64_t i = 0; i < count; i += 4) {
            if (asks_for_next_head) ask_for_next_head(i, i + 4 < count ? i + 4 : count);
            scores_of_four(query, keys.data + i, a.head_size, weights.data + i);
        }
        softmax(weights.data, count);
        float* y = a.y + (row * a.heads + head) * a.head_size;
        int64_t at = 0;
        for (; at + 4 * WIDTH <= a.head_size; at += 4 * WIDTH)
            weighted<4>(weights.data, values.data, count, at, y, WIDTH);
        for (; at < a.head_size; at += WIDTH) weighted<1>(weights.data, values.data, count, at, y, a.head_size - at);
    }
};

template <typename Stored>
inline void attend_singly(const Attention& a, int64_t threads) {
    int64_t most = a.count;
    for (int64_t slot = 0; a.counts && slot < a.slots; ++slot) most = a.counts[slot] > most ? a.counts[slot] : most;
    const int64_t work = a.queries * most;
    const int64_t grain = 1 + 512 / (work > 0 ? work : 1);  // what takes less time than waking a thread is done alone
    share(a.slots * a.heads, grain, threads, [&](int64_t first_item, int64_t last_item) {
        Singly<Stored> singly(a, most);
        for (int64_t item = first_item; item < last_item; ++item) singly.attend(item);
    });
}

constexpr int64_t MANY = 24;   // queries that are worth laying the keys and values out as weights of a product
constexpr int64_t CHUNK = 48;  // queries whose weights are in memory at once

// Queries of one slot and head as two products: with the keys, and with the values.
struct Matrices {
    const Attention& a;
    const float *const all_keys, *const all_values;
    const int64_t count, keys_size, values_size;
    Scratch<float> keys, values, rows, queries, weights, results;

    explicit Matrices(const Attention& a)
        : a(a),
          all_keys(static_cast<const float*>(a.key)),
          all_values(static_cast<const float*>(a.value)),
          count(a.count),
          keys_size(panels(a.count) * PANEL * a.head_size),
          values_size(panels(a.head_size) * PANEL * a.count),
          keys(keys_size),
          values(values_size),
          rows((a.count > a.head_size ? a.count : a.head_size) * a.head_size),
          queries(CHUNK * a.head_size),
          weights(CHUNK * a.count),
          results(CHUNK * a.head_size) {}

    void attend(int64_t slot, int64_t head) {
        const int64_t start = slot * a.slot_stride + head * a.head_stride;
        copy_rows(rows.data, all_keys + start, a.entry_stride, count, a.head_size);
        const Weight to_scores{keys.data, nullptr, nullptr, nullptr, a.head_size, count, NONE, FLOAT32};
        pack(rows.data, &to_scores, 1);
        for (int64_t panel = 0; panel < panels(a.head_size); ++panel)
            for (int64_t entry = 0; entry < count; ++entry) {
                const int64_t at = panel * PANEL, left = a.head_size - at < PANEL ? a.head_size - at : PANEL;
                float* to = values.data + (panel * count + entry) * PANEL;
                std::memcpy(to, all_values + start + entry * a.entry_stride + at, left * sizeof(float));
                std::memset(to + left, 0, (PANEL - left) * sizeof(float));
            }
        const Weight to_results{values.data, nullptr, nullptr, nullptr, count, a.head_size, NONE, FLOAT32};
        for (int64_t first_query = 0; first_query < a.queries; first_query += CHUNK) {
            const int64_t some = a.queries - first_query < CHUNK ? a.queries - first_query : CHUNK;
            const int64_t row = slot * a.queries + first_query;
            copy_rows(queries.data, a.query + row * a.query_stride + head * a.head_size, a.query_stride, some,
                      a.head_size);
            multiply_rows(to_scores, queries.data, weights.data, some);
            for (int64_t query = 0; query < some; ++query) softmax(weights.data + query * count, count);
            multiply_rows(to_results, weights.data, results.data, some);
            for (int64_t query = 0; query < some; ++query)
                std::memcpy(a.y + ((row + query) * a.heads + head) * a.head_size, results.data + query * a.head_size,
                            a.head_size * sizeof(float));
        }
    }
};

static void attention(const Attention* arguments, int64_t threads) {
    const Attention& a = *arguments;
    if (a.precision == BFLOAT16) return attend_singly<uint16_t>(a, threads);
    if (a.queries < MANY || a.past || a.counts) return attend_singly<float>(a, threads);
    share(a.slots * a.heads, 1, threads, [&](int64_t first_item, int64_t last_item) {
        Matrices matrices(a);
        for (int64_t item = first_item; item < last_item; ++item) matrices.attend(item / a.heads, item % a.heads);
    });
}
