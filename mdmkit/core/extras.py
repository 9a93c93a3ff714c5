"""Libraries that only some work needs: where one lacks, the error names the extra to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mdmkit.core.errors import InputError

_LIBRARIES = {
    "cli": ("PIL", "h5py", "jinja2", "matplotlib", "rich", "scipy", "typer"),
    "distributed": ("dask", "distributed"),
    "maskomaly": ("safetensors", "sklearn", "torch", "transformers"),
    "tiff": ("tifffile",),
    "torchmetrics": ("torchmetrics",),
    "video": ("av",),
    "zarr": ("zarr",),
}
#: The extra that brings each optional library, by the name it is imported by.
EXTRAS = {name: extra for extra, names in _LIBRARIES.items() for name in names}


class MissingLibraryError(InputError, ModuleNotFoundError):
    """A library of an extra is not installed; the message names both."""


def how_to_install(error: ModuleNotFoundError) -> str | None:
    """The command, in mdmkit's source folder, that installs what an import lacks; or None."""
    extra = EXTRAS.get(_library(error))
    return None if extra is None else f"pip install '.[{extra}]'"


@contextmanager
def needed_by(what: str) -> Iterator[None]:
    """Turn a failed import of an extra's library into a MissingLibraryError.

    Parameters
    ----------
    what : str
        The name or file that cannot be had without the library; the message begins with it.

    Raises
    ------
    MissingLibraryError
        "{what}: expected the library ..., found none; install it, in the folder of mdmkit's
        source, with: ...".

    Examples
    --------
    >>> with needed_by("scores/a.tif"):
    ...     import tifffile
    """
    try:
        yield
    except MissingLibraryError:
        raise
    except ModuleNotFoundError as error:
        command = how_to_install(error)
        if command is None:
            raise
        library = _library(error)
        missing = MissingLibraryError(
            f"{what}: expected the library {library}, found none; install it, in the folder of "
            f"mdmkit's source, with: {command}"
        )
        missing.name = library
        raise missing from error


def installed_version(library: str) -> str:
    """The version of a library that need not be there, without importing it."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def _library(error: ModuleNotFoundError) -> str:
    return (error.name or "").partition(".")[0]
