"""Types that ``typing`` does not have in every Python; ``typing.get_type_hints()`` looks for them at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack
else:
    try:
        from typing import Self, Unpack
    except ImportError:  # before Python 3.11
        Self = Any

        class Unpack:
            """Stands for its argument."""

            def __class_getitem__(cls, item: Any) -> Any:
                return item


__all__ = ["Self", "Unpack"]
