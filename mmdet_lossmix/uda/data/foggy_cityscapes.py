"""Foggy Cityscapes: the annotations of Cityscapes, images of several fogs."""

from typing import Any, List, Sequence

from mmdet.datasets import CityscapesDataset
from mmdet.registry import DATASETS

BETAS = ('0.005', '0.01', '0.02')


@DATASETS.register_module()
class FoggyCityscapesDataset(CityscapesDataset):
    """``CityscapesDataset`` with the file names of Foggy Cityscapes.

    Args:
        betas (Sequence[str]): The densities of fog, as in file names; every image
            comes once for each. Defaults to ``('0.02',)``, the thickest.
        **kwargs: Of ``CityscapesDataset``; the annotations are those of Cityscapes.

    Raises:
        ValueError: If a density is none of ``'0.005'``, ``'0.01'``, ``'0.02'``.
    """

    def __init__(
        self, *args: Any, betas: Sequence[str] = ('0.02',), **kwargs: Any
    ) -> None:
        if not betas or not set(betas) <= set(BETAS):
            raise ValueError(f'Set `betas` to some of {BETAS}, not {betas}.')
        self.betas = list(betas)
        super().__init__(*args, **kwargs)

    def filter_data(self) -> List[dict]:
        """Filter the annotations, and take the rest once for each density."""
        clear = super().filter_data()
        return [
            {
                **info,
                'img_path': foggy_name(info['img_path'], beta),
                'img_id': info['img_id'] * len(self.betas) + i,
            }
            for i, beta in enumerate(self.betas)
            for info in clear
        ]


def foggy_name(path: str, beta: str) -> str:
    """The name of an image with fog; ``a_leftImg8bit.png`` is the one without."""
    stem, dot, suffix = path.rpartition('.')
    return f'{stem}_foggy_beta_{beta}{dot}{suffix}'
