"""The Vision Transformer of "An Image Is Worth 16x16 Words" (Dosovitskiy et al. 2021)."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from patchword.models.contracts import ImageModel
from patchword.models.evidence import Evidence, EvidenceMap, LearnedArray, differentiating, evaluating
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.nn.dropout import Dropout
from patchword.nn.encoder import Encoder, LayerOptions
from patchword.nn.heads import ClassificationHead
from patchword.nn.initialisation import normal
from patchword.nn.patches import PatchEmbedding
from patchword.nn.positions import GridPositions, NoPositions
from patchword.nn.relevance import class_activation, relevance
from patchword.nn.trace import AttentionTrace, inside

_TOKENS = {"position": "token"}  # what the parts' axis counts
_VECTORS = ("batch", "token", "channel")


class VisionTransformer(ImageModel):
    """Images in, class logits out.

    Args:
        config: sizes and choices.
    """

    def __init__(self, config: VisionTransformerConfig) -> None:
        super().__init__()
        self.config = config
        options = LayerOptions(
            d_model=config.d_model,
            num_heads=config.num_heads,
            d_ff=config.d_ff,
            dropout=config.dropout,
            attention_dropout=config.attention_dropout,
            activation_dropout=config.activation_dropout,
            activation=config.activation,
            norm_first=config.norm_first,
            layer_norm_eps=config.layer_norm_eps,
            layer_scale=config.layer_scale,
        )
        self.patch_embedding = PatchEmbedding(config.patch_size, config.channels, config.d_model)
        self.class_token = nn.Parameter(torch.zeros(config.d_model)) if config.class_token else None
        self.distillation_token = nn.Parameter(torch.zeros(config.d_model)) if config.distillation_token else None
        self.register_tokens = (
            nn.Parameter(normal(config.register_tokens, config.d_model, std=0.02)) if config.register_tokens else None
        )
        self.position_embedding: nn.Module = (
            NoPositions()
            if config.positions == "none"
            else GridPositions(config.grid, config.d_model, config.prefix, config.position_resize)
        )
        self.dropout = Dropout(config.dropout)
        self.encoder = Encoder(config.num_layers, options, config.drop_path, last_norm=not config.norm_after_pool)
        self.pooled_norm = (
            nn.LayerNorm(config.feature_size, eps=config.layer_norm_eps) if config.norm_after_pool else nn.Identity()
        )
        self.head = ClassificationHead(config.feature_size, config.num_classes, config.head_hidden)
        self.distillation_head = (
            ClassificationHead(config.d_model, config.num_classes) if config.distillation_head else None
        )

    def encode(self, images: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """z_L after the last norm (equations 1 to 3).

        Args:
            images: normalised pixels, (batch, channels, height, width) of the config's image_size.
            trace: receives "encoder" attention weights, and is told the steps; positions are [class token,
                distillation token, registers, patches row by row], those that the model has.

        Returns:
            (batch, tokens, d_model) in the same order of positions.
        """
        told = inside(trace, "input", _TOKENS)
        x = self.patch_embedding(images, told)
        for name in ("distillation_token", "class_token"):
            token = getattr(self, name)
            if token is not None:
                x = torch.cat([token.expand(x.size(0), 1, -1), x], dim=1)
                if told is not None:
                    told.note(name, _VECTORS, x)
        x = self.position_embedding(x, trace=told)
        if self.register_tokens is not None:
            # Registers stand between class token and patches and have no position (Darcet et al. 2024; DINOv2).
            registers = self.register_tokens.expand(x.size(0), -1, -1)
            first = self.config.prefix
            x = torch.cat([x[:, :first], registers, x[:, first:]], dim=1)
            if told is not None:
                told.note("registers", _VECTORS, x)
        return self.encoder(self.dropout(x), trace=inside(trace, "encoder", _TOKENS))

    def features(self, images: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """The representation y (equation 4), (batch, feature_size): the class token's, the patches' mean, or both."""
        return self._pooled(self.encode(images, trace), trace)

    def forward(self, images: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, channels, height, width) in, logits (batch, num_classes) out; softmax gives probabilities."""
        x = self.encode(images, trace)
        logits: Tensor = self.head(self._pooled(x, trace), inside(trace, "head"))
        if self.distillation_head is not None:
            logits = (logits + self.distillation_head(x[:, 1], inside(trace, "head.distillation"))) / 2
        return logits

    def _pooled(self, x: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        patches = x[:, self.config.prefix + self.config.register_tokens :]
        if self.config.pool == "class_token":
            pooled = x[:, 0]
        elif self.config.pool == "mean":
            pooled = patches.mean(dim=1)
        else:
            pooled = torch.cat([x[:, 0], patches.mean(dim=1)], dim=1)
        y: Tensor = self.pooled_norm(pooled)
        if trace is not None:
            normed = "" if isinstance(self.encoder.norm, nn.LayerNorm) else "_unnormed"
            trace.note(f"head.pooled_{self.config.pool}{normed}", ("batch", "channel"), pooled)
            if self.config.norm_after_pool:
                trace.note("head.norm", ("batch", "channel"), y)
        return y

    def parts(self) -> Mapping[str, Sequence[str]]:
        """See `Model.parts`: all but the heads."""
        names = [name for name, _ in self.named_children()] + [name for name, _ in self.named_parameters(recurse=False)]
        return {"backbone": [name for name in names if name not in self._heads()]}

    def blocks(self) -> list[nn.Module]:
        """See `Model.blocks`: the encoder's layers."""
        return list(self.encoder.layers)

    def depth(self, name: str) -> int:
        """See `Model.depth`."""
        first, *rest = name.split(".")
        if first == "encoder" and rest[0] == "layers":
            return self.config.num_layers - int(rest[1])
        return self.config.num_layers + 1 if first.endswith(("embedding", "token", "tokens")) else 0

    @torch.no_grad()
    def adapted(self, config: VisionTransformerConfig, *, keep_head: bool) -> "VisionTransformer":
        """See `ImageModel.adapted`; positions are resized the family's own way (`position_resize`)."""
        model = VisionTransformer(config)
        weights = self.state_dict()
        if isinstance(self.position_embedding, GridPositions):
            weights["position_embedding.embedding"] = self.position_embedding.resized(config.grid)
        if not keep_head:
            for head in model._heads():
                weights = {name: weight for name, weight in weights.items() if not name.startswith(f"{head}.")}
                new = model.get_submodule(head).state_dict()
                weights |= {f"{head}.{name}": torch.zeros_like(weight) for name, weight in new.items()}
        model.load_state_dict(weights)
        return model

    def adaptation(self, config: VisionTransformerConfig) -> list[str]:
        """See `ImageModel.adaptation`."""
        if self.config.grid == config.grid or config.positions != "learned":
            return []
        (rows, columns), (new_rows, new_columns) = self.config.grid, config.grid
        return [
            f"position embedding resized from {rows} x {columns} to {new_rows} x {new_columns} patches "
            f"({config.position_resize})"
        ]

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """See `ImageModel.feature_maps`: the patches' tokens behind each encoder layer."""
        trace = AttentionTrace(with_graph=True)
        last = self.encode(images, trace)
        patches = [tokens[:, self._first_patch :] for tokens in (*trace.inputs[1:], last)]
        return [each.transpose(1, 2).unflatten(2, self.config.grid) for each in patches]

    def answer_and_evidence(self, images: Tensor) -> tuple[Tensor, Evidence]:
        """See `ImageModel.answer_and_evidence`: "encoder" attention; its tokens end with the patches, row by row."""
        trace = AttentionTrace()
        logits = self(images, trace)
        return logits, {"encoder": self._attention(trace["encoder"])}

    def _attention(self, maps: Sequence[Tensor]) -> EvidenceMap:
        axes = ("layer", "batch", "head", "query", "key")
        return EvidenceMap(axes, torch.stack(list(maps)), self.config.grid, self._readers())

    def class_evidence(self, images: Tensor, classes: Tensor) -> Evidence:
        """See `ImageModel.class_evidence`; one pass forward and one back give both maps.

        "relevance" is the gradient-weighted attention of all layers (Chefer et al. 2021), from what the head reads to
        the patches. "class_activation" is Grad-CAM on the patches' tokens as they come into the last layer: behind it
        no patch has a gradient where the class token alone is read.
        """
        if not self.config.num_classes:
            return {}
        found = self.answer_and_all_evidence(images, classes)[1]
        return {name: kind for name, kind in found.items() if name != "encoder"}

    def answer_and_all_evidence(self, images: Tensor, classes: Tensor | None = None) -> tuple[Tensor, Evidence]:
        """See `ImageModel.answer_and_all_evidence`."""
        if not self.config.num_classes:
            return self.answer_and_evidence(images)
        trace = AttentionTrace(with_graph=True)
        with differentiating(self):
            # Whatever is frozen, the graph begins at the pixels.
            logits = self(images.clone().requires_grad_(), trace)
            which = logits.argmax(1) if classes is None else classes.clone().to(logits.device)
            chosen = logits.gather(1, which[:, None]).sum()
            maps, tokens = trace["encoder"], trace.inputs[-1]
            into_last, *gradients = torch.autograd.grad(chosen, [tokens, *maps])
        weights = [each.detach() for each in maps]
        of_class = {
            "relevance": relevance(weights, gradients, self._readers()),
            "class_activation": class_activation(tokens.detach(), into_last, self._first_patch),
        }
        axes = ("batch", "row", "column")
        found = {
            name: EvidenceMap(axes, each[:, -math.prod(self.config.grid) :].unflatten(1, self.config.grid))
            for name, each in of_class.items()
        }
        return logits.detach(), {"encoder": self._attention(weights), **found}

    def learned(self) -> Mapping[str, LearnedArray]:
        """See `ImageModel.learned`: "filters" are the principal components of figure 7, on its left."""
        found = {"filters": LearnedArray(("filter", "row", "column", "channel"), self.patch_embedding.components())}
        if isinstance(self.position_embedding, GridPositions):
            patches = self.position_embedding.embedding.detach()[self.config.prefix :].float()
            found["positions"] = LearnedArray(("row", "column", "d_model"), patches.unflatten(0, self.config.grid))
        return found

    @property
    def _first_patch(self) -> int:
        return self.config.prefix + self.config.register_tokens

    def _readers(self) -> Tensor:
        """The share of each token in what the heads read, (tokens,)."""
        config, patches = self.config, math.prod(self.config.grid)
        shares = torch.zeros(self._first_patch + patches, device=self.patch_embedding.projection.weight.device)
        if config.pool != "mean":
            shares[0] += 1
        if config.pool != "class_token":
            shares[self._first_patch :] += 1 / patches
        if config.distillation_head:
            shares[1] += 1
        return shares / shares.sum()

    @torch.no_grad()
    def walk(self, images: Tensor, trace: AttentionTrace) -> None:
        """See `ImageModel.walk`."""
        trace.note("input.image", ("batch", "colour", "row", "column"), images)
        with evaluating(self):
            logits = self(images, trace)
        if self.config.num_classes:
            name = "head.probabilities" if self.distillation_head is None else "head.both.probabilities"
            trace.note(name, ("batch", "class"), logits.softmax(-1))

    def _heads(self) -> list[str]:
        return [name for name, child in self.named_children() if isinstance(child, ClassificationHead)]
