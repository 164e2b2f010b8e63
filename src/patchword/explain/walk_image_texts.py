"""What is told of the steps that only images go through: patches and tokens, feature maps, classes."""

from patchword.explain.walk_told import DOSOVITSKIY, HE, Told

_EMBEDDED = "z₀ = [x_class; x_p¹E; x_p²E; …; x_p^N E] + E_pos"

IMAGE_TEXTS: dict[str, Told] = {
    "input.image": Told(
        ("The image as the model sees it", "模型看到的图像"),
        (
            "Scaled and cut to the size that the model takes; the numbers are the pixels less their mean, over their "
            "deviation.",
            "缩放并裁剪到模型所需的大小；数值是像素减去均值再除以标准差。",
        ),
        f"{DOSOVITSKIY}, 3.1; {HE}, 3.4",
        "x ∈ ℝ^(H×W×C)",
    ),
    "patches": Told(
        ("Patches", "图块"),
        (
            "The image is cut into squares, row by row; each is read as if it were a word.",
            "图像被逐行切成小方块；每一块都像一个词那样被读取。",
        ),
        f"{DOSOVITSKIY}, 3.1",
        "x_p ∈ ℝ^(N×(P²·C)), N = HW/P²",
    ),
    "patch_embedding": Told(
        ("Linear embedding of the patches", "图块的线性嵌入"),
        (
            "The pixels of each patch, as one long vector, times one matrix that was learned.",
            "把每个图块的像素排成一个长向量，乘以一个学到的矩阵。",
        ),
        f"{DOSOVITSKIY}, 3.1, equation 1",
        "x_pⁱ E",
    ),
    "class_token": Told(
        ("[CLS] in front", "最前面加上 [CLS]"),
        (
            "A learned token is put before the patches; the layers gather in it what tells the class.",
            "在图块之前放一个学到的 token；各层会把判断类别所需的信息汇集到它里面。",
        ),
        f"{DOSOVITSKIY}, 3.1, equation 1",
        "[x_class; x_p¹E; x_p²E; …; x_p^N E]",
    ),
    "distillation_token": Told(
        ("The distillation token", "蒸馏 token"),
        (
            "A second learned token, which was trained to say what a teacher network says.",
            "第二个学到的 token，训练时让它给出与教师网络相同的答案。",
        ),
        "Touvron et al. 2021 (DeiT), 3",
    ),
    "position_embedding": Told(
        ("Position embedding", "位置嵌入"),
        (
            "A learned vector for each place of the grid, since attention alone does not know where a patch was.",
            "网格中每个位置都有一个学到的向量，因为单靠注意力无法知道图块原来在哪里。",
        ),
        f"{DOSOVITSKIY}, 3.1, equation 1",
        "E_pos",
    ),
    "embedded_patches": Told(
        ("Patches plus positions", "图块加位置"),
        (
            "The sum says what a patch shows and where it was; it is what the first layer reads.",
            "两者之和同时表示图块的内容和位置；第一层读取的就是它。",
        ),
        f"{DOSOVITSKIY}, 3.1, equation 1",
        _EMBEDDED,
    ),
    "registers": Told(
        ("Registers", "寄存器 token"),
        (
            "Further learned tokens, which no answer is read from: room for the layers to take notes.",
            "另外几个学到的 token，答案不从它们读出：供各层记笔记的空间。",
        ),
        "Darcet et al. 2024, 2.2",
    ),
    "pooled_class_token": Told(
        ("The image's representation: [CLS]", "图像的表示：[CLS]"),
        (
            "The class token after the last layer and norm; the head reads nothing else.",
            "经过最后一层和归一化之后的分类 token；分类头只读取它。",
        ),
        f"{DOSOVITSKIY}, 3.1, equation 4",
        "y = LN(z_L⁰)",
    ),
    "pooled_mean": Told(
        ("The image's representation: the mean", "图像的表示：平均"),
        (
            "The mean of all patches after the last layer.",
            "最后一层之后所有图块的平均。",
        ),
        f"{DOSOVITSKIY}, D.3",
        "y = (1/N) Σᵢ z_Lⁱ",
    ),
    "pooled_class_token_and_mean": Told(
        ("The image's representation: [CLS] and the mean", "图像的表示：[CLS] 与平均"),
        (
            "The class token after the last layer, and beside it the mean of all patches.",
            "最后一层之后的分类 token，旁边再放上所有图块的平均。",
        ),
        "Oquab et al. 2023 (DINOv2)",
        "y = [z_L⁰; (1/N) Σᵢ z_Lⁱ]",
    ),
    "head.norm": Told(
        ("Layer norm of the representation", "对表示做层归一化"),
        (
            "The representation is brought to mean 0 and deviation 1, then scaled and shifted by learned numbers.",
            "把表示变为均值 0、标准差 1，再用学到的数缩放和平移。",
        ),
        f"{DOSOVITSKIY}, 3.1, equation 4",
        "LN(y)",
    ),
    "head.hidden": Told(
        ("The head's hidden layer", "分类头的隐藏层"),
        (
            "One more layer with tanh before the classes, as in pre-training.",
            "分类之前再加一个带 tanh 的层，与预训练时相同。",
        ),
        f"{DOSOVITSKIY}, 3.1",
        "tanh(yW + b)",
    ),
    "head.logits": Told(
        ("The head: a number for each class", "分类头：每个类别一个数"),
        (
            "The representation times one matrix; the largest are shown.",
            "表示乘以一个矩阵；这里显示最大的几个。",
        ),
        f"{DOSOVITSKIY}, 3.1; {HE}, 3.3",
        "yW + b",
    ),
    "distillation.logits": Told(
        ("The distillation head", "蒸馏分类头"),
        (
            "What the distillation token says of each class; the mean of both heads counts.",
            "蒸馏 token 对每个类别给出的数；最终取两个分类头的平均。",
        ),
        "Touvron et al. 2021 (DeiT), 3",
    ),
    "head.probabilities": Told(
        ("Softmax: the classes", "softmax：类别"),
        (
            "Softmax makes probabilities of the numbers: together they are 1, and the largest is the answer.",
            "softmax 把这些数变成概率：总和为 1，最大的就是答案。",
        ),
        f"{DOSOVITSKIY}, 3.1; {HE}, 3.3",
        "softmax(yW + b)",
    ),
    "stem.convolution": Told(
        ("The first convolution", "第一个卷积"),
        (
            "Small learned filters slide over the image; each gives a map of where it fits. Batch norm and ReLU "
            "follow.",
            "学到的小滤波器在图像上滑动；每个都给出一张匹配位置的特征图。随后是批归一化和 ReLU。",
        ),
        f"{HE}, 3.3, table 1 (conv1)",
        "max(0, BN(W ∗ x))",
    ),
    "stem.pool": Told(
        ("Max pooling", "最大池化"),
        (
            "The largest of each neighbourhood: half as many rows and columns.",
            "取每个邻域中的最大值：行数和列数减半。",
        ),
        f"{HE}, 3.3, table 1 (conv2_x)",
    ),
    "branch": Told(
        ("What the block adds: F(x)", "残差块的改动：F(x)"),
        (
            "Two or three convolutions compute the residual: what is to change in the maps.",
            "两到三个卷积计算残差：特征图中需要改变的部分。",
        ),
        f"{HE}, 3.2, equation 1",
        "F(x, {W_i})",
    ),
    "shortcut": Told(
        ("The shortcut", "捷径"),
        (
            "Where a block changes the maps' number or size, x is brought to the new shape, else it stays as it is.",
            "当残差块改变特征图的数量或大小时，把 x 变成新的形状；否则保持不变。",
        ),
        f"{HE}, 3.2, equation 2",
        "W_s x",
    ),
    "block_output": Told(
        ("Feature maps after the block", "残差块之后的特征图"),
        (
            "The residual plus x, then ReLU: each map is bright where its pattern was found.",
            "残差加上 x，再经过 ReLU：每张特征图在找到相应图案的地方变亮。",
        ),
        f"{HE}, 3.2, equations 1 and 2",
        "y = max(0, F(x, {W_i}) + x)",
    ),
    "mean_of_maps": Told(
        ("The mean of each map", "每张特征图的平均"),
        (
            "Global average pooling: one number a map, wherever in the image its pattern was.",
            "全局平均池化：每张特征图一个数，不管图案出现在图像的哪里。",
        ),
        f"{HE}, 3.3, table 1",
    ),
}
