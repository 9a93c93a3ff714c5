"""Passes of an evaluation through its frames: one, or two where that makes numbers exact."""

from __future__ import annotations

from mdmkit.core.errors import InputError
from mdmkit.core.named_arrays import fingerprint
from mdmkit.core.progress import Progress, no_progress
from mdmkit.evaluation.contributions import Counts
from mdmkit.evaluation.gathering import SECOND, UNLIMITED, Gathered
from mdmkit.evaluation.threads import Frames
from mdmkit.metrics.measures import Unresolved
from mdmkit.statistics.normalizers import Rank


class Passing(Gathered):
    """An evaluation that goes through frames; see `Evaluation`."""

    @property
    def name_of_pass(self) -> str:
        """The purpose of the pass; differs between second passes into other bins."""
        looked_at = self._accumulator.looked_at
        return self.purpose if looked_at is None else f"{SECOND}-{fingerprint(looked_at)}"

    def fit(self, frames: Frames) -> None:
        """Take the normaliser's constants from a first pass over the frames."""
        memory = UNLIMITED if self.kind is Rank else self.memory  # no bracket holds for ranks
        pixels = type(self)("ap", normalize=self.kind.name, memory=memory)
        pixels.purpose = "constants"
        pixels.one_pass(frames)
        self._fitted = pixels.sweeps().normalizer

    def run(
        self,
        frames: Frames,
        again: bool,
        progress: Progress = no_progress,
        only_numbers: bool = False,
    ) -> None:
        """Evaluate all frames, in two passes where that is shorter or makes numbers exact.

        Parameters
        ----------
        frames : Frames
        again : bool
            Whether they can be read more than once.
        progress : callable, optional
            Called after each frame of the first pass.
        only_numbers : bool
            Whether nothing but the measures' own numbers will be read, no curve: where all of
            them are margins of counts that bins decide, no frame's pixels are sorted.

        Raises
        ------
        InputError
            If they must be read twice and cannot be.
        """
        if self.needs_fit:
            if not again:
                raise InputError(
                    f"normalize={self.kind.name!r} looks at all scores before the first "
                    "frame is judged here; expected a list, found an iterator",
                    argument="frames",
                )
            self.fit(frames)
        self._two_looks, self._only_numbers = again, only_numbers and not self.counts.frames
        if self._pixels_in_bins:
            self._accumulator = self._new_accumulator(self.memory)
        self.one_pass(frames, progress)
        if again:
            self.look_again(frames)

    def _start_over(self, frames: Frames) -> Unresolved:
        """Count every score of all frames anew; returns what is unresolved then."""
        self._only_numbers, self.counts = False, Counts()
        self._accumulator = self._new_accumulator(self.memory)
        self.one_pass(frames)
        return self.unresolved()

    def prepare(self) -> None:
        """Count in bins what a second pass will look at closer."""
        self._two_looks = True

    def one_pass(self, frames: Frames, progress: Progress = no_progress) -> None:
        """Count all frames, or see all of them once more."""
        for part in frames.parts(self.empty, progress):
            self.merge(part)

    def look_again(self, frames: Frames) -> None:
        """Make numbers exact by a second pass over the same frames, where it takes one."""
        wanted = self.unresolved()
        if self._pixels_in_bins and not self._accumulator.tells(wanted):
            wanted = self._start_over(frames)
        if wanted:
            self._accumulator.look_at(wanted)
            self.one_pass(frames)

    def forget_second_pass(self) -> None:
        """Stay with what the first pass found, and its brackets."""
        self._accumulator.forget()
