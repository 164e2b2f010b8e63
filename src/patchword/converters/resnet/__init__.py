"""ResNets of torchvision, timm and Hugging Face's `transformers`."""
