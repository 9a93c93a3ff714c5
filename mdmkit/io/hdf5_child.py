"""A process of its own that reads HDF5, where a damaged file may end it.

Run by path, so that nothing of mdmkit is imported: `python hdf5_child.py`. It reads requests of one
JSON line from standard input, `{"path": ..., "key": ...}`, and answers with a JSON line, followed
by the bytes of the array: `{"dtype": ..., "shape": [...]}`, or `{"error": ...}`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_LINKS = 16
_LEAST_RATIO = 1_100  # deflate shrinks data by 1,032 at most


def _found(file: Any, key: str) -> str | None:
    """Look a name up; None if there is none. Links into other files are refused."""
    import h5py

    parts, links = [part for part in key.split("/") if part], 0
    at = ""
    while parts:
        part = parts.pop(0)
        name = f"{at}/{part}"
        link = file.get(name, getlink=True)
        if link is None:
            return None
        if isinstance(link, h5py.ExternalLink):
            raise ValueError(f"{key!r} lies in another file, {link.filename!r}")
        if isinstance(link, h5py.SoftLink):
            links += 1
            if links > _MOST_LINKS:
                raise ValueError(f"links of {key!r} that lead nowhere")
            inner = [piece for piece in link.path.split("/") if piece]
            parts = inner + parts
            at = "" if link.path.startswith("/") else at
            continue
        at = name
    return at or "/"


def _array(path: str, key: str) -> NDArray[np.generic]:
    """The array of a data set that is whole, and in this file."""
    import h5py
    import numpy as np

    with h5py.File(path, "r") as file:
        name = _found(file, key)
        data = None if name is None else file[name]
        if not isinstance(data, h5py.Dataset):
            raise LookupError(", ".join(file) or "none")
        if data.is_virtual or data.external:
            raise ValueError(f"{key!r} keeps its values in other files")
        if data.shape is None or data.dtype.kind not in "biuf":
            raise TypeError(str(data.dtype if data.shape else "none"))
        if data.chunks is not None:
            kept = data.id.get_num_chunks()
            parts = zip(data.shape, data.chunks, strict=True)
            chunks = np.prod([-(-n // m) for n, m in parts], dtype=object)
            if kept != chunks:
                raise ValueError(f"{kept} of {chunks} chunks of {key!r} were written")
        kept = data.id.get_storage_size()
        if data.nbytes > (kept if data.chunks is None else _LEAST_RATIO * max(kept, 1)):
            raise ValueError(f"{kept} bytes of the {data.nbytes} of {key!r}")
        return np.ascontiguousarray(data[()])


def main() -> None:
    """Answer until the input ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing but answers
    own = os.path.dirname(os.path.abspath(__file__))
    sys.path = [place for place in sys.path if place != own]  # its modules are no libraries
    for line in requests:
        request = json.loads(line)
        array = None
        try:
            array = _array(request["path"], request["key"])
            head = {"dtype": array.dtype.str, "shape": array.shape}
        except LookupError as error:
            head = {"keys": str(error.args[0])}
        except TypeError as error:
            head = {"type": str(error)}
        except ModuleNotFoundError as error:
            head = {"library": error.name}
        except Exception as error:
            head = {"error": str(error) or type(error).__name__}
        answers.write(json.dumps(head).encode() + b"\n")
        if array is not None:
            answers.write(array.data if array.size else b"")
        answers.flush()


if __name__ == "__main__":
    main()
