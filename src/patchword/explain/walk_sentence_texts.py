"""What is told of the steps that only sentences go through: pieces and words, positions, recurrent layers."""

from patchword.explain.walk_told import BAHDANAU, CHO, GERS, HOCHREITER, LUONG, VASWANI, Told

SENTENCE_TEXTS: dict[str, Told] = {
    "source.pieces": Told(
        ("Pieces and their ids", "词片及其编号"),
        (
            "The sentence is cut into pieces of the vocabulary; from here on each is a number, its place in it.",
            "句子被切成词表中的词片；从这里开始，每个词片就是一个数，即它在词表中的编号。",
        ),
        f"{VASWANI}, 5.1",
    ),
    "target.pieces": Told(
        ("The decoder's input, shifted right", "右移一位的解码器输入"),
        (
            "The decoder writes one piece at a time and reads those before it: the start token, then what it has "
            "written so far.",
            "解码器一次写一个词片，并读取在它之前的词片：先是起始符，然后是已经写出的内容。",
        ),
        f"{VASWANI}, 3.1 and figure 1",
    ),
    "embedding": Told(
        ("Embeddings", "词嵌入"),
        (
            "Each id is a row of a learned table: a vector that stands for the piece.",
            "每个编号对应一张学到的表中的一行：代表该词片的向量。",
        ),
        f"{VASWANI}, 3.4; {BAHDANAU}, A.2.1",
        "E[x]",
    ),
    "scaled_embedding": Told(
        ("Embeddings times √d_model", "词嵌入乘以 √d_model"),
        (
            "The vectors are made as large as the positions that are added to them.",
            "放大向量，使其与将要加上的位置编码大小相当。",
        ),
        f"{VASWANI}, 3.4",
        "√d_model · E[x]",
    ),
    "sinusoids": Told(
        ("Positional encoding", "位置编码"),
        (
            "Attention alone does not know the order. So each position (row) has its own pattern of sines and "
            "cosines, from fast waves on the left to slow ones on the right.",
            "单靠注意力无法知道顺序。因此每个位置（行）都有自己的正弦和余弦图案，从左边的快波到右边的慢波。",
        ),
        f"{VASWANI}, 3.5",
        "PE(pos, 2i) = sin(pos / 10000^(2i/d_model)), PE(pos, 2i+1) = cos(pos / 10000^(2i/d_model))",
    ),
    "sinusoids_in_halves": Told(
        ("Positional encoding, in halves", "分两半的位置编码"),
        (
            "Each position (row) has its own pattern of waves; here all sines stand before all cosines.",
            "每个位置（行）都有自己的波形图案；这里所有正弦都排在所有余弦之前。",
        ),
        f"{VASWANI}, 3.5",
        "PE(pos, i) = sin(pos / 10000^(2i/d_model)), PE(pos, d_model/2 + i) = cos(pos / 10000^(2i/d_model))",
    ),
    "learned_positions": Told(
        ("Learned positions", "学到的位置"),
        (
            "Each position has a vector of its own, which was learned.",
            "每个位置都有自己的、学习得到的向量。",
        ),
        f"{VASWANI}, 3.5 and table 3, row E",
    ),
    "positions_added": Told(
        ("Embeddings plus positions", "词嵌入加位置"),
        (
            "The sum says which piece and where; it is what the first layer reads.",
            "两者之和同时表示“是什么词片”和“在哪里”；第一层读取的就是它。",
        ),
        f"{VASWANI}, 3.4 and 3.5",
        "√d_model · E[x] + PE",
    ),
    "output.probabilities": Told(
        ("Linear and softmax: the next word", "线性层与 softmax：下一个词"),
        (
            "The last vector times a matrix gives each piece of the vocabulary a number, and softmax makes "
            "probabilities of them. One piece is written at a time, until the end token or the limit.",
            "最后的向量乘以一个矩阵，给词表中每个词片一个数，softmax 再把它们变成概率。"
            "每次写出一个词片，直到结束符或长度上限。",
        ),
        f"{VASWANI}, 3.4; {LUONG}, equation 6",
        "p(y_t | y_<t, x) = softmax(h_t W)",
    ),
    "lstm.input_gate": Told(
        ("LSTM: input gate", "LSTM：输入门"),
        (
            "How much of what is new each cell takes in, between 0 (nothing) and 1 (all).",
            "每个单元接收多少新内容，介于 0（完全不）和 1（全部）之间。",
        ),
        f"{HOCHREITER}, 4",
        "i_t = σ(W_i x_t + U_i h_t₋₁ + b_i)",
    ),
    "lstm.forget_gate": Told(
        ("LSTM: forget gate", "LSTM：遗忘门"),
        (
            "How much of its memory each cell keeps, between 0 (forget) and 1 (keep).",
            "每个单元保留多少记忆，介于 0（遗忘）和 1（保留）之间。",
        ),
        f"{GERS}, 3",
        "f_t = σ(W_f x_t + U_f h_t₋₁ + b_f)",
    ),
    "lstm.candidate": Told(
        ("LSTM: what is new", "LSTM：新内容"),
        (
            "What the input would write into each cell, before the input gate.",
            "经过输入门之前，输入想写进每个单元的内容。",
        ),
        f"{HOCHREITER}, 4",
        "g_t = tanh(W_g x_t + U_g h_t₋₁ + b_g)",
    ),
    "lstm.cell": Told(
        ("LSTM: memory cells", "LSTM：记忆单元"),
        (
            "What is kept of the old memory plus what is let in of the new: the memory after each piece (row).",
            "保留下来的旧记忆加上放进来的新内容：读完每个词片（行）之后的记忆。",
        ),
        f"{HOCHREITER}, 4; {GERS}, 3",
        "c_t = f_t ⊙ c_t₋₁ + i_t ⊙ g_t",
    ),
    "lstm.output_gate": Told(
        ("LSTM: output gate", "LSTM：输出门"),
        (
            "How much of its memory each cell shows.",
            "每个单元展示多少记忆。",
        ),
        f"{HOCHREITER}, 4",
        "o_t = σ(W_o x_t + U_o h_t₋₁ + b_o)",
    ),
    "lstm.hidden": Told(
        ("LSTM: hidden states", "LSTM：隐藏状态"),
        (
            "What the layer says after each piece (row), and reads again with the next one.",
            "该层在每个词片（行）之后给出的状态，读下一个词片时还会用到。",
        ),
        f"{HOCHREITER}, 4",
        "h_t = o_t ⊙ tanh(c_t)",
    ),
    "gru.reset_gate": Told(
        ("GRU: reset gate", "GRU：重置门"),
        (
            "How much of the last state is used to make the new one, between 0 (nothing) and 1 (all).",
            "生成新状态时使用多少上一个状态，介于 0（完全不用）和 1（全部）之间。",
        ),
        f"{CHO}, 2.3, equation 5",
        "r_t = σ(W_r x_t + U_r h_t₋₁)",
    ),
    "gru.update_gate": Told(
        ("GRU: update gate", "GRU：更新门"),
        (
            "How much of the last state stays as it was, between 0 (replaced) and 1 (kept).",
            "上一个状态有多少保持不变，介于 0（替换）和 1（保留）之间。",
        ),
        f"{CHO}, 2.3, equation 6",
        "z_t = σ(W_z x_t + U_z h_t₋₁)",
    ),
    "gru.candidate": Told(
        ("GRU: what is new", "GRU：新内容"),
        (
            "The state that the input proposes; the reset gate acts behind the matrix, as most libraries have it.",
            "由输入提议的状态；与多数程序库一样，重置门作用在矩阵之后。",
        ),
        f"{CHO}, 2.3, equation 8",
        "h̃_t = tanh(W x_t + r_t ⊙ (U h_t₋₁))",
    ),
    "gru.hidden": Told(
        ("GRU: hidden states", "GRU：隐藏状态"),
        (
            "A mixture of the last state and the new one, as the update gate says, after each piece (row).",
            "读完每个词片（行）之后，按更新门混合上一个状态和新状态。",
        ),
        f"{CHO}, 2.3, equation 7",
        "h_t = z_t ⊙ h_t₋₁ + (1 − z_t) ⊙ h̃_t",
    ),
    "annotations": Told(
        ("Annotations: both directions", "注释：两个方向"),
        (
            "The states of reading forwards and backwards side by side: each piece with what is before and after it.",
            "向前读和向后读的状态并排放置：每个词片都带有前后文。",
        ),
        f"{BAHDANAU}, 3.2 and A.2.1, equation 7",
        "h_j = [→h_j; ←h_j]",
    ),
    "initial_state": Told(
        ("The decoder's first state", "解码器的初始状态"),
        (
            "Made from the encoder's last states, before anything is written.",
            "由编码器的最后状态得到，此时还没有写出任何内容。",
        ),
        f"{BAHDANAU}, A.2.2",
        "s₀ = tanh(W_s [→h_S; ←h₁])",
    ),
    "additive_scores": Told(
        ("Alignment scores", "对齐分数"),
        (
            "How well each source piece (column) fits what the decoder is about to write (row), by a small network.",
            "用一个小网络计算每个源词片（列）与解码器将要写出的内容（行）的匹配程度。",
        ),
        f"{BAHDANAU}, A.1.2; {LUONG}, 3.1, equation 8 (concat)",
        "v_aᵀ tanh(W_a h_t + U_a h̄_s)",
    ),
    "dot_scores": Told(
        ("Alignment scores", "对齐分数"),
        (
            "How well each source piece (column) fits what the decoder is about to write (row): a dot product.",
            "每个源词片（列）与解码器将要写出的内容（行）的匹配程度：点积。",
        ),
        f"{LUONG}, 3.1, equation 8 (dot)",
        "h_tᵀ h̄_s",
    ),
    "general_scores": Told(
        ("Alignment scores", "对齐分数"),
        (
            "How well each source piece (column) fits what the decoder is about to write (row): a dot product with "
            "a learned matrix between.",
            "每个源词片（列）与解码器将要写出的内容（行）的匹配程度：中间带一个学到的矩阵的点积。",
        ),
        f"{LUONG}, 3.1, equation 8 (general)",
        "h_tᵀ W_a h̄_s",
    ),
    "alignment": Told(
        ("Alignment", "对齐权重"),
        (
            "The softmax makes shares of the scores: each row sums to 1 and says where in the source it looks.",
            "softmax 把分数变成份额：每一行之和为 1，表示它在看源句的哪里。",
        ),
        f"{BAHDANAU}, 3.1, equation 6; {LUONG}, 3.1, equation 7",
        "a_t(s) = exp(score(h_t, h̄_s)) / Σ_s′ exp(score(h_t, h̄_s′))",
    ),
    "context": Told(
        ("Context", "上下文向量"),
        (
            "The mean of the annotations, weighted by where it looks.",
            "按对齐权重对注释求加权平均。",
        ),
        f"{BAHDANAU}, 3.1, equation 5",
        "c_t = Σ_s a_t(s) h̄_s",
    ),
    "attentional_state": Told(
        ("Attentional state", "注意力状态"),
        (
            "Context and hidden state through one more layer: what the next word is read from.",
            "上下文与隐藏状态再经过一层：下一个词就由它得出。",
        ),
        f"{LUONG}, 3.1, equation 5",
        "h̃_t = tanh(W_c [c_t; h_t])",
    ),
}
