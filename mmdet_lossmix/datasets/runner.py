"""A runner that says what to do when the data is not there."""

import os.path as osp
from typing import Any

from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from .layout import check_layout, datasets_in


@RUNNERS.register_module()
class DataCheckRunner(Runner):
    """mmengine's ``Runner`` that looks for the data before it builds a dataset.

    The configs of this project name it as ``runner_type``; everything else is
    mmengine's.
    """

    @staticmethod
    def build_dataloader(dataloader: Any, *args: Any, **kwargs: Any) -> DataLoader:
        """Check the data, then build; see ``Runner.build_dataloader``.

        Raises:
            FileNotFoundError: If a ``data_root`` does not exist, with how to get it, or
                a folder, list or listed file in it, with what it may be misnamed as.
            ValueError: If no image of a dataset shows any of its classes.
        """
        for dataset in datasets_in(dataloader):
            data_root = dataset['data_root']
            if not osp.isdir(data_root):
                raise FileNotFoundError(
                    f'Expected the data root {data_root!r} but {osp.abspath(data_root)}'
                    f' does not exist. {_remedy(data_root)} Elsewhere is fine with '
                    '`data_root` set in the config.'
                )
            _, problems = check_layout(dataset)
            if problems:
                raise FileNotFoundError(
                    f'Expected all files of the {dataset["type"]} in {data_root!r} but '
                    f'there is {"; ".join(problems)}. `python tools/check_data.py '
                    'CONFIG` lists what is missing of all datasets.'
                )
        try:
            return Runner.build_dataloader(dataloader, *args, **kwargs)
        except ValueError as error:
            if 'need at least one array' not in str(error):  # mmengine's, of no images
                raise
            described = [
                f'{d["type"]} in {d["data_root"]!r} of classes '
                f'{d.get("metainfo", {}).get("classes", "by default")}'
                for d in datasets_in(dataloader)
            ]
            raise ValueError(
                'Expected images in every dataset but all of one were filtered out: '
                'there is no object of any of the `classes` in them. Correct the '
                f'`metainfo` of one of: {"; ".join(described)}.'
            ) from error


def _remedy(data_root: str) -> str:
    folder, name = osp.split(osp.normpath(data_root))
    drawn = (
        f', or draw a small stand-in for VOC: `python -m synthetic_voc {folder or "."}`'
    )
    return (
        'Get the data as docs/data.md says, and that of domain adaptation as '
        f'docs/uda.md says{drawn if name == "VOCdevkit" else ""}.'
    )
