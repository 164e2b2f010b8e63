"""Several processes that train one model, by torch's process group."""

import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from patchword.devices import find_device
from patchword.errors import GroupError, PatchwordError, RecipeError, SaidElsewhereError, clipped, shown
from patchword.files import is_running
from patchword.training.group import Alone, Found
from patchword.training.interrupt import StopRequest
from patchword.training.state import seed_everything

T = TypeVar("T")
HEARD = 1.0  # seconds that the first process has to say what is wrong, before torchrun ends it for another's end
NOTICED = 1.0  # seconds after which the system knows that a process is gone
_SIGNS = ("gloo", "nccl", "connection closed", "connection reset", "broken pipe", "process group", "timed out")


class Together(Alone):
    """Several processes, with torch's process group.

    Args:
        rank: see `Alone`.
        size: how many there are.
        local_rank: number of this process on its machine.
        local_size: see `Alone`.
        patient: a group for waiting while the first process works alone; the default one is for updates.
    """

    def __init__(
        self, rank: int, size: int, local_rank: int, local_size: int, patient: "dist.ProcessGroup | None"
    ) -> None:
        self.rank, self.size, self.local_size = rank, size, local_size
        self._local_rank, self._patient = local_rank, patient
        self._signal: int | None = None
        self._weight = 1
        self._processes: list[tuple[str, int]] = self.gathered((socket.gethostname(), os.getpid()))
        self._token = self.gathered(secrets.token_hex(8))[0]

    def device(self, name: str) -> torch.device:
        """A GPU for each process of a machine, or the processor.

        Raises:
            RecipeError: if there are not so many GPUs, or the device is one that processes cannot share.
        """
        device = find_device(name)
        if device.type == "cpu":
            return device
        if device.type != "cuda" or device.index is not None:
            raise RecipeError(f"device {shown(name)}: several processes train on cpu, or on a GPU each, as cuda says")
        if torch.cuda.device_count() < self.local_size:
            raise RecipeError(
                f"this machine has {torch.cuda.device_count()} GPUs for {self.local_size} processes; start as many as "
                "it has, or use device cpu"
            )
        torch.cuda.set_device(self._local_rank)
        return torch.device("cuda", self._local_rank)

    def share(self, batch: Any) -> tuple[Any, int]:
        """Every `size`-th row: batches are sorted by length, so all get like numbers of tokens.

        With fewer rows than processes some get the first row and weight 0: they take part in what all do together.
        """
        rows = batch[self.rank :: self.size]
        self.rows, self._weight = len(batch), int(len(rows) > 0)
        return (rows, 1) if len(rows) else (batch[:1], 0)

    def exchange(self, found: Found) -> Found:
        """See `Alone.exchange`; five numbers from each."""
        numbers = [found.count, found.plain, -1 if found.broken is None else found.broken, found.seconds]
        own = torch.tensor([*numbers, found.signal or 0], dtype=torch.float64)
        every = [torch.empty_like(own) for _ in range(self.size)]
        dist.all_gather(every, own)
        count, plain, broken, seconds, signal = (values.tolist() for values in torch.stack(every).unbind(1))
        self._signal = int(max(signal)) or None
        return Found(
            int(sum(count)), sum(plain), min((int(b) for b in broken if b >= 0), default=None), seconds[0], self._signal
        )

    def asked(self, request: StopRequest) -> int | None:
        """A signal to any process, as of the last exchange."""
        return self._signal

    def first_alone(self, work: Callable[[], T]) -> T:
        """See `Alone.first_alone`."""
        told: list[Any] = [None, None]
        error: PatchwordError | None = None
        if self.first:
            try:
                told[0] = work()
            except PatchwordError as raised:
                told[1], error = True, raised
        dist.broadcast_object_list(told, src=0, group=self._patient)
        if told[1] is not None:
            raise self.same(error or SaidElsewhereError())
        result: T = told[0]
        return result

    @contextmanager
    def each(self) -> Iterator[None]:
        """See `Alone.each`; the first process tells what another has met."""
        error: PatchwordError | None = None
        try:
            yield
        except PatchwordError as raised:
            error = raised
        problems = self.gathered(None if error is None else str(error))
        for rank, problem in enumerate(problems):
            if problem is not None:
                told = (
                    error if rank == self.rank and error is not None else PatchwordError(f"process {rank}: {problem}")
                )
                raise self.same(told)

    def same(self, error: PatchwordError) -> PatchwordError:
        """See `Alone.same`."""
        if self.first:
            return error
        self.end()
        return SaidElsewhereError()

    def end(self) -> None:
        """See `Alone.end`."""
        if not self.first:
            time.sleep(HEARD)

    def draw(self, seed: int, step: int) -> None:
        """Other processes than the first draw from seed, rank and step, so that a resumed run draws the same."""
        if not self.first:
            text = f"{seed} {self.rank} {step}".encode()
            seed_everything(int.from_bytes(blake2b(text, digest_size=4).digest(), "little"))

    def gathered(self, value: T) -> list[T]:
        """See `Alone.gathered`."""
        every: list[Any] = [None] * self.size
        dist.all_gather_object(every, value, group=self._patient)
        return every

    def sum(self, values: Tensor) -> Tensor:
        """See `Alone.sum`."""
        result: Tensor = _Sum.apply(values * self._weight)
        return result

    @contextmanager
    def watched(self, out: Path) -> Iterator[None]:
        """See `Alone.watched`."""
        try:
            yield
        except RuntimeError as error:
            if not _is_loss(error):
                raise
            gone = self._gone()
            if not self._speaks():
                time.sleep(HEARD)
                raise SaidElsewhereError from None
            host = socket.gethostname()
            who = _listed([f"{rank} (process id {self._processes[rank][1]} on {host})" for rank in gone])
            kept = (out / "recipe.toml").is_file() or not self.first
            rest = f"go on with --resume, from what was saved last in {out}" if kept else "nothing had been saved"
            raise GroupError(
                f"{who or 'a process on another machine'} of the {self.size} that train together is gone "
                f"({_first_line(error)}); {rest}"
            ) from None

    def _speaks(self) -> bool:
        """Whether this one of its machine's processes says what all of them notice, one after another as they end.

        An empty file says that it was said: torch's store may be gone together with the first process.
        """
        try:
            (Path(tempfile.gettempdir()) / f"patchword-gone-{self._token}").touch(exist_ok=False)
        except FileExistsError:
            return False
        except OSError:  # a full disk: rather twice than never
            pass
        return True

    def _gone(self) -> list[int]:
        """Ranks of this machine's processes that have ended; those of others cannot be asked."""
        host, end = socket.gethostname(), time.monotonic() + NOTICED
        while True:
            gone = [rank for rank, (name, pid) in enumerate(self._processes) if name == host and _ended(pid)]
            if gone or time.monotonic() > end:
                return gone
            time.sleep(0.05)


def _is_loss(error: RuntimeError) -> bool:
    """Whether an error says that the other processes cannot be reached."""
    text = str(error).lower()
    return isinstance(error, dist.DistError) or any(sign in text for sign in _SIGNS)


def _ended(pid: int) -> bool:
    """Whether a process has ended, also where whoever started it has not asked yet how."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):  # gone, or a system without /proc
        return not is_running(pid)
    return state in ("Z", "X")


def _listed(names: list[str]) -> str:
    return f"process {names[0]}" if len(names) == 1 else f"processes {', '.join(names)}" if names else ""


def _first_line(error: Exception) -> str:
    """What torch says, without where in its sources it says it and what else it advises."""
    return clipped(str(error).strip().partition("\n")[0].rpartition("] ")[2].partition(". ")[0].rstrip("."))


class _Sum(torch.autograd.Function):
    """The sum over processes; each one's gradient is the sum of all gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total
