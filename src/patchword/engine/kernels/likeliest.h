// The likeliest tokens of every row, with their log-probabilities: of logits, or of a projection whose logits are never
// all in memory.
//
// Logits are gone through in stretches of one length, each with the sum of its own exponentials. So a row's result
// depends neither on the number of threads nor on where its logits come from.

constexpr int64_t STRETCH = 512;  // tokens; whole panels
constexpr int64_t BLOCK = 64;     // tokens whose largest logit stands for them at first

inline int64_t stretches(int64_t outputs) { return (outputs + STRETCH - 1) / STRETCH; }

struct Candidate {
    float logit;
    int64_t token;
};

inline bool comes_before(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

inline float largest_of(const float* logits, int64_t count) {
    const Floats least = splat(-INFINITY);
    Floats high = least;
    for (int64_t i = 0; i < count; i += WIDTH)
        high = larger(high, count - i < WIDTH ? load_first(logits + i, count - i, least) : load(logits + i));
    return largest(high);
}

// The largest of some logits, and the sum of exp(logit - most).
struct Total {
    float most, sum;
};

inline Total total_of(const float* logits, int64_t count) {
    const float most = largest_of(logits, count);
    const Floats least = splat(-INFINITY), offset = splat(most == -INFINITY ? 0.0f : most);
    Floats sums = splat(0.0f);
    for (int64_t i = 0; i < count; i += WIDTH) {
        const int64_t left = count - i;
        const Floats a = left < WIDTH ? load_first(logits + i, left, least) : load(logits + i);
        sums = add(sums, exponential(subtract(a, offset)));
    }
    return {most, sum(sums)};
}

// The same over all stretches. The sum is no number where a logit is none, and 0 where all are minus infinity.
inline Total total_of(const Total* totals, int64_t count) {
    Total all{-INFINITY, 0.0f};
    for (int64_t i = 0; i < count; ++i) all.most = totals[i].most > all.most ? totals[i].most : all.most;
    for (int64_t i = 0; i < count; ++i)
        all.sum += totals[i].most == all.most ? totals[i].sum : totals[i].sum * std::exp(totals[i].most - all.most);
    return all;
}

// The `wanted` likeliest tokens so far of a row, of which the least likely is the first (a heap). Logits come in the
// order of their tokens.
struct Best {
    Candidate* found;
    const int64_t wanted;
    int64_t& count;

    void offer(const float* logits, int64_t first_token, int64_t length, float most) const {
        if (count == wanted && !(most > found->logit)) return;
        for (int64_t begin = 0; begin < length; begin += BLOCK) {
            const int64_t some = length - begin < BLOCK ? length - begin : BLOCK;
            if (count == wanted && !(largest_of(logits + begin, some) > found->logit)) continue;
            for (int64_t i = begin; i < begin + some; ++i) put({logits[i], first_token + i});
        }
    }

    void put(const Candidate& candidate) const {
        if (count == wanted) {
            if (!comes_before(candidate, *found)) return;
            std::pop_heap(found, found + count--, comes_before);
        }
        found[count++] = candidate;
        std::push_heap(found, found + count, comes_before);
    }
};

// What is known of every row and stretch. The best of several stretches are kept together, in one of some places.
struct Survey {
    const Likeliest& l;
    const int64_t count, places;
    Scratch<Total> totals;        // (rows, stretches)
    Scratch<Candidate> best;      // (places, rows, wanted)
    Scratch<int64_t> best_count;  // (places, rows)

    Survey(const Likeliest& l, int64_t places)
        : l(l),
          count(stretches(l.outputs)),
          places(places),
          totals(l.rows * count),
          best(places * l.rows * l.wanted),
          best_count(places * l.rows) {
        std::fill_n(best_count.data, places * l.rows, 0);
    }

    int64_t length(int64_t stretch) const {
        const int64_t left = l.outputs - stretch * STRETCH;
        return left < STRETCH ? left : STRETCH;
    }

    // A row's logits in a stretch, the best of which are kept in a place.
    void add(int64_t row, int64_t stretch, float* logits, int64_t place) const {
        const int64_t first_token = stretch * STRETCH, some = length(stretch);
        const auto exclude = [&] {
            for (int64_t i = 0; i < l.never_count; ++i)
                if (l.never[i] >= first_token && l.never[i] < first_token + some)
                    logits[l.never[i] - first_token] = -INFINITY;
        };
        if (l.renormalise) exclude();
        const Total total = totals.data[row * count + stretch] = total_of(logits, some);
        if (!l.renormalise) exclude();
        const int64_t at = place * l.rows + row;
        Best{best.data + at * l.wanted, l.wanted, best_count.data[at]}.offer(logits, first_token, some, total.most);
    }

    void conclude(int64_t row, Candidate* all) const {
        float* log_probability = l.log_probability + row * l.wanted;
        int64_t* token = l.token + row * l.wanted;
        const Total total = total_of(totals.data + row * count, count);
        const float rest = std::log(total.sum);
        int64_t found = 0;
        for (int64_t place = 0; place < places; ++place) {
            const int64_t at = place * l.rows + row;
            for (int64_t i = 0; i < best_count.data[at]; ++i) all[found++] = best.data[at * l.wanted + i];
        }
        const bool ordered = std::isfinite(rest);  // what is no number has no order
        if (ordered) std::partial_sort(all, all + l.wanted, all + found, comes_before);
        for (int64_t i = 0; i < l.wanted; ++i) {
            log_probability[i] = ordered ? all[i].logit - total.most - rest : NAN;
            token[i] = ordered ? all[i].token : i;
        }
    }

    void conclude(int64_t threads) const {
        share(l.rows, 8, threads, [&](int64_t begin, int64_t end) {
            Scratch<Candidate> all(places * l.wanted);
            for (int64_t row = begin; row < end; ++row) conclude(row, all.data);
        });
    }
};

static void likeliest(const Likeliest* arguments, int64_t threads) {
    const Likeliest& l = *arguments;
    const Survey survey(l, 1);
    share(l.rows, 1, threads, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row)
            for (int64_t stretch = 0; stretch < survey.count; ++stretch)
                survey.add(row, stretch, l.logits + row * l.outputs + stretch * STRETCH, 0);
    });
    survey.conclude(threads);
}

static void project_likeliest(const Weight* weight, const float* x, const Likeliest* arguments, int64_t threads) {
    static_assert(STRETCH % PANEL == 0 && STRETCH % BLOCK == 0, "stretches are whole panels and blocks");
    const Weight& w = *weight;
    const Likeliest& l = *arguments;
    const Survey survey(l, stretches(l.outputs));  // a thread's are kept with the first of them
    in_format(w, [&](auto format) {
        const typename decltype(format)::Rows input(w, x, l.rows, threads);
        share(survey.count, 1, threads, [&](int64_t first, int64_t last) {
            const Multiplication<decltype(format)> multiplication(w, input, l.rows);
            Scratch<float> logits(l.rows * STRETCH);
            for (int64_t stretch = first; stretch < last; ++stretch) {
                const Results results{logits.data, STRETCH, stretch * STRETCH};
                const int64_t begin = stretch * STRETCH / PANEL, end = begin + panels(survey.length(stretch));
                for (int64_t panel = begin; panel < end; ++panel) multiplication.run(panel, results);
                for (int64_t row = 0; row < l.rows; ++row) survey.add(row, stretch, logits.data + row * STRETCH, first);
            }
        });
    });
    survey.conclude(threads);
}
