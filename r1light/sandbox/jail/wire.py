"""Messages between processes: datagrams with descriptors, and framed JSON over pipes.

A frame is four bytes of length, big-endian, and so many bytes of JSON. What a program sends is hostile: the
length is checked before anything is read, and numbers too long to convert or nested too deep are errors.
"""

from __future__ import annotations

import array
import json
import os
import socket
from typing import Any

MAX_DATAGRAM = 1 << 16
MAX_DESCRIPTORS = 16


class BrokenPeerError(Exception):
    """The other side is gone, or does not keep to the form."""


def send(sock: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    """Send a message with descriptors, over a SEQPACKET socket."""
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    sock.sendmsg([json.dumps(message).encode()], ancillary, socket.MSG_NOSIGNAL)


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next message and its descriptors, or None when the other side has closed."""
    try:
        data, ancillary, _, _ = sock.recvmsg(
            MAX_DATAGRAM, socket.CMSG_SPACE(4 * MAX_DESCRIPTORS), socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionError:
        return None
    descriptors = array.array("i")
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(payload[: len(payload) - len(payload) % 4])
    if not data:
        return None
    return json.loads(data), list(descriptors)


def write_frame(descriptor: int, value: Any, limit: int) -> None:
    """Write one JSON value.

    Raises:
        BrokenPeerError: If nobody reads any more.
        OverflowError: If it takes more than `limit` bytes.
    """
    data = json.dumps(value, separators=(",", ":")).encode()
    if len(data) > limit:
        raise OverflowError(f"a value of {len(data)} bytes of JSON, above the limit of {limit}")
    view = memoryview(len(data).to_bytes(4, "big") + data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except BrokenPipeError as error:
        raise BrokenPeerError("nobody reads") from error


def read_frame(descriptor: int, limit: int) -> Any:
    """Read one JSON value.

    Raises:
        BrokenPeerError: If the other side is gone, or sends what is no frame or is above `limit` bytes.
    """
    length = int.from_bytes(_read(descriptor, 4), "big")
    if length > limit:
        raise BrokenPeerError(f"a message of {length} bytes, above the limit of {limit}")
    try:
        return json.loads(_read(descriptor, length))
    except (ValueError, RecursionError) as error:
        raise BrokenPeerError(f"no JSON: {type(error).__name__}") from error


def _read(descriptor: int, length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = os.read(descriptor, min(length, 1 << 20))
        if not part:
            raise BrokenPeerError("the other side is gone")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
