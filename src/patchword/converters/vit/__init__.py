"""ViT, DeiT and DINOv2 of transformers, timm, torchvision and JAX."""
