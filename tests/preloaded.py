"""What forked processes need, imported once for all of them."""

import gc

import matplotlib.backends.backend_agg
import matplotlib.figure  # noqa: F401
import torch._dynamo
import torch.distributed.fsdp  # noqa: F401

import patchword.cli.main
import patchword.images.wing
import patchword.text.wing
import patchword.training.divided
import patchword.training.together  # noqa: F401

gc.freeze()  # it stays, and forked processes share it as it lies
