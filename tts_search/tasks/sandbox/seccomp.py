"""A system call filter for what resource limits do not cover.

Memory outside any process (memfd, System V), namespaces of the program's own (in which it could
mount file systems without a size), and parts of the kernel with a long record of bugs. Denied
calls fail with EPERM. Numbers: arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h of Linux.
"""

import errno
import os
import struct

from tts_search.errors import ConfigError

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_* of linux/audit.h
_DENIED = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
_CLONE = (56, 220)
_CLONE3 = 435
_NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW* flag of linux/sched.h
_X32 = 0x40000000  # calls of x86_64's second table, which only this bit tells apart

# Classic BPF: operation, jump if true, jump if false, operand (linux/filter.h).
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


def program(machine: str | None = None) -> bytes:
    """The filter for `machine` (default: this one) as struct sock_filter[]. ConfigError for one
    whose numbers are not known."""
    machine = machine or os.uname().machine
    if machine not in _MACHINES:
        known = ", ".join(_MACHINES)
        raise ConfigError(f"the sandbox runs on {known}, not on {machine}; use another machine")
    column = list(_MACHINES).index(machine)
    lines = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, _MACHINES[machine]),
        (_RETURN, 0, 0, _KILL),  # a 32-bit call: another table
        (_LOAD, 0, 0, _NUMBER),
        *_when(_AT_LEAST, _X32, errno.EPERM),
        *(
            line
            for numbers in _DENIED.values()
            for line in _when(_EQUAL, numbers[column], errno.EPERM)
        ),
        *_when(_EQUAL, _CLONE3, errno.ENOSYS),  # its flags cannot be read; libc then uses clone
        (_EQUAL, 1, 0, _CLONE[column]),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *_when(_ANY_BIT, _NEW_NAMESPACES, errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def _when(test: int, operand: int, error: int) -> list[tuple[int, int, int, int]]:
    return [(test, 0, 1, operand), (_RETURN, 0, 0, _FAIL | error)]
