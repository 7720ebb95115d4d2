"""An endless stream of training batches, shared by the workers of a loader."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from torch.utils.data import IterableDataset, get_worker_info

from sr.data.plan import Plan


class Stream(IterableDataset):
    """Batch after batch of a plan; a subclass sets `plan` and makes each `batch`."""

    plan: Plan

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        offset, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        for batch in count(self.plan.first_batch + offset, stride):
            yield self.batch(batch)

    def batch(self, index: int) -> dict[str, Any]:
        """Micro-batch `index` of the run, for this process."""
        raise NotImplementedError


def unchanged(batch: dict[str, Any]) -> dict[str, Any]:
    """For DataLoader's collate_fn, which otherwise turns arrays into tensors."""
    return batch
