"""Arguments that are plain numbers, judged in one place."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from inspect import signature
from operator import index
from typing import TYPE_CHECKING, Any

from mdmkit.core.errors import InputError, InputTypeError, printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNITS = {"": 0, "k": 10, "M": 20, "G": 30, "T": 40}


def as_bytes(value: Any, argument: str = "memory") -> int:
    """Bytes from a number, or from "2G", "500M", "64k".

    Examples
    --------
    >>> as_bytes("1.5k"), as_bytes(1e3)
    (1536, 1000)
    """
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(?:i?B)?", value.strip())
        if match and len(match[1]) < 20:
            return int(float(match[1]) * 2 ** _UNITS[match[2]])
    elif not isinstance(value, (bool, bytes)):
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):
            number = -1
        if number >= 0:
            return number
    raise InputError(f"expected a size such as 500M or 2G, found {value!r}", argument=argument)


def check_that(holds: object, expected: str, found: object, argument: str) -> None:
    """Refuse a value of which something does not hold."""
    if not holds:
        raise InputError(f"expected {expected}, found {found!r}", argument=argument)


def check_share(value: float, argument: str) -> None:
    """Refuse a number outside (0, 1]."""
    check_that(0 < value <= 1, "a number in (0, 1]", value, argument)


def as_choice(value: object, choices: Collection[str | None], argument: str) -> Any:
    """Check that a value is one of some names, and nothing that only compares like one.

    Examples
    --------
    >>> as_choice("pooled", ("pooled", "per_image"), "aggregate")
    'pooled'
    """
    one = (value is None or isinstance(value, str)) and value in choices
    if not one:
        meant = _meant(value, [choice for choice in choices if choice])
        named = ", ".join(map(str, choices))
        raise InputError(f"expected one of {named}, found {value!r}{meant}", argument=argument)
    return value


def _meant(value: object, choices: Collection[str]) -> str:
    """Suggest the choice that a text abbreviates, or is nearest to."""
    if not isinstance(value, str) or not value:
        return ""
    letters = re.compile(".*".join(map(re.escape, value.lower())), re.DOTALL)
    short = [choice for choice in choices if len(value) > 1 and letters.search(choice)]
    near = short or get_close_matches(value.lower(), choices, 1)
    return f"; did you mean {near[0]}?" if near else ""


def check_among(names: Iterable[str], known: Collection[str], what: str, argument: str) -> None:
    """Refuse names that are not known."""
    unknown = [name for name in names if name not in known]
    if unknown:
        expected, found = (printable(", ".join(each)) for each in (known, unknown))
        raise InputError(f"expected {what} among {expected}, found {found}", argument=argument)


def as_texts(value: object, argument: str, what: str = "text, or several") -> tuple[str, ...]:
    """Several texts, of which one may stand alone.

    Examples
    --------
    >>> as_texts("folder", "by"), as_texts(["folder", "size=0,9"], "by")
    (('folder',), ('folder', 'size=0,9'))
    """
    if isinstance(value, str):
        return (value,)
    texts = tuple(value) if isinstance(value, Iterable) else (None,)
    if not all(isinstance(text, str) for text in texts):
        raise InputTypeError(f"expected {what}, found {reprlib.repr(value)}", argument=argument)
    return texts


def check_kind(value: object, kinds: tuple[type, ...], argument: str) -> None:
    """Refuse a value of another kind."""
    if not isinstance(value, kinds):
        named = " or ".join(kind.__name__ for kind in kinds)
        raise InputTypeError(f"expected a {named}, found {reprlib.repr(value)}", argument=argument)


#: How parameters are called elsewhere (scipy, scikit-learn, torchmetrics), and what they are here.
_ELSEWHERE = {
    **dict.fromkeys(("n", "b", "n_boot", "n_bootstraps", "n_resamples", "samples"), "replicates"),
    **dict.fromkeys(("random_state", "rng"), "seed"),
    **dict.fromkeys(("ci", "alpha", "level", "confidence_level"), "confidence"),
    **dict.fromkeys(("n_jobs", "workers", "num_workers", "threads"), "jobs"),
    **dict.fromkeys(("t", "tau", "margin"), "t_margin"),
    **dict.fromkeys(("ignore_label", "void_label", "ignore"), "ignore_index"),
    **dict.fromkeys(("masks", "labels", "y_true", "ground_truth", "gt"), "target"),
    **dict.fromkeys(("metric", "measures"), "metrics"),
    **dict.fromkeys(("state", "cache"), "counts"),
}


def check_options(
    function: Callable[..., object], given: Collection[str], options: Collection[str]
) -> None:
    """Refuse names, given by keyword, that are neither parameters nor among the options passed on.

    The message names the function, and the parameter that may be meant.

    Examples
    --------
    >>> def draw(frames, replicates=1000, **options): ...
    >>> try:
    ...     check_options(draw, ["n"], ["missing"])
    ... except InputTypeError as error:
    ...     print(error)
    draw() has no parameter 'n'; did you mean `replicates`?
    """
    unknown = [name for name in given if name not in options]
    if not unknown:
        return
    parameters = [
        p.name for p in signature(function).parameters.values() if p.kind != p.VAR_KEYWORD
    ]
    names, asked = [*parameters, *options], unknown[0].lower()
    near = get_close_matches(asked, names, n=1)
    near = [name for name in [_ELSEWHERE.get(asked, "")] if name in names] or near
    hint = f"did you mean `{near[0]}`?" if near else f"it has {', '.join(names)}"
    raise InputTypeError(f"{function.__name__}() has no parameter {unknown[0]!r}; {hint}")


def check_function(function: object, parameters: int, argument: str, form: str) -> None:
    """Refuse what cannot be called with so many arrays, where that can be seen beforehand."""
    try:
        if callable(function) and not isinstance(function, type):
            signature(function).bind(*[None] * parameters)
            return
    except ValueError:  # some compiled functions do not say
        return
    except TypeError:
        pass
    raise InputTypeError(f"expected a function {form}, found {function!r}", argument=argument)


def as_integer(value: Any, argument: str, least: int, what: str = "an integer") -> int:
    """An integer, of Python or numpy, that is not smaller than `least`."""
    try:
        number = index(value)
    except TypeError:
        raise InputTypeError(
            f"expected {what} >= {least}, found {value!r}", argument=argument
        ) from None
    allowed = number >= least and not isinstance(value, bool)
    check_that(allowed, f"{what} >= {least}", value, argument)
    return number


def as_floats(values: object, argument: str) -> NDArray[np.float64]:
    """One finite number, or several, as an array.

    Examples
    --------
    >>> as_floats([0, 0.5], "thresholds"), as_floats(3, "most_alarms")
    (array([0. , 0.5]), array(3.))
    """
    import numpy as np  # the help of commands needs none

    try:
        found = np.asarray(values)
    except ValueError:  # rows of unequal length
        found = np.asarray(None)
    if found.dtype.kind not in "fiu" or found.ndim > 1 or not np.isfinite(found).all():
        raise InputTypeError(
            f"expected finite numbers, found {reprlib.repr(values)}", argument=argument
        )
    return found.astype(np.float64)
