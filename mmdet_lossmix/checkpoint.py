"""Reading mmengine's checkpoints with torch's ``weights_only`` protection left on.

torch >= 2.6 refuses what mmengine 0.10.7 itself stores (logged scalars as
``HistoryBuffer``, numpy arrays and scalars). These few harmless names are put on
torch's allow-list; the protection is never switched off.
"""

from pickle import UnpicklingError
from typing import Any, Callable, List

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.utils import digit_version

# What HistoryBuffer stores by reference to itself, as `getattr(HistoryBuffer, name)`.
BUFFER_STATISTICS = ('min', 'max', 'current', 'mean')


def allow_mmengine_checkpoints() -> None:
    """Put what mmengine stores in a checkpoint on torch's allow-list."""
    # Before 2.6 torch has no protection by default, and its list takes no names.
    if digit_version(torch.__version__) >= digit_version('2.6'):
        torch.serialization.add_safe_globals(_stored_globals())


def _stored_globals() -> List[Any]:
    """Types and functions, with the name that they have in a checkpoint."""
    dtypes = {type(np.dtype(code)) for code in '?bBhHiIlLqQefd'}
    named: List[Any] = [(buffer_statistic, 'builtins.getattr')]
    functions: List[Any] = [np.zeros(1).__reduce__()[0], np.float64(0).__reduce__()[0]]
    for function in functions:
        # numpy 2 renamed the module; a checkpoint may be older or younger.
        for core in ('core', '_core'):
            named.append((function, f'numpy.{core}.multiarray.{function.__name__}'))
    # Types with names: onedl's mmengine takes bare ones off the list after a load.
    for kind in (HistoryBuffer, np.ndarray, np.dtype, *dtypes):
        named.append((kind, f'{kind.__module__}.{kind.__qualname__}'))
    return named


def buffer_statistic(owner: Any, name: str) -> Callable:
    """Stand in for ``getattr`` in checkpoints, for the one use that mmengine has.

    The real ``getattr`` would lead from any harmless object to a dangerous one.

    Raises:
        UnpicklingError: If anything else is asked for.
    """
    if owner is not HistoryBuffer or name not in BUFFER_STATISTICS:
        raise UnpicklingError(
            f'Do not trust this file: it holds {name!r} of {owner!r}, and a checkpoint '
            f'of mmengine {", ".join(BUFFER_STATISTICS)} of HistoryBuffer only.'
        )
    return getattr(HistoryBuffer, name)
