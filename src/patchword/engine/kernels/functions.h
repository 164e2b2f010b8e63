// exp and the activations of nn.feed_forward, a vector at a time.

// e^x to within 2 units in the last place: x = n ln 2 + r, and a polynomial for e^r with |r| <= ln 2 / 2.
inline Floats exponential(Floats x) {
    x = smaller(splat(88.7228f), larger(splat(-104.0f), x));  // the second argument wins where one is not a number
    const Floats whole = nearest(multiply(x, splat(1.44269504088896341f)));
    Floats r = fused(whole, splat(-0.693359375f), x);
    r = fused(whole, splat(2.12194440e-4f), r);
    Floats p = splat(1.0f / 5040.0f);
    p = fused(p, r, splat(1.0f / 720.0f));
    p = fused(p, r, splat(1.0f / 120.0f));
    p = fused(p, r, splat(1.0f / 24.0f));
    p = fused(p, r, splat(1.0f / 6.0f));
    p = fused(p, r, splat(0.5f));
    p = fused(p, r, splat(1.0f));
    p = fused(p, r, splat(1.0f));
    return times_power_of_two(p, whole);
}

inline Floats sigmoid(Floats x) { return divide(splat(1.0f), add(splat(1.0f), exponential(subtract(splat(0.0f), x)))); }

// The error function to within 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26).
inline Floats error_function(Floats x) {
    const Floats size = with_sign_of(x, splat(0.0f));  // |x|
    const Floats t = divide(splat(1.0f), fused(size, splat(0.3275911f), splat(1.0f)));
    Floats p = splat(1.061405429f);
    p = fused(p, t, splat(-1.453152027f));
    p = fused(p, t, splat(1.421413741f));
    p = fused(p, t, splat(-0.284496736f));
    p = fused(p, t, splat(0.254829592f));
    const Floats tail = exponential(subtract(splat(0.0f), multiply(size, size)));
    return with_sign_of(subtract(splat(1.0f), multiply(multiply(p, t), tail)), x);
}

template <int ACTIVATION>
inline Floats activated(Floats x) {
    if constexpr (ACTIVATION == RELU) return larger(splat(0.0f), x);
    if constexpr (ACTIVATION == SILU) return multiply(x, sigmoid(x));
    if constexpr (ACTIVATION == GELU) {
        const Floats half = multiply(x, splat(0.5f));
        return fused(half, error_function(multiply(x, splat(0.70710678118654752f))), half);
    }
    if constexpr (ACTIVATION == GELU_TANH) {  // 0.5 (1 + tanh z) = sigmoid(2 z)
        const Floats cube = multiply(multiply(x, x), x);
        const Floats z = multiply(fused(cube, splat(0.044715f), x), splat(1.59576912160573071f));
        return multiply(x, sigmoid(z));
    }
    return x;
}
