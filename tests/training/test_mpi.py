"""Runs in several processes, which `mpiexec` starts, on one machine and on two.

Tests ``netlang.system.mpi``, ``netlang.system.ranks`` and ``netlang.cli.ranks``.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from commands import said
from sections import LENET, section, write
from test_parallel import PLAIN, accumulating, losses, parameters

from netlang.storage.weights import load_weights
from netlang.system.ranks import launched

HERE = Path(__file__).parent
MPIEXEC = Path(sys.executable).with_name("mpiexec")
CHARACTERS = """
dataset texts -> (x: i64[12], y: i64[12]) {
  npz = "texts.npz"
}

net Net(x: i64[N, T]) -> logits: f32[N, T, 20] {
  logits = (x |> embedding(20, 16) |> rnn(32)).y |> dense(20)
}

train it {
  data = texts() |> batches(16, shuffle=true)
  model = new Net()
  loss = cross_entropy(model(batch.x), batch.y)
  optimizer = adam(0.002)
  run = 4 epochs
}
"""
NORMED = LENET.replace("conv(4, 3, pad=1) |>", "conv(4, 3, pad=1) |> batch_norm |>").replace(
    "conv(6, 3) |>", "conv(6, 3) |> batch_norm |>"
)
PROGRAMS = {
    "mlp": section(PLAIN, "sgd(0.05, momentum=0.9)"),
    "lenet": section(LENET, "adam(0.002)"),
    "characters": CHARACTERS,
    "normed": section(NORMED, "adam(0.002)"),
}
STEPS = 200


def program(folder: Path, name: str, text: str, steps: int = STEPS) -> Path:
    """Write a program, and data for it."""
    write(folder, text)
    letters = np.random.default_rng(1).integers(0, 20, (40, 13))
    np.savez(folder / "texts.npz", x=letters[:, :-1], y=letters[:, 1:])
    path = folder / f"{name}.net"
    path.write_text(text.replace("run = 4 epochs", f"run = {steps} steps"), "utf-8")
    return path


def job(count: int, *command: str | Path, wait: float = 240) -> subprocess.CompletedProcess[str]:
    """Run a Python program in some ranks."""
    words = [MPIEXEC, "-n", str(count), sys.executable, *command]
    # Warnings of netlang would be errors, as in these tests.
    return subprocess.run(words, capture_output=True, text=True, timeout=wait, check=False)


def trained(
    count: int, *arguments: str | Path, wait: float = 240
) -> subprocess.CompletedProcess[str]:
    return job(count, HERE / "train_in_ranks.py", *arguments, wait=wait)


@pytest.mark.slow
def test_1_2_and_4_ranks_have_the_same_losses_and_their_parameters_move(tmp_path: Path) -> None:
    programs = [program(tmp_path, name, text) for name, text in PROGRAMS.items()]
    for count in (1, 2, 4):
        done = trained(count, tmp_path / f"of_{count}", *programs)
        assert done.returncode == 0, done.stderr
    for name in PROGRAMS:
        found = {count: losses(tmp_path / f"of_{count}" / name) for count in (1, 2, 4)}
        assert len(found[1]) == STEPS
        for count in (2, 4):
            expected = found[1]
            if name == "normed":
                text = accumulating(PROGRAMS[name], count)
                one = program(tmp_path, f"normed_{count}", text)
                assert trained(1, tmp_path / "one", one).returncode == 0
                expected = losses(tmp_path / "one" / f"normed_{count}")
            difference = [
                abs(a["loss"] - b["loss"]) for a, b in zip(found[count], expected, strict=True)
            ]
            assert max(difference) < 1e-5, (name, count)
        require_movement(tmp_path, name, programs)


def require_movement(folder: Path, name: str, programs: list[Path]) -> None:
    """Fail unless every parameter is another one than at the beginning, and the loss is smaller."""
    import netlang

    path = next(each for each in programs if each.stem == name)
    before = netlang.load(path).network("Net").parameters.arrays()
    for count in (2, 4):
        run = folder / f"of_{count}" / name
        for key, array in parameters(run).items():
            assert np.abs(array - before[key.removeprefix("model.")]).max() > 1e-3, key
        assert losses(run)[-1]["loss"] < 0.9 * losses(run)[0]["loss"]


@pytest.mark.slow
def test_a_run_of_two_ranks_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    path = program(tmp_path, "normed", PROGRAMS["normed"], 30)
    assert trained(2, tmp_path / "whole", path).returncode == 0
    assert trained(2, tmp_path / "run", "1:stop:11", path).returncode == 0
    assert trained(2, tmp_path / "run", "resume", path).returncode == 0
    whole, resumed = (
        load_weights(tmp_path / name / "normed" / "checkpoint.safetensors")
        for name in ("whole", "run")
    )
    for key, array in whole.items():
        np.testing.assert_array_equal(resumed[key], array, err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kill", "raise"])
def test_a_rank_that_dies_ends_the_job_within_ten_seconds(kind: str, tmp_path: Path) -> None:
    path = program(tmp_path, "lenet", PROGRAMS["lenet"], 1_000_000)
    began = time.monotonic()
    assert trained(2, tmp_path / "first", "1:stop:5", path).returncode == 0
    usual = time.monotonic() - began
    began = time.monotonic()
    done = trained(2, tmp_path / "second", f"1:{kind}:5", path)
    assert time.monotonic() - began - usual < 10
    assert done.returncode != 0
    if kind == "raise":
        said = done.stderr.splitlines()
        assert re.fullmatch(r"rank 1 of 2, on \S+:", said[0])
        assert said[1] == "OSError: the disk of this machine is gone"
    else:
        assert "signal 9" in done.stdout + done.stderr


def netlang(*arguments: str | Path) -> list[str]:
    return ["-m", "netlang", *map(str, arguments)]


@pytest.mark.slow
def test_the_first_rank_prints_and_an_error_of_all_is_printed_once(tmp_path: Path) -> None:
    path = program(tmp_path, "mlp", PROGRAMS["mlp"], 6)
    done = job(2, *netlang("train", path, "--parallel", "mpi", "--run", tmp_path / "run"))
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split("  ")[0] for line in done.stdout.splitlines()] == [
        "reading rows ...", "it: 1,091 parameters, 40 examples, 3 steps per epoch",
        f"run: {tmp_path / 'run'}", "epoch 1/2", "epoch 2/2",
    ]  # fmt: skip
    alone = subprocess.run(
        [sys.executable, *netlang("train", path, "--parallel", "mpi", "--run", tmp_path / "one")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert alone.returncode == 0
    assert alone.stderr == (
        "note: this is one process; start several with "
        f"`mpiexec -n 2 netlang train {path} --parallel mpi`\n"
    )
    again = job(2, *netlang("train", path, "--parallel", "mpi", "--run", tmp_path / "run"))
    assert again.returncode == 2
    assert again.stderr.count("holds a run already") == 1
    three = job(3, *netlang("train", path, "--parallel", "mpi", "--run", tmp_path / "other"))
    assert three.returncode == 1
    assert three.stderr.count("batches of 16 examples cannot be divided among 3 ranks") == 1


@pytest.mark.slow
def test_an_interrupted_job_saves_its_run_and_says_how_to_resume(tmp_path: Path) -> None:
    path = program(tmp_path, "mlp", PROGRAMS["mlp"], 1_000_000)
    run = tmp_path / "run"
    words = [MPIEXEC, "-n", "2", sys.executable, *netlang("train", path, "--parallel", "mpi")]
    with subprocess.Popen(
        [*words, "--run", run], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while "epoch 2/" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    resuming = f"`mpiexec -n 2 netlang train {path} it --resume --run {run} --parallel mpi`"
    assert re.search(rf"interrupted after step [\d,]+; resume with {re.escape(resuming)}", errors)
    assert (run / "checkpoint.safetensors").exists()


@contextmanager
def two_hosts() -> Generator[dict[str, str]]:
    """Yield the names and addresses of two network namespaces that are connected by a cable."""
    tag = f"nl{os.getpid() % 100_000}"
    names = {f"{tag}a": "10.77.0.1", f"{tag}b": "10.77.0.2"}

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)

    try:
        try:
            for name in names:
                ip("netns", "add", name)
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", None) or str(error)
            pytest.skip(f"network namespaces are not permitted here: {reason.strip()}")
        first, second = names
        ip("link", "add", "cable", "netns", first, "type", "veth", "peer", "cable", "netns", second)
        for name, address in names.items():
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@pytest.mark.slow
def test_two_hosts_train_together(tmp_path: Path) -> None:
    path = program(tmp_path, "lenet", PROGRAMS["lenet"], 30)
    assert trained(2, tmp_path / "here", path).returncode == 0
    with two_hosts() as hosts:
        first, *_ = hosts
        # What ssh would do: run a command on a host, which is given by its address.
        connect = tmp_path / "connect"
        lines = [f"{address}) name={name};;" for name, address in hosts.items()]
        connect.write_text(
            "#!/bin/sh\n[ \"$1\" = -x ] && shift\nhost=$1; shift\n"
            f"case $host in {' '.join(lines)} esac\n"
            'exec ip netns exec "$name" unshare --uts sh -c "hostname $name; $*"\n',
            "utf-8",
        )  # fmt: skip
        connect.chmod(0o755)
        launcher = ["-launcher", "ssh", "-launcher-exec", str(connect)]
        where = ["-hosts", ",".join(hosts.values()), "-ppn", "1", "-n", "2"]
        words = ["ip", "netns", "exec", first, str(MPIEXEC), *launcher, *where]
        command = [sys.executable, HERE / "train_in_ranks.py", tmp_path / "there", path]
        done = subprocess.run(
            [*words, *command], capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr
    assert len(losses(tmp_path / "there" / "lenet")) == 30
    assert losses(tmp_path / "there" / "lenet") == losses(tmp_path / "here" / "lenet")


def test_what_mpiexec_tells_a_process() -> None:
    assert launched({}) == 1
    assert launched({"PMI_SIZE": "4"}) == 4
    assert launched({"OMPI_COMM_WORLD_SIZE": "3"}) == 3


def test_a_job_whose_processes_do_not_divide_the_work_is_warned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = program(tmp_path, "mlp", PROGRAMS["mlp"], 3)
    monkeypatch.setenv("PMI_SIZE", "4")
    code, _, errors = said(capsys, "train", path, "--run", tmp_path / "run")
    assert code == 0
    assert errors == (
        "warning: mpiexec started 4 processes, and each trains alone; they divide the work with "
        f"`mpiexec -n 4 netlang train {path} --parallel mpi`\n"
    )


def test_without_mpi4py_the_message_has_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = program(tmp_path, "mlp", PROGRAMS["mlp"], 3)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    code, _, errors = said(capsys, "train", path, "--parallel", "mpi")
    assert code == 3
    assert errors == (
        "error[missing-library]: training in several processes needs the library `mpi4py`\n"
        "   |\n"
        '   = help: install it: pip install "netlang[mpi]"\n'
        "   = help: an MPI for a laptop, with mpiexec: pip install mpich\n"
    )


@pytest.mark.parametrize("option", ["--sweep", "--dry-run"])
def test_what_is_for_one_process_is_said(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = program(tmp_path, "mlp", PROGRAMS["mlp"], 3)
    more = ["lr=0.1,0.2"] if option == "--sweep" else []
    code, _, errors = said(capsys, "train", path, "--parallel", "mpi", option, *more)
    assert code == 2
    assert f"{option} is for one process: leave out --parallel" in errors


def test_a_process_may_train_any_number_of_times() -> None:
    """MPI has two thousand communicators, or as many as memory has."""
    pytest.importorskip("mpi4py")
    code = (
        "from netlang.training.parallel.joining import joined\n"
        "for _ in range(3000):\n"
        "    with joined('mpi') as ranks:\n"
        "        assert ranks.gather(lambda: 1) == [1]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_ranks_on_one_machine_have_equal_shares_of_its_cores() -> None:
    mpi = pytest.importorskip("mpi4py")
    del mpi
    from netlang.system.mpi import MpiRanks

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    ranks = MpiRanks.__new__(MpiRanks)
    assert cores is not None
    for local in (2, 3, 1000):
        ranks.local = local
        assert ranks.threads == max(1, cores // local)
    ranks.local = 1
    assert ranks.threads is None
