"""What runs without torch: the networks whose every operation the engine's kernels compute.

Starting is then a matter of a third of a second, and a process takes 200 MB less. Whatever needs more than that,
training, looking inside, sampling, other devices and architectures, is `patchword.load`'s.
"""

from patchword.engine.threads import use as use_threads
from patchword.runtime.loading import Unsuited, load, suited
from patchword.runtime.translator import RuntimeTranslator
from patchword.text.files import count_lines, stream_lines
from patchword.text.formats.kinds import is_filled

__all__ = ["RuntimeTranslator", "Unsuited", "count_lines", "is_filled", "load", "stream_lines", "suited", "use_threads"]
