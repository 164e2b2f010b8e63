"""Papers and formulas of steps of attention and feed-forward networks where an image goes through them."""

from patchword.explain.walk_told import DOSOVITSKIY, TOUVRON_CAIT, VASWANI

_SCALED = f"{DOSOVITSKIY}, 3.1, equation {{}}; {TOUVRON_CAIT}, 2"
_MSA = "z′_ℓ = MSA(LN(z_ℓ₋₁)) + z_ℓ₋₁"
_MLP = "z_ℓ = MLP(LN(z′_ℓ)) + z′_ℓ"

# By names of steps, as `walk_layer_texts` has them.
IMAGE_SOURCES: dict[str, tuple[str, str]] = {
    "self_attention.norm_before": (f"{DOSOVITSKIY}, 3.1, equation 2", "LN(z_ℓ₋₁)"),
    "query": (f"{DOSOVITSKIY}, A, equation 5; {VASWANI}, 3.2.2", "[q, k, v] = z U_qkv + b"),
    "key": (f"{DOSOVITSKIY}, A, equation 5; {VASWANI}, 3.2.2", "[q, k, v] = z U_qkv + b"),
    "value": (f"{DOSOVITSKIY}, A, equation 5; {VASWANI}, 3.2.2", "[q, k, v] = z U_qkv + b"),
    "scores": (f"{DOSOVITSKIY}, A, equation 6; {VASWANI}, 3.2.1, equation 1", "q kᵀ / √D_h"),
    "weights": (f"{DOSOVITSKIY}, A, equation 6; {VASWANI}, 3.2.1, equation 1", "A = softmax(q kᵀ / √D_h)"),
    "weighted_values": (f"{DOSOVITSKIY}, A, equation 7; {VASWANI}, 3.2.1, equation 1", "SA(z) = A v"),
    "self_attention.output": (
        f"{DOSOVITSKIY}, A, equation 8; {VASWANI}, 3.2.2",
        "MSA(z) = [SA₁(z); SA₂(z); …; SA_k(z)] U_msa + b",
    ),
    "self_attention.sum_of_norm_before": (f"{DOSOVITSKIY}, 3.1, equation 2", _MSA),
    "self_attention.scaled_sum_of_norm_before": (_SCALED.format(2), "z′_ℓ = λ ⊙ MSA(LN(z_ℓ₋₁)) + z_ℓ₋₁"),
    "feed_forward.scaled_sum_of_norm_before": (_SCALED.format(3), "z_ℓ = λ ⊙ MLP(LN(z′_ℓ)) + z′_ℓ"),
    "feed_forward.norm_before": (f"{DOSOVITSKIY}, 3.1, equation 3", "LN(z′_ℓ)"),
    "inner": (f"{DOSOVITSKIY}, 3.1, equation 3; {VASWANI}, 3.3, equation 2", "xW₁ + b₁"),
    "gelu": (f"{DOSOVITSKIY}, 3.1; Hendrycks & Gimpel 2016, 2", "GELU(x) = x Φ(x)"),
    "feed_forward.output": (
        f"{DOSOVITSKIY}, 3.1, equation 3; {VASWANI}, 3.3, equation 2",
        "MLP(x) = a W₂ + b₂",
    ),
    "feed_forward.sum_of_norm_before": (f"{DOSOVITSKIY}, 3.1, equation 3", _MLP),
    "encoder.norm": (f"{DOSOVITSKIY}, 3.1, equation 4", "LN(z_L)"),
}
