"""Programs that try to get out of a sandbox, or to pass without being right.

A program whose reason must be "passed" asserts its own containment; each of the others must be
ended for the reason given. `HOST` is filled in with what there is on this machine to be got at.
"""

from dataclasses import dataclass

IGNORE_SIGNALS = """
import signal
signal.setitimer(signal.ITIMER_PROF, 0)
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
while True: pass
"""
DENIED = """
def denied(call, *args, errors=OSError):
    try: call(*args)
    except errors: return
    raise AssertionError(f"{call} {args} was allowed")
"""
LIBC = (
    DENIED
    + """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    if getattr(libc, name)(*args) == -1: raise OSError(ctypes.get_errno(), name)
"""
)


@dataclass(frozen=True)
class Attack:
    """`reason` is a pattern for the whole reason; `why` says what contains it."""

    name: str
    why: str
    reason: str
    program: str


ATTACKS = (
    Attack("fork bomb", "RLIMIT_NPROC, then wall clock", "time", """
import os
while True:
    try: os.fork()
    except OSError: pass
"""),
    Attack("a few processes too many", "RLIMIT_NPROC", "passed", """
import os, time
children = 0
try:
    while children < 16:
        if os.fork() == 0: time.sleep(999)
        children += 1
except OSError: pass
assert 3 <= children <= 4, children
"""),
    Attack("threads without end", "RLIMIT_NPROC", "exit 1: RuntimeError.*thread.*", """
import threading
while True: threading.Thread(target=threading.Event().wait, daemon=True).start()
"""),
    Attack("memory", "RLIMIT_AS", "memory", "x = bytearray(1 << 30)"),
    Attack("memory bit by bit", "RLIMIT_AS", "memory|time", "x = 'a'\nwhile True: x = x, x * 999"),
    Attack("memory outside any process", "seccomp", "passed", LIBC + """
denied(os.memfd_create, "x")
denied(call, "shmget", 0, 1 << 20, 0o1600)
denied(call, "msgget", 0, 0o1600)
"""),
    Attack("disk, one file", "RLIMIT_FSIZE", "exit 1: OSError.*too large.*", """
with open("x", "wb") as file:
    while True: file.write(bytes(1 << 20))
"""),
    Attack("disk, many files", "size of /tmp", "exit 1: OSError.*No space.*", """
for n in range(64):
    with open(f"x{n}", "wb") as file: file.write(bytes(1 << 20))
"""),
    Attack("flood of output", "output limit", "output", "while True: print('x' * 9999)"),
    Attack("flood of errors", "output limit", "output", """
import os
while True: os.write(2, b'x' * 9999)
"""),
    Attack("endless loop", "CPU time", "time", "while True: pass"),
    Attack("endless call into C", "CPU time", "time", "9 ** 9 ** 9"),
    Attack("endless loop in a string", "CPU time", "time", """
class Slow(Exception):
    def __str__(self):
        while True: pass
raise Slow
"""),
    Attack("ignored signals", "hard RLIMIT_CPU and wall clock", "time", IGNORE_SIGNALS),
    Attack("sleep", "wall clock", "time", "import time\ntime.sleep(999)"),
    Attack("stop itself", "wall clock", "time", "import os, signal\nos.kill(0, signal.SIGSTOP)"),
    Attack("host files", "not mounted", "passed", DENIED + """
import os
for path in HOST["files"]:
    denied(open, path)
for path in ("/proc", "/sys", "/etc", "/run", "/var", "/dev/shm", HOST["project"]):
    denied(os.listdir, path)
homes = [name for path in ("/root", "/home") if os.path.exists(path) for name in os.listdir(path)]
assert not set(homes) - set(HOST["interpreter"].split("/")), homes
"""),
    Attack("host environment", "--clearenv", "passed", """
import os
known = {"HOME", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHASHSEED", "PYTHONUTF8", "PWD", "LC_CTYPE"}
assert not set(os.environ) - known, os.environ
"""),
    Attack("network", "--unshare-net", "passed", DENIED + """
import socket
for port in (HOST["port"], 53, 80):
    denied(socket.create_connection, ("127.0.0.1", port), 1)
denied(socket.create_connection, ("1.1.1.1", 53), 1)
denied(socket.getaddrinfo, "example.org", 80)
denied(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto, b"x", ("1.1.1.1", 53))
for name in ("\\0" + HOST["abstract"], HOST["socket"]):
    denied(socket.socket(socket.AF_UNIX).connect, name)
"""),
    Attack("kill parent and all", "--unshare-pid", "passed", """
import os
for target in (1, os.getppid(), -1, *HOST["processes"]):
    try: os.kill(target, 9)
    except OSError: pass
"""),
    Attack("kill own group", "--new-session", "signal 9", "import os\nos.kill(0, 9)"),
    Attack("write elsewhere", "read-only mounts", "passed", DENIED + """
import os
for path in ("/", "/usr/lib", "/dev", "/lib", os.path.dirname(os.__file__)):
    denied(open, path + "/x", "w")
for path in ("/inside.py", os.__file__): denied(open, path, "a")
denied(os.mkdir, "/x"); denied(os.rmdir, "/tmp"); denied(os.mknod, "x", 0o20666, os.makedev(1, 1))
"""),
    Attack("import packages", "not mounted", "passed", DENIED + """
import sys
sys.path += [HOST["project"], *HOST["packages"]]
def load(name): __import__(name)
for name in ("tts_search", "pytest", "hydra", "pip"): denied(load, name, errors=ImportError)
"""),
    Attack("privileges", "uid, capabilities, no_new_privs, seccomp", "passed", LIBC + """
import resource
assert 0 not in (os.getuid(), os.geteuid(), os.getgid(), *os.getgroups())
denied(os.setuid, 0); denied(os.setgid, 0); denied(os.setgroups, [0]); denied(os.chroot, "/tmp")
denied(os.setpriority, os.PRIO_PROCESS, 0, -5)
denied(call, "unshare", 0x10000000); denied(call, "unshare", 0x20000)
denied(call, "mount", b"x", b"/tmp", b"tmpfs", 0, None); denied(call, "ptrace", 0, 0, 0, 0)
denied(call, "clone", None, None, 0x10000000 | 17, None)
for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NPROC):
    value = resource.getrlimit(which)[1] + 1
    denied(resource.setrlimit, which, (value, value), errors=(OSError, ValueError))
"""),
    Attack("outlive the run", "end of the process namespace", "passed", """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 99)
        time.sleep(999)
    os._exit(0)
os.wait()
"""),
    Attack("close all descriptors", "no nonce", "exit .*", "import os\nos.closerange(0, 99)"),
    Attack("flood all descriptors", "limits of output and report", "output", """
import os
for descriptor in range(3, 99):
    try:
        while True: os.write(descriptor, b'x' * 9999)
    except OSError: pass
"""),
    Attack("forge the report", "nonce", "ended early", """
import os
for descriptor in range(1, 99):
    try: os.write(descriptor, b"+passed")
    except OSError: pass
os._exit(0)
"""),
    Attack("print a nonce", "private descriptor", "ended early", """
import sys
print("+" + "0" * 32, flush=True)
sys.exit(0)
"""),
    Attack("os._exit", "no nonce", "ended early", "import os\nos._exit(0)\nassert False"),
    Attack("sys.exit", "no nonce", "ended early", "import sys\nsys.exit(0)\nassert False"),
    Attack("SystemExit", "no nonce", "ended early", "raise SystemExit\nassert False"),
    Attack("exit from a thread", "no nonce", "ended early", """
import os, threading, time
threading.Thread(target=os._exit, args=(0,)).start()
time.sleep(9)
"""),
    Attack("deep recursion", "Python's own limit", "exit 1: RecursionError.*", """
def deep(): deep()
deep()
"""),
    Attack("deeper recursion", "stack, memory or time", "signal 11|memory|time", """
import sys
sys.setrecursionlimit(10 ** 9)
class Deep:
    def __getattr__(self, name): return getattr(self, name)
Deep().x
"""),
    Attack("crash", "a process of its own", "signal 11", "import ctypes\nctypes.string_at(0)"),
    Attack("huge program", "no limit reached", "passed", "#" * 1_000_000 + "\nassert True"),
    Attack("huge nonsense", "the compiler", "exit 1: SyntaxError.*|output", "(" * 1_000_000),
    Attack("NUL", "the compiler", "exit 1: (Syntax|Value)Error.*null bytes.*", "x = 1\0"),
    Attack("lone surrogate", "the compiler", "exit 1: UnicodeEncodeError.*", "x = '\ud800'"),
    Attack("patched builtins", "names held before", "exit 1.*", """
import builtins, os, sys
sys.stdout = sys.stderr = sys.excepthook = None
os.write = os._exit = builtins.exec = builtins.open = builtins.compile = None
builtins.isinstance = lambda *args: True
try: assert False, "right"
except AssertionError as error: right = error
builtins.AssertionError = builtins.BaseException = ZeroDivisionError
builtins.isinstance = lambda thing, kind: False
raise right
"""),
    Attack("exception without words", "caught again", "exit 1: Mute", """
class Mute(BaseException):
    def __str__(self): raise self
raise Mute
"""),
    Attack("read input", "nothing to read", "passed", "import sys\nassert sys.stdin.read() == ''"),
    Attack("spare descriptors", "closed", "passed", """
import os
def is_open(descriptor):
    try: return bool(os.fstat(descriptor))
    except OSError: return False
assert len([n for n in range(999) if is_open(n)]) == 4, "three and the report"
"""),
)  # fmt: skip
