"""What order of patches a model has learned (Dosovitskiy et al. 2021, figure 7, centre)."""

from torch import Tensor
from torch.nn import functional as F

MOST = 24  # rows and columns shown; the numbers grow with the fourth power


def position_similarity(embedding: Tensor, most: int = MOST) -> Tensor:
    """Cosine similarity of the position embeddings of every two patches.

    Args:
        embedding: (row, column, d_model).
        most: rows and columns; of a larger grid every second, third, ... one is taken.

    Returns:
        (row, column, row, column), -1 to 1.
    """
    every = -(-max(embedding.shape[:2]) // most)
    vectors = F.normalize(embedding[::every, ::every].float(), dim=-1)
    rows, columns, _ = vectors.shape
    flat = vectors.flatten(0, 1)
    return (flat @ flat.T).view(rows, columns, rows, columns)
