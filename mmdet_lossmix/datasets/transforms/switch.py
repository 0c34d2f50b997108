"""The switches of a dataset, which the main process turns and every worker sees."""

from typing import Any, List

from mmdet_lossmix.datasets.walk import walk
from mmdet_lossmix.mixing.shared import MixSwitch


def find_switches(dataset: Any) -> List[MixSwitch]:
    """Find the switch of every mixing transform of a dataset, each once.

    The dataset may be a nest of wrappers of mmengine and mmdet, with pipelines that
    nest as well (``RandomChoice``, ``MultiBranch``, ...).
    """
    found = (getattr(node, 'switch', None) for node in walk(dataset))
    return list(dict.fromkeys(s for s in found if isinstance(s, MixSwitch)))
