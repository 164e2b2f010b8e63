"""PyTorch's pickles, of which nothing but tensors and plain containers comes to life.

What stands beside the weights, such as the `argparse.Namespace` of a training script or Lightning's hyper-parameters,
becomes an empty object of no behaviour: its class is never imported, and none of its code runs.
"""

import _compat_pickle
import pickle
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import torch
from torch import Tensor

# Modules of Python whose objects are data; what comes from another of them is asked for in order to be run.
_DATA = frozenset({"_codecs", "argparse", "collections", "copyreg", "datetime", "decimal", "enum", "fractions"})
_DATA |= {"functools", "numbers", "pathlib", "pathlib._local", "types", "uuid", "logging"}
_BUILTIN = frozenset({"bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list"})
_BUILTIN |= {"object", "range", "set", "slice", "str", "tuple", "type"}

# The tensors of a file may be this many bytes, or this many times its own size: weights hardly pack at all.
SMALL, MOST_PACKED = 64 * 2**20, 20

_PLAIN: Any = pickle._Unpickler


class WantsToRunError(pickle.UnpicklingError):
    """A pickle asks for a function of Python's that acts; the text is its name."""


class TooLargeError(pickle.UnpicklingError):
    """A pickle claims what its file does not have; the text is a clause."""


class Inert:
    """Stands for an object of a class that is not imported."""

    NAME = ""

    def __new__(cls, *_: Any, **__: Any) -> "Inert":
        """Take any arguments."""
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, item: Any) -> None:
        """Items of a list's subclass are passed over."""

    def extend(self, items: Any) -> None:
        """The same."""

    def add(self, item: Any) -> None:
        """The same of a set's."""


class _Dictionary(dict):
    """An OrderedDict, whose attributes (a state dict's versions) are passed over."""


def load_pickle(path: Path) -> Any:
    """What a file holds: tensors, plain containers, and `Inert` in the place of all else. Zip files are memory-mapped.

    Raises:
        WantsToRunError: if it asks for a function that acts.
        TooLargeError: if a tensor or a part of the file claims more than the file has.
        Exception: of many types, if it is damaged.
    """
    zipped = zipfile.is_zipfile(path)
    if zipped:
        _check_zip(path)
    elif tarfile.is_tarfile(path):
        raise pickle.UnpicklingError("a tar archive")
    size = path.stat().st_size
    module = SimpleNamespace(
        Unpickler=_unpickler(size, _Views(size)), __name__="patchword", UnpicklingError=pickle.UnpicklingError
    )
    module.load = lambda file, **options: module.Unpickler(file, **options).load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of unusual pickles: what cannot be read is refused
        # Files from before PyTorch 1.6 are no zip archives, and only those can be memory-mapped.
        return torch.load(path, map_location="cpu", weights_only=False, pickle_module=module, mmap=zipped)


def _check_zip(path: Path) -> None:
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(member.filename.rpartition("/")[2] == "constants.pkl" for member in members):
            raise WantsToRunError("TorchScript")
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
                raise TooLargeError("a part of it would unpack to more than the file has")


def _unpickler(size: int, views: "_Views") -> type:
    """A class of unpicklers for a file of `size` bytes."""
    known = {**_KNOWN, ("torch._utils", "_rebuild_tensor_v3"): views.untyped}
    known |= dict.fromkeys((("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor")), views.typed)

    # Python's own reader in Python: the one in C makes a table as long as the largest number that a file mentions.
    class Unpickler(_PLAIN):
        dispatch: ClassVar[dict[int, Any]] = dict(_PLAIN.dispatch)

        def find_class(self, module: str, name: str) -> Any:
            return _found(known, module, name)

        def load_build(self) -> None:
            self.stack.pop()  # attributes are passed over
            if not isinstance(self.stack[-1], Inert | _Dictionary):
                raise pickle.UnpicklingError("attributes for what has none")

        def load_binpersid(self) -> None:
            saved = self.stack[-1]
            if isinstance(saved, tuple) and len(saved) > 1 and saved[0] == "module":
                self.stack[-1] = saved[1]  # a whole network's class, with its source beside it
                return
            _check_storage(saved, size)
            super().load_binpersid()

        def load_persid(self) -> None:
            raise pickle.UnpicklingError("persistent ids are never text")

        def load_inst(self) -> None:
            raise pickle.UnpicklingError("an instruction that PyTorch never writes")

        dispatch[pickle.BUILD[0]] = load_build
        dispatch[pickle.BINPERSID[0]] = load_binpersid
        for code in (pickle.PERSID, pickle.INST):
            dispatch[code[0]] = load_persid if code == pickle.PERSID else load_inst

    return Unpickler


def _check_storage(saved: Any, size: int) -> None:
    if not isinstance(saved, tuple) or len(saved) < 5 or saved[0] != "storage":
        raise pickle.UnpicklingError("not a storage")
    dtype = getattr(saved[1], "dtype", None)
    width = dtype.itemsize if isinstance(dtype, torch.dtype) else 1
    if type(saved[4]) is not int or saved[4] < 0:
        raise pickle.UnpicklingError("not a number of values")
    if saved[4] * width > size:
        raise TooLargeError(f"it claims a tensor of {saved[4]:,} values, which is more than the file has")


def _found(known: Mapping[tuple[str, str], Any], module: str, name: str) -> Any:
    # Protocols before 3 have the names of Python 2.
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
    module = _compat_pickle.IMPORT_MAPPING.get(module, module)
    if (module, name) in known:
        return known[module, name]
    if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
        return getattr(torch, name)
    top = module.partition(".")[0]
    inert = name in _BUILTIN if module == "builtins" else module in _DATA or top not in _OF_PYTHON
    if not inert:
        raise WantsToRunError(f"{module}.{name}")
    return type("Inert", (Inert,), {"NAME": f"{module}.{name}"})


_OF_PYTHON = sys.stdlib_module_names | {"nt", "posix", "__builtin__"}


class _Views:
    """The tensors of a file of `size` bytes, which are views of its storages.

    Any number of them may be of one storage, as tied weights are; all together they are a limited multiple of the file.
    """

    def __init__(self, size: int) -> None:
        self._left = max(SMALL, MOST_PACKED * size)

    def typed(self, storage: Any, offset: Any, shape: Any, stride: Any, *more: Any) -> Tensor:
        """`torch._utils._rebuild_tensor_v2`."""
        return self._view(storage, storage.dtype, offset, shape, stride, more[2:])

    def untyped(self, storage: Any, offset: Any, shape: Any, stride: Any, *more: Any) -> Tensor:
        """`torch._utils._rebuild_tensor_v3`."""
        return self._view(storage, more[2], offset, shape, stride, more[3:])

    def _view(
        self, storage: Any, dtype: torch.dtype, offset: Any, shape: Sequence[Any], stride: Sequence[Any], more: Any
    ) -> Tensor:
        numbers = (offset, *shape, *stride)
        if not all(type(number) is int and number >= 0 for number in numbers) or len(shape) != len(stride):
            raise pickle.UnpicklingError("not a tensor's shape")
        held = storage._untyped_storage.nbytes() // dtype.itemsize
        count, end = 1, offset
        for length, step in zip(shape, stride, strict=True):
            count, end = count * length, end + (length - 1) * step
        if count and (count > held or end >= held):
            raise TooLargeError(f"it claims a tensor of {count:,} values, of which it holds {held:,}")
        self._left -= count * dtype.itemsize
        if self._left < 0:
            raise TooLargeError(
                f"its tensors are views of the same values, in all of more than {SMALL // 2**20} MiB and {MOST_PACKED} "
                "times what it holds"
            )
        empty = torch.empty(0, dtype=dtype)
        tensor = empty.set_(storage._untyped_storage, offset if count else 0, tuple(shape), tuple(stride))
        # A view whose sign is still to be changed is saved as it is, with a word about it; an older file's values come
        # after it.
        said = more[0] if more and isinstance(more[0], Mapping) else {}
        return torch._neg_view(tensor) if said.get("neg") else tensor


def _of_a_class(rebuild: Any, _: Any, arguments: Any, *__: Any) -> Any:
    """`torch._tensor._rebuild_from_type_v2`: a tensor that has attributes, or is of a class of its own."""
    if isinstance(rebuild, type) or not callable(rebuild):
        raise pickle.UnpicklingError("not a tensor's function")
    return rebuild(*arguments)


def _dictionary(*_: Any) -> _Dictionary:
    return _Dictionary()


def _parameter(data: Any, *_: Any) -> Any:
    return data


# All that is not inert, by module and name.
_KNOWN: dict[tuple[str, str], Callable[..., Any] | type] = {
    ("collections", "OrderedDict"): _Dictionary,
    ("collections", "defaultdict"): _dictionary,
    ("torch", "Size"): tuple,
    ("torch._tensor", "_rebuild_from_type_v2"): _of_a_class,
    ("torch.storage", "UntypedStorage"): torch.UntypedStorage,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
}
