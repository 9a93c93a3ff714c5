"""Grammar of names: `NAME@key=value...`, as in `mdm_boundary_f@px=3@0.5@size=300:3000`."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite

from mdmkit.core.arguments import check_that
from mdmkit.core.errors import InputError

#: The option without a key: the T of a margin.
T = "T"


@dataclass
class Asked:
    """A name taken apart, with its options until somebody takes them.

    Attributes
    ----------
    text : str
        As it was written.
    name : str
        What comes before the first sign, in lower case.
    options : dict of str
        Those not taken yet; a value without a key is the T of a margin.
    known : list of str
        Keys that were looked for.
    """

    text: str
    name: str
    options: dict[str, str]
    known: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Asked:
        """Take a name apart; an option that is given twice is an error."""
        name, *parts = text.strip().split("@")
        options: dict[str, str] = {}
        for part in parts:
            key, sign, value = part.partition("=")
            key, value = (key.strip().lower(), value.strip()) if sign else (T, part.strip())
            if key in options:
                raise InputError(
                    f"expected {key} once in {text!r}, found it twice", argument="metrics"
                )
            options[key] = value
        return cls(text, name.strip().lower(), options)

    def take(self, key: str) -> str | None:
        """The value of an option, None where it is not given."""
        self.known.append(key)
        return self.options.pop(key, None)

    def number(self, key: str, default: float | None = None) -> float:
        """The value of an option as a finite number; needed where there is no default."""
        value = self.take(key)
        if value is None and default is not None:
            return default
        if value is None:
            sign = "" if key == T else f"{key}="
            raise InputError(
                f"expected a number after {self.text!r}, as in @{sign}0.5", argument="metrics"
            )
        return self._finite(value)

    def whole(self, key: str, default: int) -> int:
        """The value of an option as a whole number."""
        value = self.number(key, default)
        check_that(value % 1 == 0, f"a whole number as {key} of {self.text!r}", value, "metrics")
        return int(value)

    def range(self, key: str) -> tuple[float, float]:
        """The value A:B of an option as two numbers, `inf` allowed as the second."""
        value = self.take(key) or ""
        first, colon, last = value.partition(":")
        check_that(colon, f"a range as in @{key}=A:B in {self.text!r}", value, "metrics")
        return self._finite(first), inf if last.strip().lower() == "inf" else self._finite(last)

    def _finite(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = inf
        check_that(isfinite(value), f"a number after the sign in {self.text!r}", text, "metrics")
        return value

    def check_taken(self) -> None:
        """Refuse options that nobody looked for."""
        for key in self.options:
            known = ", ".join(dict.fromkeys(self.known)) or "none"
            raise InputError(
                f"expected options of {self.name} among: {known}; found {key} in {self.text!r}",
                argument="metrics",
            )
