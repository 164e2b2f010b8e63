"""Finding the other processes that train one model, as torchrun's environment variables say."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import torch

from patchword.errors import GroupError, clipped, shown
from patchword.training.group import Alone

# An update's processes wait for each other as long as this; who finds nobody at the start gives up after it.
UPDATE = timedelta(minutes=10)
# While the first process validates or saves, the others wait as long as this. A process that ends is noticed at once in
# both cases; these times are for a machine that falls silent.
WORK = timedelta(hours=24)


@contextmanager
def joined(environment: Mapping[str, str] = os.environ) -> Iterator[Alone]:
    """The group of processes that this one belongs to, inside the block; one alone where nothing says otherwise.

    A process group that is there already, as in somebody's own program, is used as it is.

    Args:
        environment: with torchrun's RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT.

    Raises:
        GroupError: if the variables make no sense, or the others cannot be found.
    """
    if environment.get("WORLD_SIZE", "1") == "1":
        yield Alone()
        return
    import torch.distributed as dist

    from patchword.training.together import Together

    rank, size, local_rank, local_size = _place(environment)
    own = not dist.is_initialized()
    try:
        if own:
            backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            dist.init_process_group(backend, rank=rank, world_size=size, timeout=UPDATE)
        patient = dist.new_group(backend="gloo", timeout=WORK)
    except (RuntimeError, ValueError, OSError) as error:
        raise GroupError(_unfound(rank, size, environment, error)) from None
    try:
        yield Together(rank, size, local_rank, local_size, patient)
    finally:
        if own:
            dist.destroy_process_group()


def _place(environment: Mapping[str, str]) -> tuple[int, int, int, int]:
    """Rank, size, and both on this machine."""
    size = _number(environment, "WORLD_SIZE", 2)
    rank = _number(environment, "RANK", 0, size)
    if not environment.get("MASTER_ADDR"):
        raise GroupError(f"WORLD_SIZE is {size}, but MASTER_ADDR is not set; torchrun sets both")
    _number(environment, "MASTER_PORT", 1, 2**16)
    local_size = _number(environment, "LOCAL_WORLD_SIZE", 1, size + 1, size)
    return rank, size, _number(environment, "LOCAL_RANK", 0, local_size, rank % local_size), local_size


def _number(environment: Mapping[str, str], name: str, least: int, end: int = 2**31, default: int | None = None) -> int:
    text = environment.get(name)
    if text is None:
        if default is not None:
            return default
        raise GroupError(f"WORLD_SIZE is {environment['WORLD_SIZE']}, but {name} is not set; torchrun sets both")
    if not (text.isdecimal() and len(text) < 10 and least <= int(text) < end):
        raise GroupError(f"the environment's {name} is {shown(text)}; expected a number from {least} to {end - 1}")
    return int(text)


def _unfound(rank: int, size: int, environment: Mapping[str, str], error: Exception) -> str:
    """Why the processes did not find each other, a sentence."""
    address, port = environment["MASTER_ADDR"], environment["MASTER_PORT"]
    text = str(error)
    if "EADDRINUSE" in text or "address already in use" in text.lower():
        return (
            f"port {port} of {address}, where the {size} processes are to meet, is in use; choose another --master-port"
        )
    remedy = (
        "see that all of them were started, that MASTER_ADDR can be reached from every machine, and that "
        "GLOO_SOCKET_IFNAME names the network's interface"
    )
    what = clipped(text.strip().partition("\n")[0].rstrip("."))
    return f"process {rank} of {size} did not find the others at {address}:{port}: {what}; {remedy}"
