"""Progress bars by ``tqdm``, which the extra ``oss-resumable[tqdm]`` installs.

::

    from oss_resumable.tqdm import tqdm_progress

    client.download("examplebucket", "exampleobject", progress=tqdm_progress(desc="exampleobject"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from .enums import Phase

if TYPE_CHECKING:
    from typing import Callable

    from .records import Status


def tqdm_progress(**options: Any) -> Callable[[Status], None]:
    """A ``progress`` callable for one download that shows a bar. The arguments are those of ``tqdm``."""
    bar = tqdm(**{"unit": "B", "unit_scale": True, "unit_divisor": 1024, **options})

    def progress(status: Status) -> None:
        if status.bytes_total is not None and bar.total != status.bytes_total:
            # Bytes of an earlier run do not count for the rate.
            bar.reset(total=status.bytes_total)
            bar.initial = status.bytes_reused
        bar.n = status.bytes_done
        bar.refresh()
        if status.phase in (Phase.SUCCEEDED, Phase.FAILED):
            bar.close()

    return progress
