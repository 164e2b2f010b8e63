"""Workers that cannot be started, that hang, and how many jobs are taken; without a process."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from patchword.server import crew as module
from patchword.server import wire
from patchword.server.crew import Crew
from patchword.server.jobs import Job
from patchword.server.refused import Refused
from patchword.server.settings import Settings

FACTS = [{"name": "m"}]


class Member:
    """A worker whose messages the test makes."""

    refusals = 0  # how often the system gives none
    made: list["Member"]

    def __init__(self, settings: Settings) -> None:
        if type(self).refusals:
            type(self).refusals -= 1
            raise OSError(24, "Too many open files")
        self.process: Any = SimpleNamespace(exitcode=-9, join=lambda seconds: None, is_alive=lambda: False)
        self.running: list[int] = []
        self.heard = 0.0
        self.jobs: dict[int, Job] = {}
        self.retiring = self.killed = False
        self.sent: list[Any] = []
        self.made.append(self)

    async def connect(self) -> asyncio.StreamReader:
        self.reader = asyncio.StreamReader()
        self.says("ready", FACTS)
        return self.reader

    def says(self, *message: Any) -> None:
        self.reader.feed_data(wire.frame(message))

    def dies(self) -> None:
        self.reader.feed_eof()

    def send(self, *message: Any) -> None:
        self.sent.append(message)

    def close(self) -> None:
        pass

    def kill(self) -> None:
        self.killed = True


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[Member]:
    Member.made, Member.refusals = [], 0
    monkeypatch.setattr(module, "Member", Member)
    monkeypatch.setattr(module, "_TICK", 0.01)
    return Member.made


async def crew_of(**settings: Any) -> Crew:
    crew = Crew(Settings.parse({"models": ("m",), **settings}, "test"))
    crew.start()
    await happens(lambda: crew.ready or crew.failure.done())
    return crew


async def happens(done: Any, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.005)


def test_a_worker_that_the_system_refuses_is_tried_again(
    made: list[Member], capsys: pytest.CaptureFixture[str]
) -> None:
    async def use() -> None:
        crew = await crew_of()
        Member.refusals = 1
        made[0].dies()
        await happens(lambda: len(made) == 2 and crew.ready)
        Member.refusals = 1
        with pytest.raises(Refused, match="no process can be started: too many open files"):
            await crew.reload()
        assert crew.ready
        await crew.end()

    asyncio.run(use())
    assert "the worker could not start: no process can be started: too many open files" in capsys.readouterr().err


def test_if_the_system_gives_no_first_worker_the_server_says_so() -> None:
    async def use() -> None:
        Member.refusals = 1
        crew = await crew_of()
        assert crew.failure.result() == "no process can be started: too many open files"
        await crew.end()

    asyncio.run(use())


def test_what_goes_wrong_beside_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    async def use() -> None:
        crew = await crew_of()
        crew._listener = lambda statistics: statistics["nothing"]
        Member.made[0].says("computed", {})
        await happens(lambda: "KeyError" in capsys.readouterr().err)
        await crew.end()

    asyncio.run(use())


def test_a_job_waits_until_all_of_it_is_begun(made: list[Member]) -> None:
    async def use() -> None:
        crew = await crew_of(queue=1)
        job = Job.of("translate", "m", ["a", "b"])
        crew.submit(job)
        number = job.order.number
        made[0].says("began", [number], [])
        await happens(lambda: crew.computing)
        with pytest.raises(Refused, match="1 requests are waiting"):
            crew.submit(Job.of("translate", "m", ["a"]))
        made[0].says("began", [number], [number])
        await happens(lambda: not crew.waiting)
        crew.submit(Job.of("translate", "m", ["a"]))
        await crew.end()

    asyncio.run(use())


def test_a_worker_is_killed_when_it_gives_no_sign_of_life_and_not_before(made: list[Member]) -> None:
    async def use() -> None:
        crew = await crew_of(timeout=0.2, grace=0.2)
        made[0].says("began", [1], [1])
        for _ in range(12):
            await asyncio.sleep(0.1)
            made[0].says("alive")
        assert not made[0].killed
        await happens(lambda: made[0].killed)
        await crew.end()

    asyncio.run(use())


def test_a_log_that_nobody_reads_any_more_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

        def flush(self) -> None:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("sys.stderr", Closed())
    module.say("ending")
