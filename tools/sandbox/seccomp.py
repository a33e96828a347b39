"""A seccomp filter, assembled by hand: the few system calls that no test has business with.

The filter is a deny list, because tests run arbitrary programs. It closes what namespaces and
Landlock leave open: other kernel entry points to sockets and files (io_uring), other
processes' memory, new namespaces and mounts, and the kernel's own attack surface.
"""

from __future__ import annotations

import errno
import platform
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_ARGUMENTS = 0, 4, 16
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_X32_BIT = 0x40000000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
# CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET: a fresh user namespace regains capabilities.
_NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x60000000
LOCAL_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)


@dataclass(frozen=True)
class _Architecture:
    audit: int
    socket: int
    ioctl: int
    clone: int
    denied: tuple[int, ...]


_COMMON = (
    *(425, 426, 427),  # io_uring_*: opens sockets and files behind the filter's back
    *(428, 429, 430, 431, 432, 433, 442),  # open_tree, move_mount, fs*, mount_setattr
    *(438, 443),  # pidfd_getfd, quotactl_fd
)
_CLONE3 = 435

_ARCHITECTURES = {
    "x86_64": _Architecture(
        audit=0xC000003E,
        socket=41,
        ioctl=16,
        clone=56,
        denied=(
            *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
            *(248, 249, 250),  # add_key, request_key, keyctl
            *(298, 321, 323),  # perf_event_open, bpf, userfaultfd
            *(155, 161, 165, 166, 272, 308),  # pivot_root, chroot, mount, umount2, unshare, setns
            *(303, 304),  # name_to_handle_at, open_by_handle_at
            *(103, 153, 154, 163, 167, 168, 169),  # syslog, vhangup, ldt, acct, swap*, reboot
            *(170, 171, 172, 173, 179),  # sethostname, setdomainname, iopl, ioperm, quotactl
            *(175, 176, 246, 313, 320),  # *_module, kexec_load, kexec_file_load
            *(159, 164, 227, 305),  # adjtimex, settimeofday, clock_settime, clock_adjtime
            *(212, 279),  # lookup_dcookie, move_pages
        ),
    ),
    "aarch64": _Architecture(
        audit=0xC00000B7,
        socket=198,
        ioctl=29,
        clone=220,
        denied=(
            *(117, 270, 271, 272),
            *(217, 218, 219),
            *(241, 280, 282),
            *(41, 51, 40, 39, 97, 268),
            *(264, 265),
            *(116, 58, 89, 224, 225, 142),
            *(161, 162, 60),
            *(105, 106, 104, 273, 294),
            *(171, 170, 112, 266),
            *(18, 239),
        ),
    ),
}


def supported(machine: str | None = None) -> bool:
    """Whether a filter can be made for `machine` (default: this one)."""
    return (machine or platform.machine()) in _ARCHITECTURES


def program(families: Iterable[int] = (), *, machine: str | None = None) -> bytes:
    """The filter as an array of `struct sock_filter`, as bubblewrap and prctl take it.

    `families` are the address families that socket() may create; none forbids it wholly.
    socketpair() stays allowed: event loops need it and it reaches nobody.
    Raises `KeyError` on a machine that `supported` denies.
    """
    architecture = _ARCHITECTURES[machine or platform.machine()]
    code = [
        _step(_LOAD, _OFFSET_ARCHITECTURE),
        _step(_JUMP_EQUAL, architecture.audit, 1, 0),
        _step(_RETURN, _KILL_PROCESS),
        _step(_LOAD, _OFFSET_NUMBER),
    ]
    if architecture.audit == _ARCHITECTURES["x86_64"].audit:
        code += [_step(_JUMP_AT_LEAST, _X32_BIT, 0, 1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    for number in (*architecture.denied, *_COMMON):
        code += [_step(_JUMP_EQUAL, number, 0, 1), _step(_RETURN, _ERRNO | errno.EPERM)]
    # clone3 hides its flags from filters in memory; libc falls back to clone when it is missing.
    code += [_step(_JUMP_EQUAL, _CLONE3, 0, 1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    code += _on_call(architecture.clone, _refuse_bits(0, _NEW_NAMESPACES))
    code += _on_call(architecture.ioctl, _refuse_values(1, (_TIOCSTI, _TIOCLINUX)))
    code += _on_call(architecture.socket, _allow_values(0, tuple(families)))
    code.append(_step(_RETURN, _ALLOW))
    return b"".join(code)


def _step(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, if_true, if_false, value)


def _on_call(number: int, block: list[bytes]) -> list[bytes]:
    """`block` for one system call; it must end by returning, for it loses the call's number."""
    return [_step(_JUMP_EQUAL, number, 0, len(block)), *block]


def _load_argument(index: int) -> bytes:
    # The low half: both architectures are little-endian and all values checked are 32 bits wide.
    return _step(_LOAD, _OFFSET_ARGUMENTS + 8 * index)


def _refuse_bits(argument: int, mask: int) -> list[bytes]:
    return [
        _load_argument(argument),
        _step(_JUMP_SET, mask, 0, 1),
        _step(_RETURN, _ERRNO | errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]


def _refuse_values(argument: int, values: tuple[int, ...]) -> list[bytes]:
    block = [_load_argument(argument)]
    for value in values:
        block += [_step(_JUMP_EQUAL, value, 0, 1), _step(_RETURN, _ERRNO | errno.EPERM)]
    return [*block, _step(_RETURN, _ALLOW)]


def _allow_values(argument: int, values: tuple[int, ...]) -> list[bytes]:
    block = [_load_argument(argument)]
    for value in values:
        block += [_step(_JUMP_EQUAL, value, 0, 1), _step(_RETURN, _ALLOW)]
    # Programs treat an unsupported family as absent and go on; EPERM would be an error to them.
    refusal = errno.EAFNOSUPPORT if values else errno.EPERM
    return [*block, _step(_RETURN, _ERRNO | refusal)]
