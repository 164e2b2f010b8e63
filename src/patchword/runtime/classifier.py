"""An image classifier that runs without torch."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from patchword.images.classifying import Classifying, Pixels, check_fit, softmax
from patchword.images.details import ClassifierDetails


class RuntimeClassifier(Classifying):
    """Classifies as `images.classifier.ImageClassifier` does, to the same bits.

    Args:
        network: an `engine.native_vision_transformer.NativeVisionTransformer`.
        details: class names and preprocessing.
        folder: the model folder that it came from.

    Raises:
        ValueError: if the parts do not fit together.
    """

    task: ClassVar[str] = ClassifierDetails.TASK

    def __init__(self, network: Any, details: ClassifierDetails, folder: Path) -> None:
        self.network, self.folder = network, folder
        self.preprocessing, self.classes = details.preprocessing, details.classes
        check_fit(network.config, self.preprocessing, self.classes)

    def __reduce__(self) -> tuple[Any, ...]:
        from patchword.runtime.loading import again

        return again, (self.folder, self.task, self.network.precision)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self.classes)} classes; {self.network.precision}>"

    def _probabilities(self, pixels: Pixels) -> NDArray[np.float32]:
        return softmax(self.network(self.preprocessing.normalised(pixels)))
