"""A job that is killed and started again leaves, byte for byte, what an undisturbed one leaves."""

import os
import random
import re
import signal
import time
from pathlib import Path

import pytest
import tiny_jobs
from conftest import Count

pytestmark = pytest.mark.slow

NAMED = re.compile(r"state-(\d{8})-[0-9a-f]{64}\.safetensors")


def states(folder: Path) -> dict[int, Path]:
    """The saved states of the job in this folder, by number."""
    paths = folder.glob(".state/*/state-*")
    return {int(match[1]): path for path in paths if (match := NAMED.fullmatch(path.name))}


def wait_for_state(process: tiny_jobs.Running, folder: Path, number: int) -> bool:
    """Wait until this state is there; False when the job ended before."""
    while max(states(folder), default=0) < number:
        if process.poll() is not None:
            return False
        time.sleep(0.002)
    return True


def is_half_written(folder: Path) -> bool:
    return any(name.startswith(".state-") for name in os.listdir(folder))


def wait_for_write(process: tiny_jobs.Running, folder: Path) -> None:
    """Wait until a state is being written, or the job has ended."""
    (directory,) = (folder / ".state").iterdir()
    while process.poll() is None and not is_half_written(directory):
        pass


def assert_no_half_output(folder: Path, whole: dict[str, str]) -> None:
    """Whatever output is there is whole."""
    assert tiny_jobs.results(folder).items() <= whole.items()


def assert_finished(folder: Path, whole: dict[str, str]) -> None:
    assert tiny_jobs.results(folder) == whole
    # Nothing else stays: no state, no lock, no temporary file.
    assert list((folder / ".state").iterdir()) == []
    assert {path.name for path in folder.iterdir()} == {*whole, ".state"}


@pytest.mark.parametrize("step", tiny_jobs.RESUMABLE)
def test_sigkill_at_random_moments(
    step: str, reference: Path, tmp_path: Path, count: Count
) -> None:
    chance = random.Random(f"moments of {step}")
    whole = tiny_jobs.results(reference / step)
    kills, during_write, life = 0, 0, 0
    while kills < 6:
        life += 1
        folder = tmp_path / str(life)
        flags = tiny_jobs.arguments(step, folder, reference)
        moments = sorted(chance.sample(range(1, tiny_jobs.SAVES[step] * 9 // 10), 6))
        for number in moments[kills:]:
            with tiny_jobs.start(step, flags) as process:
                alive = wait_for_state(process, folder, number)
                if kills % 2 and alive:
                    wait_for_write(process, folder)
                else:
                    time.sleep(chance.uniform(0, 0.01))
                process.kill()
                _, text = process.communicate()
            if not alive:  # it was done before it could be killed
                assert process.returncode == 0, text
                break
            kills += 1
            (directory,) = (folder / ".state").iterdir()
            during_write += is_half_written(directory)
            assert_no_half_output(folder, whole)
        status, text = tiny_jobs.run(step, flags)
        equal = status == 0 and tiny_jobs.results(folder) == whole
        count("kill points with equal results", kills if equal else 0, kills)
        count("kill points that fell into the write of a state", during_write, kills)
        assert status == 0, text
        assert_finished(folder, whole)


@pytest.mark.parametrize("step", tiny_jobs.RESUMABLE)
def test_sigkill_at_each_kind_of_write(
    step: str, reference: Path, tmp_path: Path, count: Count
) -> None:
    chance = random.Random(f"writes of {step}")
    whole = tiny_jobs.results(reference / step)
    flags = tiny_jobs.arguments(step, tmp_path, reference)
    output = chance.choice(list(tiny_jobs.OUTPUTS[step].values()))
    third = tiny_jobs.SAVES[step] // 3
    moments = [
        f"open /\\.state- {chance.randint(1, third)}",  # before the state's first byte
        f"os.rename /state- {chance.randint(1, third)}",  # it is whole, but not yet in place
        f"os.remove /state- {chance.randint(1, third // 2)}",  # it is in place, the old one too
        f"os.rename /{re.escape(output)}$ 1",  # some outputs are there
        "os.rename /manifest\\.json$ 1",  # all are there but the last
    ]
    for moment in moments:
        status, text = tiny_jobs.run(step, flags, VAML_TEST_DIE_AT=moment)
        assert status == -signal.SIGKILL, f"{moment}: {text}"
        assert_no_half_output(tmp_path, whole)
    status, text = tiny_jobs.run(step, flags)
    equal = status == 0 and tiny_jobs.results(tmp_path) == whole
    count("kill points with equal results", len(moments) if equal else 0, len(moments))
    assert status == 0, text
    assert_finished(tmp_path, whole)
    # It went on from states that were saved before the kills, one after the other.
    resumed_from = tiny_jobs.volatile(tmp_path)["resumed_from"]
    assert len(resumed_from) >= 3
    assert resumed_from == sorted(set(resumed_from))


@pytest.mark.parametrize("step", tiny_jobs.RESUMABLE)
def test_sigterm_and_sigusr1_twice_in_a_row(
    step: str, reference: Path, tmp_path: Path, count: Count
) -> None:
    whole = tiny_jobs.results(reference / step)
    flags = tiny_jobs.arguments(step, tmp_path, reference)
    sent = 0
    for _ in range(2):
        # Without a signal it would not save at all.
        with tiny_jobs.start(step, flags, VAML_STATE_SECONDS="1e6") as process:
            lock = tmp_path / ".state"
            while not list(lock.glob("*/lock")):
                assert process.poll() is None
                time.sleep(0.002)
            time.sleep(0.2)
            for number in (signal.SIGUSR1, signal.SIGTERM):
                before = max(states(tmp_path), default=0)
                process.send_signal(number)
                process.send_signal(number)
                sent += 2
                if number == signal.SIGUSR1:
                    assert wait_for_state(process, tmp_path, before + 1)
                else:
                    _, text = process.communicate()
                    assert process.returncode == 128 + signal.SIGTERM, text
                    assert text.splitlines()[-1].endswith("goes on from the saved state")
                    assert states(tmp_path)
    status, text = tiny_jobs.run(step, flags)
    equal = status == 0 and tiny_jobs.results(tmp_path) == whole
    count("signals with equal results", sent if equal else 0, sent)
    assert status == 0, text
    assert_finished(tmp_path, whole)


def damage(path: Path, how: str) -> None:
    block = bytearray(path.read_bytes())
    if how == "truncated":
        path.write_bytes(block[: len(block) // 2])
    else:
        block[-1] ^= 1
        path.write_bytes(block)


def test_a_damaged_state_is_named_and_passed_over(
    reference: Path, tmp_path: Path, count: Count
) -> None:
    step = "train_mbac"
    whole = tiny_jobs.results(reference / step)
    flags = tiny_jobs.arguments(step, tmp_path, reference)
    # The newest truncated, then the newest flipped, then both states damaged.
    damages = [("truncated",), ("flipped",), ("flipped", "truncated")]
    for attempt, damages_now in enumerate(damages):
        status, text = tiny_jobs.run(step, flags, VAML_TEST_DIE_AT="os.rename /state- 40")
        assert status == -signal.SIGKILL, text
        if attempt:
            assert text.count("it is ignored\n") == 1
            assert "goes on from env_step" in text
        newest_first = sorted(states(tmp_path).items(), reverse=True)
        assert len(newest_first) == 2
        for (_, path), how in zip(newest_first, damages_now, strict=False):
            damage(path, how)
    status, text = tiny_jobs.run(step, flags)
    assert status == 0, text
    assert text.count("it is ignored\n") == 2
    assert "goes on" not in text
    found = len(damages) if tiny_jobs.results(tmp_path) == whole else 0
    count("damaged states passed over, with equal results", found, len(damages))
    assert_finished(tmp_path, whole)
