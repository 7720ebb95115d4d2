"""The Pareto front: networks that no other beats in both quality and cost."""

from collections.abc import Mapping


def front(quality: Mapping[str, float], cost: Mapping[str, tuple[float, float]]) -> list[str]:
    """Names that no other beats, cheapest first.

    One beats another if it is better and not more expensive, or equal and cheaper.

    Args:
        quality: higher is better.
        cost: range of the measurement (low, high); costs with overlapping ranges are equal.
    """

    def beats(a: str, b: str) -> bool:
        if quality[a] == quality[b]:
            return cost[a][1] < cost[b][0]
        return quality[a] > quality[b] and cost[a][0] <= cost[b][1]

    kept = [name for name in quality if not any(beats(other, name) for other in quality)]
    return sorted(kept, key=lambda name: (sum(cost[name]), quality[name]))
