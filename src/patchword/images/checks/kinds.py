"""What can be wrong with a labelled image, and with the classes."""

from patchword.findings import Kind

BROKEN = Kind("broken", "the image cannot be read", harms=True)
DUPLICATE = Kind("duplicate", "the same pixels came before, in the same class", harms=True)
TWO_CLASSES = Kind("two-classes", "the same pixels are in another class too", harms=True)
LEAK = Kind("leak", "the same pixels are in a split that scores this one", harms=True)
LEAK_NEAR = Kind("leak-near", "nearly the same image is in a split that scores this one")
NEAR = Kind("near-duplicate", "nearly the same image came before")
ONE_COLOUR = Kind("one-colour", "all pixels have nearly one colour")
TINY = Kind("tiny", "the image has hardly any pixels, or far fewer than the others")
SPLITS = Kind("split-as-class", "a folder that seems to be a split is taken for a class", harms=True, about_items=False)
UNKNOWN = Kind("unknown-class", "a class that the training data have not", harms=True, about_items=False)
IMBALANCE = Kind("imbalance", "a class has far fewer images than another", about_items=False)
UNREAD = Kind("unread", "files that are not read, though they may be images", about_items=False)

KINDS = (
    BROKEN,
    DUPLICATE,
    TWO_CLASSES,
    LEAK,
    LEAK_NEAR,
    NEAR,
    ONE_COLOUR,
    TINY,
    SPLITS,
    UNKNOWN,
    IMBALANCE,
    UNREAD,
)
