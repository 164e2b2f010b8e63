"""What can be wrong with a pair of texts."""

from patchword.findings import Kind

DAMAGED = Kind("damaged", "the line cannot be read as a pair", harms=True)
EMPTY = Kind("empty", "a side, or the whole line, has nothing in it", harms=True)
ENCODING = Kind("encoding", "letters were read in a wrong encoding, such as Ã¼ for ü, or lost", harms=True)
DUPLICATE = Kind("duplicate", "the same pair came before", harms=True)
LEAK = Kind("leak", "the pair, or its source, is validation or test text too", harms=True)
LEAK_TARGET = Kind("leak-target", "its target alone is a target of validation or test text too")
LEAK_NEAR = Kind("leak-near", "a side is nearly one of validation or test text")
NEAR = Kind("near-duplicate", "nearly the same pair came before; a word may make the difference")
OTHER_TARGET = Kind("other-target", "the same source came before with another target, as a second translation")
COPIED = Kind("copied", "the target is the source, and more than a name or a number")
LANGUAGE = Kind("wrong-language", "a side looks like another language than the rest of its side")
SIDE = Kind("side-language", "a whole side is in another language than is said", harms=True, about_items=False)
LONG = Kind("long", "a side is too long for training, which leaves it out")
RATIO = Kind("ratio", "one side is much longer than the other")

KINDS = (
    SIDE,
    DAMAGED,
    EMPTY,
    ENCODING,
    DUPLICATE,
    LEAK,
    LEAK_TARGET,
    LEAK_NEAR,
    NEAR,
    OTHER_TARGET,
    COPIED,
    LANGUAGE,
    LONG,
    RATIO,
)
