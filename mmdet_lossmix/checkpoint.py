"""Reading mmengine's checkpoints with torch's ``weights_only`` protection left on.

torch >= 2.6 refuses what mmengine 0.10.7 itself stores (logged scalars as
``HistoryBuffer``, numpy arrays and scalars). These few harmless types are put on
torch's allow-list; the protection is never switched off.
"""

from typing import List

import numpy as np
import torch
from mmengine.logging import HistoryBuffer


def allow_mmengine_checkpoints() -> None:
    """Put the types that mmengine stores in a checkpoint on torch's allow-list."""
    add = getattr(torch.serialization, 'add_safe_globals', None)
    if add is not None:  # torch < 2.4 has no such list, nor the protection by default
        add(_stored_types())


def _stored_types() -> List[type]:
    reconstruct = np.zeros(1).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    dtypes = {type(np.dtype(code)) for code in '?bBhHiIlLqQefd'}
    return [HistoryBuffer, np.ndarray, np.dtype, reconstruct, scalar, *dtypes]
