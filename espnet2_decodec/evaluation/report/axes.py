"""Where things go in a plot: ticks, and labels that do not lie on each other."""

import math
from collections.abc import Sequence


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten apart) from at or below `low` to at or above `high`."""
    if not high - low > 1e-9 * max(1.0, abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / wanted
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, in the same order and at least `gap` apart, within low..high where they fit."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    found = [0.0] * len(places)
    at = low - gap
    for i in order:
        at = found[i] = max(places[i], at + gap)
    at = max(high, low + gap * (len(places) - 1)) + gap
    for i in reversed(order):
        at = found[i] = min(found[i], at - gap)
    return found
