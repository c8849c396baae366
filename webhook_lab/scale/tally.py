"""Counts over time in a fixed number of bins, whose width doubles as time goes on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 4_096
TRACKS = ("waiting", "in_flight", "running", "stored", "dead", "expired", "taken")
"""What is counted: how much each has changed in each bin. "taken": read for the first time."""


class Tally:
    """How each track changed over time; `width` is the seconds of a bin by now."""

    def __init__(self) -> None:
        self.width = 2.0**-7
        self._changes = np.zeros((len(TRACKS), BINS))

    def add(self, track: str, at: Sequence[float] | Floats, change: Sequence[float] | Floats | float) -> None:
        """The track changes by so much at each of these seconds."""
        times = np.asarray(at, dtype=np.float64)
        if not len(times):
            return
        while times.max() >= self.width * BINS:
            self._widen()
        bins = (times / self.width).astype(np.int64)
        weights = np.broadcast_to(np.asarray(change, dtype=np.float64), times.shape)
        self._changes[TRACKS.index(track)] += np.bincount(bins, weights, BINS)

    def one(self, track: str, at: float, change: float) -> None:
        """The track changes once."""
        while at >= self.width * BINS:
            self._widen()
        self._changes[TRACKS.index(track), int(at / self.width)] += change

    def _widen(self) -> None:
        halves = self._changes.reshape(len(TRACKS), BINS // 2, 2).sum(axis=2)
        self._changes = np.concatenate([halves, np.zeros_like(halves)], axis=1)
        self.width *= 2

    def curve(self, track: str) -> Floats:
        """What the track is at the end of each bin."""
        curve: Floats = np.zeros(BINS, dtype=np.float64)
        np.cumsum(self._changes[TRACKS.index(track)], out=curve)
        return curve

    @property
    def times(self) -> Floats:
        """The end of each bin."""
        times: Floats = np.arange(1, BINS + 1, dtype=np.float64)
        times *= self.width
        return times
