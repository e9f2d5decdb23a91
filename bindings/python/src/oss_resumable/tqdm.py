"""Progress bars by ``tqdm``, which the extra ``oss-resumable[tqdm]`` installs.

::

    from oss_resumable.tqdm import tqdm_progress

    client.download("examplebucket", "exampleobject", progress=tqdm_progress(desc="exampleobject"))
"""

from __future__ import annotations

from typing import Any

from tqdm.auto import tqdm

from ._typing import Self
from .enums import Phase
from .records import Status


class TqdmProgress:
    """A ``progress`` callable for one download: a bar that appears with its first status and is closed at its end.

    In a ``with`` statement, the bar is also closed when the program is interrupted.
    """

    def __init__(self, **options: Any) -> None:
        self._options = {"unit": "B", "unit_scale": True, "unit_divisor": 1024, **options}
        #: ``None`` until there is something to show: a download that is refused has no bar.
        self._bar: tqdm[Any] | None = None

    def __call__(self, status: Status) -> None:
        """Shows a status."""
        if self._bar is None:
            self._bar = tqdm(**self._options)
        bar = self._bar
        if status.bytes_total is not None and bar.total != status.bytes_total:
            # Bytes of an earlier run do not count for the rate.
            bar.reset(total=status.bytes_total)
            bar.initial = status.bytes_reused
        bar.n = status.bytes_done
        bar.refresh()
        if status.phase in (Phase.SUCCEEDED, Phase.FAILED):
            bar.close()

    def close(self) -> None:
        """Closes the bar, and leaves it as it is."""
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def tqdm_progress(**options: Any) -> TqdmProgress:
    """A ``progress`` callable for one download that shows a bar. The arguments are those of ``tqdm``."""
    return TqdmProgress(**options)
