"""A runner that says what to do when the data is not there."""

import os.path as osp
from typing import Any, Iterator

from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch.utils.data import DataLoader


@RUNNERS.register_module()
class DataCheckRunner(Runner):
    """mmengine's ``Runner`` that looks for the data before it builds a dataset.

    The configs of this project name it as ``runner_type``; everything else is
    mmengine's.
    """

    @staticmethod
    def build_dataloader(dataloader: Any, *args: Any, **kwargs: Any) -> DataLoader:
        """Check the data roots, then build; see ``Runner.build_dataloader``.

        Raises:
            FileNotFoundError: If a ``data_root`` does not exist. It says how to get it.
        """
        for data_root in _data_roots(dataloader):
            if '://' not in data_root and not osp.isdir(data_root):
                raise FileNotFoundError(
                    f'Expected the data root {data_root!r} but {osp.abspath(data_root)}'
                    ' does not exist. Download the data as docs/data.md says, or '
                    'generate a small stand-in for VOC: `python '
                    'tools/make_synthetic_voc.py data`; elsewhere is fine with '
                    '`data_root` set in the config.'
                )
        return Runner.build_dataloader(dataloader, *args, **kwargs)


def _data_roots(node: Any) -> Iterator[str]:
    """Every ``data_root`` in a dataloader's config, however deep the datasets nest."""
    if isinstance(node, dict):
        if isinstance(node.get('data_root'), str) and node['data_root']:
            yield node['data_root']
        for value in node.values():
            yield from _data_roots(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _data_roots(value)
