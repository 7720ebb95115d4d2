"""Which errors mean that memory is too short."""

import torch

# Out-of-memory messages besides torch.OutOfMemoryError: torch's on the CPU, oneDNN's, C++'s, Apple's, cuDNN's and cuBLAS'.
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "could not create a memory object")
_NO_MEMORY += ("could not create a primitive", "bad_alloc", "bad allocation", "ALLOC_FAILED")


def out_of_memory(error: Exception) -> bool:
    """Whether the error comes from an allocator, of a device or the host."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in str(error) for words in _NO_MEMORY)
