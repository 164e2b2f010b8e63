// The likeliest tokens of every row of logits, with their log-probabilities.

constexpr long BLOCK = 64;  // tokens whose largest logit stands for them at first

struct Candidate {
    float logit;
    int64_t token;
};

inline bool comes_before(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

inline float largest_of(const float* logits, long count) {
    const Floats least = splat(-INFINITY);
    Floats high = least;
    for (long i = 0; i < count; i += WIDTH)
        high = larger(high, count - i < WIDTH ? load_first(logits + i, count - i, least) : load(logits + i));
    return largest(high);
}

// log of the sum of exp(logit - most)
inline float log_of_sum(const float* logits, long count, float most) {
    const Floats least = splat(-INFINITY), offset = splat(most);
    Floats sums = splat(0.0f);
    for (long i = 0; i < count; i += WIDTH) {
        const long left = count - i;
        const Floats a = left < WIDTH ? load_first(logits + i, left, least) : load(logits + i);
        sums = add(sums, exponential(subtract(a, offset)));
    }
    return std::log(sum(sums));
}

inline void likeliest_of_row(const Likeliest& l, long row, Candidate* blocks, Candidate* found) {
    float* logits = l.logits + row * l.outputs;
    const auto exclude = [&] {
        for (long i = 0; i < l.never_count; ++i) logits[l.never[i]] = -INFINITY;
    };
    if (l.renormalise) exclude();
    const float most = largest_of(logits, l.outputs), rest = log_of_sum(logits, l.outputs, most);
    if (!std::isfinite(rest)) {  // what is no number has no order
        for (long i = 0; i < l.wanted; ++i) {
            l.log_probability[row * l.wanted + i] = NAN;
            l.token[row * l.wanted + i] = i;
        }
        return;
    }
    if (!l.renormalise) exclude();
    const long block_count = (l.outputs + BLOCK - 1) / BLOCK;
    for (long block = 0; block < block_count; ++block) {
        const long first_token = block * BLOCK, left = l.outputs - first_token;
        blocks[block] = {largest_of(logits + first_token, left < BLOCK ? left : BLOCK), block};
    }
    // The `wanted` likeliest tokens are in the `wanted` blocks with the largest logits.
    const long chosen = l.wanted < block_count ? l.wanted : block_count;
    std::partial_sort(blocks, blocks + chosen, blocks + block_count, comes_before);
    long count = 0;
    for (long i = 0; i < chosen; ++i)
        for (long token = blocks[i].token * BLOCK; token < (blocks[i].token + 1) * BLOCK && token < l.outputs; ++token)
            found[count++] = {logits[token], token};
    std::partial_sort(found, found + l.wanted, found + count, comes_before);
    for (long i = 0; i < l.wanted; ++i) {
        l.log_probability[row * l.wanted + i] = found[i].logit - most - rest;
        l.token[row * l.wanted + i] = found[i].token;
    }
}

static void likeliest(const Likeliest* arguments, int64_t threads) {
    const Likeliest& l = *arguments;
    share(l.rows, 1, threads, [&](long begin, long end) {
        Scratch<Candidate> blocks(l.outputs / BLOCK + 1), found(l.wanted * BLOCK + BLOCK);
        for (long row = begin; row < end; ++row) likeliest_of_row(l, row, blocks.data, found.data);
    });
}
