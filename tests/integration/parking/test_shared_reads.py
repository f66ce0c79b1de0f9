"""When a cache expires, hundreds ask the same at once: one read answers them all."""

import asyncio

import pytest

from parking.services.shared_reads import SharedReads

pytestmark = pytest.mark.anyio


class Source:
    """Something slow to read, that counts how often it was."""

    def __init__(self) -> None:
        self.reads = 0
        self.may_answer = asyncio.Event()
        self.error: Exception | None = None

    async def read(self) -> int:
        self.reads += 1
        mine = self.reads
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return mine


async def test_all_who_ask_at_once_share_one_read_and_the_next_reads_anew() -> None:
    source, reads = Source(), SharedReads[str, int]()
    asking = [asyncio.create_task(reads.read("lot", source.read)) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()  # one sender hangs up; nobody else is to notice
    await asyncio.sleep(0)
    source.may_answer.set()
    assert await asyncio.gather(*asking[1:]) == [1] * 49
    assert await reads.read("lot", source.read) == 2


async def test_nobody_joins_a_read_from_before_a_change() -> None:
    source, reads = Source(), SharedReads[str, int]()
    before = asyncio.create_task(reads.read("key", source.read))
    await asyncio.sleep(0)
    reads.forget()
    after = [asyncio.create_task(reads.read("key", source.read)) for _ in range(2)]
    await asyncio.sleep(0)
    source.may_answer.set()
    assert await before == 1
    assert await asyncio.gather(*after) == [2, 2]


async def test_an_error_reaches_all_who_wait_and_is_not_kept() -> None:
    source, reads = Source(), SharedReads[str, int]()
    source.error = ValueError("no answer")
    source.may_answer.set()
    answers = await asyncio.gather(
        *(reads.read("lot", source.read) for _ in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [ValueError] * 3
    source.error = None
    assert await reads.read("lot", source.read) == 2
