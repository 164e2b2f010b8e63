"""What is told of the steps that layers of attention and feed-forward networks have, whatever goes through them."""

from patchword.explain.walk_told import DOSOVITSKIY, VASWANI, XIONG, Told

LAYER_TEXTS: dict[str, Told] = {
    "query": Told(
        ("Queries", "查询"),
        (
            "Each position's question: its vector times the head's matrix of queries.",
            "每个位置提出的“问题”：它的向量乘以该注意力头的查询矩阵。",
        ),
        f"{VASWANI}, 3.2.2",
        "QW_i^Q",
    ),
    "key": Told(
        ("Keys", "键"),
        (
            "What each position offers to be found by: its vector times the head's matrix of keys.",
            "每个位置供别人匹配的“键”：它的向量乘以该注意力头的键矩阵。",
        ),
        f"{VASWANI}, 3.2.2",
        "KW_i^K",
    ),
    "value": Told(
        ("Values", "值"),
        (
            "What each position hands over when it is attended to: its vector times the head's matrix of values.",
            "每个位置被关注时交出的内容：它的向量乘以该注意力头的值矩阵。",
        ),
        f"{VASWANI}, 3.2.2",
        "VW_i^V",
    ),
    "cross_attention.query": Told(
        ("Queries, from the decoder", "来自解码器的查询"),
        (
            "In encoder-decoder attention each target position asks what it needs of the source.",
            "在编码器—解码器注意力中，每个目标位置询问它需要源句中的什么。",
        ),
        f"{VASWANI}, 3.2.2 and 3.2.3",
        "QW_i^Q",
    ),
    "cross_attention.key": Told(
        ("Keys, from the encoder", "来自编码器的键"),
        (
            "The encoder's output, one vector a source piece, times the head's matrix of keys.",
            "编码器的输出（每个源词片一个向量）乘以该注意力头的键矩阵。",
        ),
        f"{VASWANI}, 3.2.2 and 3.2.3",
        "KW_i^K",
    ),
    "cross_attention.value": Told(
        ("Values, from the encoder", "来自编码器的值"),
        (
            "What each source piece hands over to the target positions that attend to it.",
            "每个源词片交给关注它的目标位置的内容。",
        ),
        f"{VASWANI}, 3.2.2 and 3.2.3",
        "VW_i^V",
    ),
    "scores": Told(
        ("Scores", "分数"),
        (
            "How well each query (row) fits each key (column): their dot product, divided by the root of the head's "
            "width so that the softmax does not saturate.",
            "每个查询（行）与每个键（列）的匹配程度：两者的点积除以头宽度的平方根，以免 softmax 饱和。",
        ),
        f"{VASWANI}, 3.2.1, equation 1",
        "QKᵀ / √d_k",
    ),
    "mask": Told(
        ("The mask", "掩码"),
        (
            "1 where a position may look, 0 where it may not: no position sees those after it, since these are not "
            "yet written. Scores at a 0 are set to −∞ before the softmax.",
            "1 表示可以看，0 表示不可以看：任何位置都看不到它后面的位置，因为它们还没有写出来。"
            "0 处的分数在 softmax 之前设为 −∞。",
        ),
        f"{VASWANI}, 3.2.3",
        "scoreᵢⱼ ← −∞ where j > i",
    ),
    "weights": Told(
        ("Attention weights", "注意力权重"),
        (
            "The softmax makes shares of the scores: each row sums to 1 and says where its position looks.",
            "softmax 把分数变成份额：每一行之和为 1，表示该位置在看哪里。",
        ),
        f"{VASWANI}, 3.2.1, equation 1",
        "softmax(QKᵀ / √d_k)",
    ),
    "weighted_values": Told(
        ("Weighted values", "加权的值"),
        (
            "Each position's mean of all values, weighted by where it looks: what this head found.",
            "每个位置按其注意力对所有值求加权平均：这就是该注意力头找到的内容。",
        ),
        f"{VASWANI}, 3.2.1, equation 1",
        "softmax(QKᵀ / √d_k) V",
    ),
    "self_attention.output": Told(
        ("All heads together", "合并所有头"),
        (
            "What the heads found stands side by side and goes through one more matrix, back to the model's width.",
            "各个头找到的内容并排放置，再乘以一个矩阵，回到模型的宽度。",
        ),
        f"{VASWANI}, 3.2.2",
        "Concat(head₁, …, head_h) W^O",
    ),
    "cross_attention.output": Told(
        ("All heads together", "合并所有头"),
        (
            "What the heads found in the source stands side by side and goes through one more matrix.",
            "各个头在源句中找到的内容并排放置，再乘以一个矩阵。",
        ),
        f"{VASWANI}, 3.2.2 and 3.2.3",
        "Concat(head₁, …, head_h) W^O",
    ),
    "sum": Told(
        ("Residual sum", "残差相加"),
        (
            "The sublayer's input is added to its output, so a layer only has to learn what it changes.",
            "把子层的输入加到它的输出上，这样每一层只需学习要改变的部分。",
        ),
        f"{VASWANI}, 3.1",
        "x + Sublayer(x)",
    ),
    "norm": Told(
        ("Layer norm", "层归一化"),
        (
            "Each position's vector is brought to mean 0 and deviation 1, then scaled and shifted by learned numbers.",
            "把每个位置的向量变为均值 0、标准差 1，再用学到的数缩放和平移。",
        ),
        f"{VASWANI}, 3.1",
        "LayerNorm(x + Sublayer(x))",
    ),
    "norm_before": Told(
        ("Layer norm, before the sublayer", "子层之前的层归一化"),
        (
            "Each position's vector is brought to mean 0 and deviation 1, then scaled and shifted by learned numbers; "
            "the sublayer reads this.",
            "把每个位置的向量变为均值 0、标准差 1，再用学到的数缩放和平移；子层读取的就是它。",
        ),
        f"{XIONG}, table 1",
        "LayerNorm(x)",
    ),
    "sum_of_norm_before": Told(
        ("Residual sum", "残差相加"),
        (
            "The sublayer's input, as it was before the norm, is added to its output.",
            "把子层的输入（归一化之前的）加到它的输出上。",
        ),
        f"{XIONG}, table 1",
        "x + Sublayer(LayerNorm(x))",
    ),
    "layer_scale": Told(
        ("Layer scale", "层缩放"),
        (
            "The sublayer's output times a learned factor for each channel.",
            "子层的输出乘以每个通道各自学到的系数。",
        ),
        "Touvron et al. 2021 (CaiT), 2",
        "diag(λ₁, …, λ_d) · Sublayer(x)",
    ),
    "inner": Told(
        ("Feed-forward, the inner layer", "前馈网络的内层"),
        (
            "Each position alone: its vector times a matrix that makes it several times wider.",
            "每个位置单独计算：它的向量乘以一个矩阵，变宽数倍。",
        ),
        f"{VASWANI}, 3.3, equation 2",
        "xW₁ + b₁",
    ),
    "relu": Told(
        ("ReLU", "ReLU"),
        (
            "What is below 0 becomes 0: each number of the inner layer is a detector that is off or on to some degree.",
            "小于 0 的变为 0：内层的每个数都像一个检测器，要么关闭，要么以某种程度打开。",
        ),
        f"{VASWANI}, 3.3, equation 2",
        "max(0, xW₁ + b₁)",
    ),
    "gelu": Told(
        ("GELU", "GELU"),
        (
            "A smooth ReLU: each number times the share of a normal distribution that lies below it.",
            "平滑的 ReLU：每个数乘以正态分布中小于它的比例。",
        ),
        "Hendrycks & Gimpel 2016, 2",
        "GELU(x) = x Φ(x)",
    ),
    "gelu_tanh": Told(
        ("GELU, its tanh form", "GELU（tanh 近似）"),
        (
            "A smooth ReLU, computed by way of tanh.",
            "平滑的 ReLU，用 tanh 近似计算。",
        ),
        "Hendrycks & Gimpel 2016, 2",
        "0.5x (1 + tanh(√(2/π) (x + 0.044715x³)))",
    ),
    "silu": Told(
        ("SiLU", "SiLU"),
        (
            "A smooth ReLU: each number times its own sigmoid, also called swish.",
            "平滑的 ReLU：每个数乘以它自己的 sigmoid，也叫 swish。",
        ),
        "Hendrycks & Gimpel 2016; Ramachandran et al. 2017",
        "x σ(x)",
    ),
    "swiglu": Told(
        ("SwiGLU", "SwiGLU"),
        (
            "One half of the inner layer, through SiLU, decides how much of the other half goes on.",
            "内层的一半经过 SiLU 后，决定另一半有多少能通过。",
        ),
        "Shazeer 2020, equation 6",
        "silu(xW) ⊙ xV",
    ),
    "feed_forward.output": Told(
        ("Feed-forward, the output", "前馈网络的输出"),
        (
            "A second matrix brings each position back to the model's width.",
            "第二个矩阵把每个位置变回模型的宽度。",
        ),
        f"{VASWANI}, 3.3, equation 2",
        "max(0, xW₁ + b₁) W₂ + b₂",
    ),
    "encoder.norm": Told(
        ("The encoder's last norm", "编码器最后的归一化"),
        (
            "Where norms stand before the sublayers, the sum of all of them is normed once more at the end.",
            "当归一化位于子层之前时，所有子层之和在最后再归一化一次。",
        ),
        f"{XIONG}, table 1",
        "LayerNorm(x)",
    ),
    "decoder.norm": Told(
        ("The decoder's last norm", "解码器最后的归一化"),
        (
            "Where norms stand before the sublayers, the sum of all of them is normed once more at the end.",
            "当归一化位于子层之前时，所有子层之和在最后再归一化一次。",
        ),
        f"{XIONG}, table 1",
        "LayerNorm(x)",
    ),
}

_MSA = "z′_ℓ = MSA(LN(z_ℓ₋₁)) + z_ℓ₋₁"
_MLP = "z_ℓ = MLP(LN(z′_ℓ)) + z′_ℓ"

# Paper and formula of the same steps where what goes through the layers is an image.
IMAGE_SOURCES: dict[str, tuple[str, str]] = {
    "self_attention.norm_before": (f"{DOSOVITSKIY}, 3.1, equation 2", "LN(z_ℓ₋₁)"),
    "query": (f"{DOSOVITSKIY}, A, equation 5; {VASWANI}, 3.2.2", "[q, k, v] = z U_qkv"),
    "key": (f"{DOSOVITSKIY}, A, equation 5; {VASWANI}, 3.2.2", "[q, k, v] = z U_qkv"),
    "value": (f"{DOSOVITSKIY}, A, equation 5; {VASWANI}, 3.2.2", "[q, k, v] = z U_qkv"),
    "scores": (f"{DOSOVITSKIY}, A, equation 6; {VASWANI}, 3.2.1, equation 1", "q kᵀ / √D_h"),
    "weights": (f"{DOSOVITSKIY}, A, equation 6; {VASWANI}, 3.2.1, equation 1", "A = softmax(q kᵀ / √D_h)"),
    "weighted_values": (f"{DOSOVITSKIY}, A, equation 7; {VASWANI}, 3.2.1, equation 1", "SA(z) = A v"),
    "self_attention.output": (
        f"{DOSOVITSKIY}, A, equation 8; {VASWANI}, 3.2.2",
        "MSA(z) = [SA₁(z); SA₂(z); …; SA_k(z)] U_msa",
    ),
    "self_attention.sum_of_norm_before": (f"{DOSOVITSKIY}, 3.1, equation 2", _MSA),
    "feed_forward.norm_before": (f"{DOSOVITSKIY}, 3.1, equation 3", "LN(z′_ℓ)"),
    "inner": (f"{DOSOVITSKIY}, 3.1, equation 3; {VASWANI}, 3.3, equation 2", "xW₁ + b₁"),
    "gelu": (f"{DOSOVITSKIY}, 3.1; Hendrycks & Gimpel 2016, 2", "GELU(x) = x Φ(x)"),
    "feed_forward.output": (
        f"{DOSOVITSKIY}, 3.1, equation 3; {VASWANI}, 3.3, equation 2",
        "MLP(x) = GELU(xW₁ + b₁) W₂ + b₂",
    ),
    "feed_forward.sum_of_norm_before": (f"{DOSOVITSKIY}, 3.1, equation 3", _MLP),
    "encoder.norm": (f"{DOSOVITSKIY}, 3.1, equation 4", "LN(z_L)"),
}
