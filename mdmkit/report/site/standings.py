"""Ranks of methods, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mdmkit.report.site.saved import Cell

#: By pair of methods, the reference first: whether their paired difference excludes 0.
Differences = Mapping[tuple[str, str], bool]


@dataclass(frozen=True)
class Rank:
    """The place of a method among others.

    Attributes
    ----------
    place : int
        1 + the number of methods with a better value; equal values share a place.
    best, worst : int
        The places that cannot be excluded: 1 + the methods that are surely better, and the number
        of methods less those that are surely worse. Both equal `place` where no interval is known.
    known : bool
        Whether intervals were there to tell.
    """

    place: int
    best: int
    worst: int
    known: bool

    def __str__(self) -> str:
        """The places that are possible: "1", "2-4"; a place alone stands in brackets.

        Examples
        --------
        >>> str(Rank(2, 1, 3, known=True)), str(Rank(2, 2, 2, known=False))
        ('1-3', '(2)')
        """
        if not self.known:
            return f"({self.place})"
        return f"{self.best}" if self.best == self.worst else f"{self.best}-{self.worst}"


def rank_methods(
    cells: Mapping[str, Cell], higher_is_better: bool, differences: Differences
) -> dict[str, Rank]:
    """The ranks of all methods that have a value.

    One method is *surely* better than another if their paired difference excludes 0 or, where no
    paired difference is known, if their intervals do not touch. Where a method has no interval,
    nothing is sure, and places are by value alone.

    Parameters
    ----------
    cells : mapping of Cell
        By method.
    higher_is_better : bool
    differences : mapping of bool
        Whether the paired difference of a pair (reference, other) excludes 0.

    Returns
    -------
    dict of Rank

    Examples
    --------
    >>> cells = {"a": Cell(0.9, (0.8, 1.0)), "b": Cell(0.8, (0.7, 0.9)), "c": Cell(0.3, (0.2, 0.4))}
    >>> {name: str(rank) for name, rank in rank_methods(cells, True, {}).items()}
    {'a': '1-2', 'b': '1-2', 'c': '3'}
    >>> {name: str(rank) for name, rank in rank_methods(cells, True, {("a", "b"): True}).items()}
    {'a': '1', 'b': '2', 'c': '3'}
    """
    sign = 1.0 if higher_is_better else -1.0
    values = {name: sign * cell.value for name, cell in cells.items() if cell.value is not None}
    known = all(cells[name].interval is not None for name in values)

    def surely(one: str, other: str) -> bool:
        if values[one] <= values[other]:
            return False
        for pair in ((one, other), (other, one)):
            if pair in differences:
                return differences[pair]
        first, second = cells[one].interval, cells[other].interval
        if first is None or second is None:
            return False
        return first[0] > second[1] if higher_is_better else first[1] < second[0]

    ranks = {}
    for name, value in values.items():
        place = 1 + sum(other > value for other in values.values())
        better = sum(surely(other, name) for other in values)
        worse = sum(surely(name, other) for other in values)
        ends = (1 + better, len(values) - worse) if known else (place, place)
        ranks[name] = Rank(place, *ends, known)
    return ranks
