"""Whose a port is: which sockets listen on it, and whether they belong to a process group of ours (Linux's /proc)."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

__all__ = ["free_port", "listeners", "members", "port_is_free", "sockets_of"]

_LISTEN = "0A"


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on now."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def port_is_free(host: str, port: int) -> bool:
    """Whether the port can be listened on; a connection that was just closed does not count."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def listeners(host: str, port: int) -> set[str] | None:
    """Return the inodes of the sockets that get connections to a host and port; None where no /proc tells."""
    found: set[str] | None = None
    wanted = _spellings(host)
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            rows = [line.split() for line in table.read_text().splitlines()[1:]]
            listening = [(row[1].split(":"), row[9]) for row in rows if row[3] == _LISTEN]
            found = (found or set()) | {
                inode
                for (address, its_port), inode in listening
                if int(its_port, 16) == port and (not wanted or not address.strip("0") or address in wanted)
            }
    return found


def _spellings(host: str) -> set[str]:
    """Return an address as /proc/net writes it (words of four bytes, backwards); empty for every address."""
    found = set()
    for family, _, _, _, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        packed = socket.inet_pton(family, str(address[0]))
        if not any(packed):
            return set()
        found.add("".join(packed[at : at + 4][::-1].hex() for at in range(0, len(packed), 4)).upper())
    return found


def members(group: int) -> list[int]:
    """Return the living processes of a process group (its id is that of its first process)."""
    if not Path("/proc/self/stat").exists():
        return _members_unknown(group)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(its_group) == group and state not in "ZX":
                    found.append(int(entry.name))
    return sorted(found)


def _members_unknown(group: int) -> list[int]:
    try:
        os.killpg(group, 0)
    except OSError:
        return []
    return [group]


def sockets_of(processes: list[int]) -> set[str]:
    """Return the inodes of the sockets that processes hold."""
    found = set()
    for process in processes:
        with contextlib.suppress(OSError):
            for entry in Path(f"/proc/{process}/fd").iterdir():
                with contextlib.suppress(OSError):
                    target = os.readlink(entry)
                    if target.startswith("socket:["):
                        found.add(target[8:-1])
    return found
