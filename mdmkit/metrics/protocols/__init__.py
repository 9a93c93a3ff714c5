"""Protocols: which conventions the numbers follow, so that a published one can be matched.

`exact` is mdmkit's own. `smiyc` follows the tools of SegmentMeIfYouCan, `maskomaly-release` the
release of Maskomaly. A protocol puts its own measures in the place of exact ones, under the
same names where they mean the same thing; measures it does not know stay exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mdmkit.core.arguments import as_choice
from mdmkit.metrics.measures import Measure
from mdmkit.metrics.protocols import maskomaly_release, smiyc


@dataclass(frozen=True)
class Protocol:
    """A set of conventions.

    Attributes
    ----------
    name : str
    footnotes : tuple of str
        What a reader of its numbers must know.
    """

    name: str
    footnotes: tuple[str, ...] = ()

    def adapt(self, measures: Iterable[Measure]) -> tuple[Measure, ...]:
        """The measures by these conventions, in the same order."""
        adapted = (_ADAPT[self.name](measure) for measure in measures)
        return tuple({measure.key: measure for measure in adapted}.values())


_ADAPT = {
    "exact": lambda measure: measure,
    "smiyc": smiyc.adapted,
    "maskomaly-release": maskomaly_release.adapted,
}
PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("exact"),
        Protocol("smiyc", smiyc.FOOTNOTES),
        Protocol("maskomaly-release", maskomaly_release.FOOTNOTES),
    )
}


def as_protocol(protocol: object) -> Protocol:
    """A protocol by its name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if isinstance(protocol, Protocol):
        return protocol
    return PROTOCOLS[as_choice(protocol, PROTOCOLS, "protocol")]
