"""Shards on Ray, with workers and a driver that are killed."""

import builtins
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchword.errors import PatchwordError, RecipeError
from patchword.shards.job import Job
from patchword.shards.on_ray import run
from tests.shards.stand_in import Capitals, Nowhere

# Ray warns of what it does itself, and leaves files open.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

ROOT = Path(__file__).parents[2]
ITEMS = [f"line {number}" for number in range(40)]
WHOLE = "".join(f"{number} {item.upper()}\n" for number, item in enumerate(ITEMS, 1))

DRIVER = """
import sys, time
from pathlib import Path
from patchword.shards.job import Job
from patchword.shards.on_ray import run
from tests.shards.stand_in import Capitals

class Slow(Capitals):
    def open(self):
        compute = Capitals.open(self)
        return lambda first, items: (time.sleep(0.3), compute(first, items))[1]

job = Job.begin(Path(sys.argv[1]), {}, [f"line {number}" for number in range(40)], True, size=2)
for number in run(job, Slow(), 2):
    print(number, flush=True)
"""


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'src'}")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        patch.setenv("RAY_ADDRESS", ray.get_runtime_context().gcs_address)
        yield
        ray.shutdown()


def job_in(folder: Path, resume: bool = False) -> Job:
    return Job.begin(folder, {}, ITEMS, resume, size=8)


def whole(job: Job) -> str:
    return "".join(job.part(number).read_text() for number in range(job.plan.shards))


def test_every_shard_is_computed_and_told_once_though_a_worker_is_killed(tmp_path: Path) -> None:
    job, flag, before = job_in(tmp_path / "out"), tmp_path / "killed", builtins.print
    assert sorted(run(job, Capitals(17, str(flag)), 2)) == [0, 1, 2, 3, 4]
    assert flag.exists()
    assert whole(job) == WHOLE
    assert list(run(job, Capitals(), 2)) == []
    assert builtins.print is before


def test_what_a_workers_machine_lacks_is_one_sentence_with_the_machines_name(tmp_path: Path) -> None:
    with pytest.raises(PatchwordError) as caught:
        list(run(job_in(tmp_path / "out"), Nowhere(), 2))
    assert str(caught.value) == f"{socket.gethostname()}: /disk/model, line 7: is no model folder"


def test_a_killed_driver_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    command = [sys.executable, "-c", DRIVER, str(folder)]
    driver = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert driver.stdout is not None
    assert driver.stdout.readline().strip().isdigit()
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    job = Job.begin(folder, {}, [], True, size=2)
    assert 0 < len(job.pending()) < job.plan.shards
    time.sleep(1)  # its workers end by themselves
    kept = {number: job.part(number).stat().st_mtime_ns for number in range(20) if number not in job.pending()}
    list(run(job, Capitals(), 2))
    assert whole(job) == WHOLE
    assert {number: job.part(number).stat().st_mtime_ns for number in kept} == kept


def test_without_ray_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "ray.data", raising=False)
    with pytest.raises(RecipeError, match=r"--on ray needs the package ray: pip install '.\[ray\]'"):
        list(run(job_in(tmp_path / "out"), Capitals(), 2))
