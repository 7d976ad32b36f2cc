"""Asking the command line about bad input, and what every answer must be like."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

SECONDS = 2.0
"""Processor time a text may take."""

MEMORY = 300 * 2**20

_HEAD = re.compile(r"^(error|warning)\[([a-z-]+)\]: (.+)$")
_TURN = re.compile(r"\n@@ (\d+)\n")
_START = "import sys; from netlang.cli.main import main; main()"


@dataclass(frozen=True)
class Answer:
    """What a command said, and what it took."""

    code: int
    out: str
    err: str
    seconds: float = 0.0
    memory: int = 0

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def rules(self) -> list[str]:
        """The rules of the errors, and of the warnings where there is no error."""
        heads = [m for line in self.text.splitlines() if (m := _HEAD.match(line))]
        errors = [m[2] for m in heads if m[1] == "error"]
        return errors or [m[2] for m in heads]


def ask(*args: str | Path) -> Answer:
    """Run a command in this process."""
    from netlang.cli.guard import guarded
    from netlang.cli.main import program

    out, err = io.StringIO(), io.StringIO()
    started = time.process_time()
    with redirect_stdout(out), redirect_stderr(err):
        code = guarded(program, [str(a) for a in args])
    return Answer(code, out.getvalue(), err.getvalue(), time.process_time() - started)


def ask_apart(
    *args: str | Path,
    options: Sequence[str] = (),
    start: str = _START,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    address_space: int | None = None,
    stdin: int = subprocess.DEVNULL,
    timeout: float = 120,
) -> Answer:
    """Run a command in a process of its own, and measure it."""

    def limit() -> None:
        if address_space is not None:
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))

    command = [sys.executable, "-I", *options, "-c", start, *(str(a) for a in args)]
    with subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ if env is None else env),
        cwd=cwd,
        preexec_fn=limit,
    ) as process:
        out, err = process.communicate(timeout=timeout)
        code = process.returncode
    return Answer(code, out.decode(), err.decode())


def ask_in_turn(
    commands: Sequence[Sequence[str | Path]],
    *,
    options: Sequence[str] = (),
    before: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> list[Answer]:
    """Run commands one after another in one process apart, each after a line of Python."""
    start = (
        "import json, sys\n"
        "for command in json.loads(sys.argv.pop()):\n"
        f"    {before or 'pass'}\n"
        "    from netlang.cli.main import main\n"
        "    sys.argv = ['netlang', *command]\n"
        "    try: main()\n"
        "    except SystemExit as ended: code = ended.code\n"
        "    print(f'\\n@@ {code}')\n"
        "    print(f'\\n@@ {code}', file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, *options, "-c", start, json.dumps(commands, default=str)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=env,
        cwd=cwd,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *outs, out = _TURN.split(done.stdout.decode())
    *errs, err = _TURN.split(done.stderr.decode())
    assert (out, err) == ("", "")
    pairs = zip(outs[::2], errs[::2], outs[1::2], strict=True)
    return [Answer(int(code), out, err) for out, err, code in pairs]


def measured(*args: str | Path, timeout: float = 120) -> Answer:
    """Run a command in a process of its own that tells its processor time and its memory."""
    start = (
        "import atexit, resource, sys\n"
        "def told():\n"
        "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
        # Not ru_maxrss, which counts what the parent had when it forked.
        "    peak = open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]\n"
        "    sys.stderr.write(f'\\n@@ {used.ru_utime + used.ru_stime} {peak}')\n"
        "atexit.register(told)\n"
        "from netlang.cli.main import main\n"
        "main()\n"
    )
    answer = ask_apart(*args, start=start, timeout=timeout)
    err, _, told = answer.err.rpartition("\n@@ ")
    seconds, kib = told.split()
    return Answer(answer.code, answer.out, err, float(seconds), int(kib) * 1024)


def keeps_the_contract(answer: Answer) -> None:
    """Assert what holds for every answer: no traceback, no colors, a first line of the form."""
    text = answer.text
    assert "Traceback" not in text, text
    assert not re.search(r"\b[A-Z]\w*(Error|Exception)\b", text), text
    assert "\x1b" not in text, repr(text)
    assert answer.code in (0, 1, 2, 3), f"{answer.code}\n{text}"
    if answer.code:
        first = (answer.err or text).lstrip().splitlines()[0]
        assert _HEAD.match(first), text
        assert not first.endswith("."), first


def in_time(*args: str | Path, answer: Answer) -> None:
    """Assert that an answer took less than two seconds.

    One that seems slow is given again in a process of its own: here, the garbage collector walks
    through all that the tests before it have left.
    """
    if answer.seconds >= SECONDS:
        alone = measured(*args)
        assert alone.seconds < SECONDS, (answer.seconds, alone.seconds)


def rejected(text: str | bytes, *rules: str, folder: Path, line: int | None = None) -> Answer:
    """Check a program, and assert that a rule rejects it, at its location, in time."""
    path = folder / "bad.net"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    answer = ask("check", path)
    keeps_the_contract(answer)
    assert answer.code in (1, 2), answer.text
    assert answer.rules and answer.rules[0] in rules, answer.text
    in_time("check", path, answer=answer)
    _has_a_place(answer, path, line)
    _json_says_the_same(answer, path)
    return answer


def accepted(text: str | bytes, folder: Path, *rules: str) -> Answer:
    """Check a program, and assert that it passes, with these warnings and no others."""
    path = folder / "good.net"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    answer = ask("check", path)
    keeps_the_contract(answer)
    assert (answer.code, answer.rules) == (0, list(rules)), answer.text
    assert answer.seconds < SECONDS, answer.seconds
    return answer


_WITHOUT_A_PLACE = frozenset(
    {"not-text", "no-such-file", "not-a-file", "unreadable-file", "file-too-large"}
)


def _has_a_place(answer: Answer, path: Path, line: int | None) -> None:
    if answer.rules[0] in _WITHOUT_A_PLACE:
        assert path.name in answer.text
        return
    shown = re.escape(path.name)
    places = re.findall(rf"--> \S*{shown}(?::(\d+):\d+)?$", answer.text, re.M)
    assert places, answer.text
    if line is not None:
        assert str(line) in places, answer.text


def _json_says_the_same(answer: Answer, path: Path) -> None:
    told = ask("check", path, "--json")
    assert told.code == answer.code
    assert told.err == ""
    found = json.loads(told.out)["diagnostics"]
    first = found[0]
    head = _HEAD.match(answer.text.lstrip().splitlines()[0])
    assert head is not None
    assert (first["severity"], first["rule"]) == (head[1], head[2])
    assert head[3].split("<U+")[0].strip() in " ".join(first["message"].split("\n")[:1])
    if first["rule"] in _WITHOUT_A_PLACE:
        return
    place = re.search(r"--> \S+?:(\d+):(\d+)$", answer.text, re.M)
    if place:
        assert (str(first["line"]), str(first["column"])) == (place[1], place[2])


def net(body: str, signature: str = "x: f32[N, 3, 16, 16]") -> str:
    """Write a net whose output is the expression ``body``; it stands on line 2."""
    return f"net A({signature}) -> y {{\n  y = {body}\n}}\n"
