"""Methods of whose scores higher means normal, by name."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable

from mdmkit.core.arguments import as_texts, check_among


def as_inverted(invert: str | Collection[str]) -> frozenset[str]:
    """Name the methods whose scores mean normal when they are high, from one or several.

    Parameters
    ----------
    invert : str or collection of str

    Returns
    -------
    frozenset of str

    Raises
    ------
    InputTypeError
        If it is neither a name nor a collection of names.

    Examples
    --------
    >>> as_inverted("mine"), as_inverted(())
    (frozenset({'mine'}), frozenset())
    """
    names = as_texts(invert, "invert", "names of methods")
    return frozenset(unicodedata.normalize("NFC", name) for name in names)


def check_inverted(inverted: Iterable[str], methods: Iterable[str]) -> None:
    """Refuse names that are no methods.

    Parameters
    ----------
    inverted, methods : iterable of str

    Raises
    ------
    InputError
        If a name is not among the methods.

    Examples
    --------
    >>> check_inverted(["mine"], ["mine", "other"])
    """
    check_among(sorted(inverted), list(methods), "methods", "invert")


def how_inverted(inverted: Collection[str]) -> list[str]:
    """List, for tables, the methods whose scores were inverted; empty where none was.

    Parameters
    ----------
    inverted : collection of str

    Returns
    -------
    list of str

    Examples
    --------
    >>> how_inverted(["mine"])
    ['inverted: mine (1 - score is judged, as higher means normal in its files)']
    """
    if not inverted:
        return []
    files = "its files" if len(inverted) == 1 else "their files"
    names = ", ".join(sorted(inverted))
    return [f"inverted: {names} (1 - score is judged, as higher means normal in {files})"]
