"""Reading ahead and writing behind in threads of their own, a few frames each."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
_END = object()


def ahead(items: Iterable[T], count: int = 4) -> Iterator[T]:
    """The same items, up to `count` of them made in advance by a thread; errors arrive in their place."""
    reader, waiting, source = ThreadPoolExecutor(1), deque[Future](), iter(items)
    try:
        while True:
            while len(waiting) <= count:
                waiting.append(reader.submit(next, source, _END))
            if (item := waiting.popleft().result()) is _END:
                return
            yield item
            del item  # otherwise it stays in memory while the next one is waited for
    finally:
        reader.shutdown(cancel_futures=True)


class Behind:
    """Calls that a thread makes in order, at most `count` of them waiting; errors are raised by a later call or by `wait`."""

    def __init__(self, count: int = 4) -> None:
        self._pool, self._steps, self._count = ThreadPoolExecutor(1), deque[Future](), count

    def __call__(self, step: Callable[..., Any], *args: Any) -> None:
        """Pass on a call, once few others wait."""
        self.wait(self._count)
        self._steps.append(self._pool.submit(step, *args))

    def wait(self, left: int = 0) -> None:
        """Until at most `left` calls wait."""
        while len(self._steps) > left:
            self._steps.popleft().result()

    def close(self) -> None:
        """Leave out the calls that have not begun, and wait for the one that has."""
        self._pool.shutdown(cancel_futures=True)
