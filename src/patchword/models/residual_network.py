"""The ResNet of "Deep Residual Learning for Image Recognition" (He et al. 2016)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from patchword.models.contracts import ImageModel
from patchword.models.evidence import Evidence, EvidenceMap, LearnedArray, evaluating
from patchword.models.residual_network_config import ResidualNetworkConfig
from patchword.nn.dropout import Dropout
from patchword.nn.heads import ClassificationHead
from patchword.nn.residual_block import BlockOptions, ResidualBlock, Stem
from patchword.nn.trace import AttentionTrace, inside


class ResidualNetwork(ImageModel):
    """Images in, class logits out.

    Args:
        config: sizes and choices.
    """

    def __init__(self, config: ResidualNetworkConfig) -> None:
        super().__init__()
        self.config = config
        options = BlockOptions(
            bottleneck=config.block == "bottleneck",
            stride_first=config.bottleneck_stride == "1x1",
            shortcut=config.shortcut,
            blur=config.downsampling == "blur",
            zero_last_norm=config.zero_last_norm,
            norm_eps=config.norm_eps,
            norm_momentum=config.norm_momentum,
        )
        self.stem = Stem(config.channels, config.stem_width, config.stem, options)
        self.stages = nn.ModuleList()
        inputs, place, last = config.stem_width, 0, max(1, sum(config.depths) - 1)
        for depth, width, stride in zip(config.depths, config.widths, config.strides, strict=True):
            blocks = []
            for number in range(depth):
                drop_path = config.drop_path * place / last  # linear decay (Huang et al. 2016, section 4)
                blocks.append(ResidualBlock(inputs, width, 1 if number else stride, options, drop_path))
                inputs, place = width, place + 1
            self.stages.append(nn.Sequential(*blocks))
        self.dropout = Dropout(config.dropout)
        self.head = ClassificationHead(config.feature_size, config.num_classes)

    def encode(self, images: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """The last stage's maps, (batch, feature_size, height / reduction, width / reduction), rounded up."""
        for x in self._blocks(images, trace):
            last = x
        return last

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """See `ImageModel.feature_maps`: a block is a layer."""
        return list(self._blocks(images))

    def _blocks(self, images: Tensor, trace: AttentionTrace | None = None) -> Iterator[Tensor]:
        if images.device.type == "cpu":
            if images.size(1) == 1:
                # One channel is in either order whatever its stride, and with a permuted tensor's a convolution's
                # gradient writes beyond its memory (torch 2.13). So it gets the plain one.
                images = images.reshape(-1).view(images.shape)
            # oneDNN's convolutions are faster so; what follows keeps the order.
            images = images.contiguous(memory_format=torch.channels_last)
        x = self.stem(images, inside(trace, "stem"))
        for number, stage in enumerate(self.stages):
            for place, block in enumerate(cast(nn.Sequential, stage)):
                x = block(x, inside(trace, f"stages.{number}.{place}"))
                yield x

    def features(self, images: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """The mean of the last stage's maps, (batch, feature_size)."""
        means = self.encode(images, trace).mean((2, 3))
        if trace is not None:
            trace.note("head.mean_of_maps", ("batch", "channel"), means)
        return means

    def forward(self, images: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, channels, height, width) in, logits (batch, num_classes) out; softmax gives probabilities."""
        logits: Tensor = self.head(self.dropout(self.features(images, trace)), inside(trace, "head"))
        return logits

    def parts(self) -> Mapping[str, Sequence[str]]:
        """See `Model.parts`: all but the head."""
        return {"backbone": ["stem", "stages"]}

    def blocks(self) -> list[nn.Module]:
        """See `Model.blocks`: its residual blocks."""
        return [block for stage in self.stages for block in cast(nn.Sequential, stage)]

    def depth(self, name: str) -> int:
        """See `Model.depth`: a block is a layer."""
        first, *rest = name.split(".")
        if first == "stages":
            return sum(self.config.depths[int(rest[0]) :]) - int(rest[1])
        return sum(self.config.depths) + 1 if first == "stem" else 0

    @torch.no_grad()
    def adapted(self, config: ResidualNetworkConfig, *, keep_head: bool) -> "ResidualNetwork":
        """See `ImageModel.adapted`."""
        model = ResidualNetwork(config)
        weights = self.state_dict()
        if not keep_head:
            head = {name: torch.zeros_like(weight) for name, weight in model.head.state_dict(prefix="head.").items()}
            weights = {name: weight for name, weight in weights.items() if not name.startswith("head.")} | head
        model.load_state_dict(weights)
        return model

    def answer_and_evidence(self, images: Tensor) -> tuple[Tensor, Evidence]:
        """See `ImageModel.answer_and_evidence`: `class_evidence` for the likeliest class."""
        return self.answer_and_all_evidence(images)

    @torch.no_grad()
    def answer_and_all_evidence(self, images: Tensor, classes: Tensor | None = None) -> tuple[Tensor, Evidence]:
        """See `ImageModel.answer_and_all_evidence`."""
        with evaluating(self):
            maps = self.encode(images)
            logits: Tensor = self.head(maps.mean((2, 3)))
        return logits, self._class_activation(maps, logits.argmax(1) if classes is None else classes)

    @torch.no_grad()
    def class_evidence(self, images: Tensor, classes: Tensor) -> Evidence:
        """See `ImageModel.class_evidence`: "class_activation" alone, from the last stage's maps.

        Equation 1 of Grad-CAM weighs a map by the mean gradient of the class's logit. Between the last maps and the
        logits there are a mean and one linear layer, so that gradient is the head's weight over the number of pixels,
        and no backward pass is needed (Selvaraju et al. 2017, section 3.1).
        """
        with evaluating(self):
            return self._class_activation(self.encode(images), classes)

    def learned(self) -> Mapping[str, LearnedArray]:
        """See `ImageModel.learned`: the first convolution's filters."""
        layer: Any = self.stem.layer
        filters = layer.convolution.weight.detach().float().permute(0, 2, 3, 1)
        return {"filters": LearnedArray(("filter", "row", "column", "channel"), filters)}

    def _class_activation(self, maps: Tensor, classes: Tensor) -> Evidence:
        if not self.config.num_classes:
            return {}
        linear: Any = self.head.linear
        weights = linear.weight[classes] / (maps.size(2) * maps.size(3))
        values = torch.einsum("bc,bcyx->byx", weights, maps).relu()
        return {"class_activation": EvidenceMap(("batch", "row", "column"), values)}

    @torch.no_grad()
    def walk(self, images: Tensor, trace: AttentionTrace) -> None:
        """See `ImageModel.walk`: feature maps, stage by stage."""
        trace.note("input.image", ("batch", "colour", "row", "column"), images)
        with evaluating(self):
            logits = self(images, trace)
        if self.config.num_classes:
            trace.note("head.probabilities", ("batch", "class"), logits.softmax(-1))
