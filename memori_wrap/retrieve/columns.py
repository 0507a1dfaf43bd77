"""Growing arrays: appending is cheap, reading gives a NumPy view of what is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class Column:
    """A one-dimensional array that doubles its room when it is full."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._room: npt.NDArray[Any] = np.zeros(16, dtype)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def append(self, value: float) -> None:
        if self._used == len(self._room):
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
        self._room[self._used] = value
        self._used += 1

    def __setitem__(self, at: int, value: float) -> None:
        self._room[: self._used][at] = value

    def view(self) -> npt.NDArray[Any]:
        """The values, shape (len(self),): a window on them, valid until the next ``append``."""
        return self._room[: self._used]

    @property
    def nbytes(self) -> int:
        return self._room.nbytes
