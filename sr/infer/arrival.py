"""What a GPU has computed on its way to the host, while it computes what follows."""

from collections import deque
from collections.abc import Iterator

import torch
from torch import Tensor

Piece = tuple[int, int, *tuple[Tensor, ...]]  # top, left, and tensors


def arriving(pieces: Iterator[Piece], count: int) -> Iterator[Piece]:
    """The same pieces in order, their tensors on the host; `count` of them are under way while the next is asked for.

    A stream of its own copies them from a GPU to pinned memory, beside the network's work on the next ones.
    """
    waiting: deque[tuple[Piece, torch.cuda.Event | None]] = deque()
    stream: torch.cuda.Stream | None = None
    for piece in pieces:
        if stream is None and piece[2].is_cuda:
            stream = torch.cuda.Stream(piece[2].device)
        waiting.append((piece, None) if stream is None else _begun(piece, stream))
        del piece  # otherwise it stays on the device while the network computes the next
        if len(waiting) > count:
            yield _finished(*waiting.popleft())
    while waiting:
        yield _finished(*waiting.popleft())


def _begun(piece: Piece, stream: torch.cuda.Stream) -> tuple[Piece, torch.cuda.Event]:
    top, left, *tensors = piece
    stream.wait_stream(torch.cuda.current_stream(stream.device))
    with torch.cuda.stream(stream):
        copies = [torch.empty(one.shape, dtype=one.dtype, pin_memory=True).copy_(one, non_blocking=True) for one in tensors]
        for one in tensors:
            one.record_stream(stream)  # its memory is free after the copy, not before
        return (top, left, *copies), stream.record_event()


def _finished(piece: Piece, copied: torch.cuda.Event | None) -> Piece:
    if copied is not None:
        copied.synchronize()
    return piece
