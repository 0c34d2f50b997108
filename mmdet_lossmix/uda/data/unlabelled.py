"""A folder of images, without labels by construction."""

from pathlib import Path
from typing import Any, List, Sequence, Union

from mmdet.datasets import BaseDetDataset
from mmdet.registry import DATASETS
from mmengine.fileio import list_from_file
from PIL import Image

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')


@DATASETS.register_module()
class UnlabelledDataset(BaseDetDataset):
    """Images that nobody has labelled, or whose labels nobody is to see.

    Reads images and, if given, a list of their names; no annotation file is ever
    opened. Every image has an empty list of instances.

    Args:
        pattern (str or list[str]): Which files of the folder, as a glob or several;
            searched in subfolders, too. Not used beside ``ann_file``. Defaults to
            ``'*'``, all images.
        suffix (str): Of the file names of ``ann_file``'s images. Defaults to
            ``'.jpg'``.
        **kwargs: Of ``BaseDetDataset``: ``data_root``; ``data_prefix=dict(img=...)``,
            the folder in it; ``ann_file``, a list with one name a line, as VOC's
            ``ImageSets/Main/train.txt``, by default none; ``pipeline``.

    Raises:
        FileNotFoundError: If there is no folder, no image, or not every listed one.

    Examples:
        >>> dict(type='UnlabelledDataset', data_root='data/clipart/',
        >>>      data_prefix=dict(img='JPEGImages'),
        >>>      ann_file='ImageSets/Main/train.txt', pipeline=target_pipeline)
    """

    def __init__(
        self,
        *args: Any,
        pattern: Union[str, Sequence[str]] = '*',
        suffix: str = '.jpg',
        **kwargs: Any,
    ) -> None:
        self.patterns = [pattern] if isinstance(pattern, str) else list(pattern)
        self.suffix = suffix
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> List[dict]:
        """Find the images, sorted by path unless they are listed."""
        folder = Path(self.data_prefix.get('img') or self.data_root or '.')
        if not folder.is_dir():
            raise FileNotFoundError(
                f'Expected a folder of target images at {folder.absolute()} but there '
                'is none; set `data_root` and `data_prefix=dict(img=...)`.'
            )
        paths = self._listed(folder) if self.ann_file else self._found(folder)
        return [self._info(i, path) for i, path in enumerate(paths)]

    def _found(self, folder: Path) -> List[Path]:
        found = {pattern: images_like(pattern, folder) for pattern in self.patterns}
        without = [pattern for pattern, paths in found.items() if not paths]
        if without or not found:
            raise FileNotFoundError(
                f'Expected target images in {folder.absolute()} but no file of '
                f'{", ".join(SUFFIXES)} matches {without} of `pattern`; put them '
                'there, or correct the pattern.'
            )
        return sorted(set().union(*found.values()))

    def _listed(self, folder: Path) -> List[Path]:
        lines = list_from_file(self.ann_file)
        names = [line.split()[0] for line in lines if line.strip()]
        paths = [folder / f'{name}{self.suffix}' for name in names]
        missing = [str(path) for path in paths if not path.is_file()]
        if missing or not paths:
            raise FileNotFoundError(
                f'Expected the images that {self.ann_file} lists but {len(missing)} of '
                f'{len(paths)} are missing, such as {missing[:2]}; correct '
                '`data_prefix`, `suffix` or the list.'
            )
        return paths

    @staticmethod
    def _info(index: int, path: Path) -> dict:
        with Image.open(path) as image:  # reads the header only
            width, height = image.size
        return dict(
            img_id=index,
            img_path=str(path),
            width=width,
            height=height,
            instances=[],
        )

    def filter_data(self) -> List[dict]:
        """Keep all: an image without instances is no mistake here."""
        return self.data_list


def images_like(pattern: str, folder: Path) -> List[Path]:
    """The images in a folder, and in those within, that match a glob."""
    return [p for p in folder.rglob(pattern) if p.suffix.lower() in SUFFIXES]
