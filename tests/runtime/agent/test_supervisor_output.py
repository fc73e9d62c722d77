"""What a child writes reaches the log line by line, and what is noise reaches nothing."""

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.supervisor.output import LINE_BYTES, Output

NOISE = "PROMPT"


async def read(written: list[bytes], caplog: pytest.LogCaptureFixture | None = None) -> tuple[Output, list[str]]:
    """What became of these writes: the output, and the lines that were logged."""
    ours, its = os.pipe()
    output = Output(ours, "ollama", lambda line: NOISE in line)
    for part in written:
        await asyncio.to_thread(os.write, its, part)
        await asyncio.sleep(0.01 if len(part) > LINE_BYTES else 0)  # long enough that it is read before the next part
    os.close(its)
    await output.end(5)
    await output.close()
    records = caplog.records if caplog else []
    return output, [record.__dict__["fields"]["line"] for record in records if record.msg == "output"]


@pytest.fixture(autouse=True)
def info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


@pytest.mark.parametrize(
    ("written", "logged"),
    [
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"o", b"n", b"e\n", b"\n", b"two"], ["one", "two"]),
        ([b"\xff\xfe\n"], ["\ufffd\ufffd"]),
        ([b"a PROMPT b\nafter\n"], ["after"]),
        ([b"PROMPT without an end"], []),
        ([b"", b"\n\r\n"], []),
    ],
)
async def test_lines_go_through_but_noise(
    written: list[bytes], logged: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    output, lines = await read(written, caplog)
    assert lines == logged
    assert output.tail == " | ".join(logged)


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("parts", [1, 2])
async def test_no_part_of_a_line_too_long_to_judge_gets_through(
    parts: int, end: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    long = b"PROMPT " + b"x" * (3 * LINE_BYTES)
    last = b" canary" + end
    written = [long + last] if parts == 1 else [long, last]
    output, lines = await read([b"before\n", *written, b"after\n" if end else b""], caplog)
    assert lines == (["before", "after"] if end else ["before"])
    assert "canary" not in output.tail


async def test_only_the_last_words_are_kept_and_not_all_of_them() -> None:
    output, _ = await read([b"".join(b"%d %s\n" % (number, b"x" * 1000) for number in range(50))])
    assert output.tail.startswith("42 xxx")
    assert len(output.tail) < 8 * 310


async def test_a_pipe_that_somebody_holds_open_is_not_waited_for_long() -> None:
    ours, its = os.pipe()
    output = Output(ours, "ollama", lambda _: False)
    os.write(its, b"last words\n")
    await output.end(0.05)
    assert output.tail == "last words"
    await output.close()
    os.close(its)


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_however_it_is_cut_the_lines_are_the_same(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    one, other = asyncio.run(read(parts)), asyncio.run(read([whole]))
    assert one[0].tail == other[0].tail
    expected = [line.decode(errors="replace").strip() for line in whole.split(b"\n")]
    kept = [line for line in expected if line and NOISE not in line]
    assert one[0].tail == " | ".join(line[:300] for line in kept[-8:])
