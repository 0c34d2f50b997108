"""A folder of images, without labels by construction."""

import glob
import os
from pathlib import Path
from typing import Any, Iterator, List, Sequence, Set, Tuple, Union

from mmdet.datasets import BaseDetDataset
from mmdet.registry import DATASETS
from mmengine.fileio import list_from_file
from mmengine.logging import MMLogger
from PIL import ExifTags, Image

from mmdet_lossmix.models.one_forward.replay import override

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')


@DATASETS.register_module()
class UnlabelledDataset(BaseDetDataset):
    """Images that nobody has labelled, or whose labels nobody is to see.

    No annotation file is ever opened. Every image has an empty list of instances.

    Args:
        pattern (str or list[str]): Which files of the folder, as a glob or several;
            searched in subfolders, too, also behind links. Hidden files and folders
            (``.ipynb_checkpoints``, ``._photo.jpg``) are left out. Not used beside
            ``ann_file``. Defaults to ``'*'``, all images.
        suffix (str): Of the file names of ``ann_file``'s images. Defaults to
            ``'.jpg'``.
        **kwargs: Of ``BaseDetDataset``: ``data_root``; ``data_prefix=dict(img=...)``,
            the folder in it; ``ann_file``, a list with one name a line, as VOC's
            ``ImageSets/Main/train.txt``, by default none; ``pipeline``.

    Raises:
        FileNotFoundError: If there is no folder, no image, or not every listed one.
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
        infos = []
        for i, path in enumerate(paths):
            info = dict(img_id=i, img_path=str(path), instances=[])
            info['width'], info['height'] = size_as_loaded(path)
            infos.append(info)
        return infos

    def _found(self, folder: Path) -> List[Path]:
        hidden = sorted(hidden_images(folder))
        if hidden:
            MMLogger.get_current_instance().warning(
                f'Left out {len(hidden)} hidden images of {folder}, such as '
                f'{hidden[0]}; rename them to train on them.'
            )
        found = {pattern: images_like(pattern, folder) for pattern in self.patterns}
        without = [pattern for pattern, paths in found.items() if not paths]
        if without or not found:
            raise FileNotFoundError(
                f'Expected target images in {folder.absolute()} but no file of '
                f'{", ".join(SUFFIXES)} matches {without} of `pattern`; correct either.'
            )
        return sorted(set().union(*found.values()))

    def _listed(self, folder: Path) -> List[Path]:
        lines = list_from_file(self.ann_file)
        paths = [self._path(folder, line.strip()) for line in lines if line.strip()]
        missing = [str(path) for path in paths if not path.is_file()]
        if missing or not paths:
            raise FileNotFoundError(
                f'Expected the images that {self.ann_file} lists but {len(missing)} of '
                f'{len(paths)} are missing, such as {missing[:2]}; correct '
                '`data_prefix`, `suffix` or the list.'
            )
        return paths

    def _path(self, folder: Path, line: str) -> Path:
        """Of a name, which may hold blanks, or be followed by the 1 or -1 of a list."""
        whole = folder / f'{line}{self.suffix}'
        return whole if whole.is_file() else folder / f'{line.split()[0]}{self.suffix}'

    def filter_data(self) -> List[dict]:
        """Keep all: an image without instances is no mistake here."""
        return self.data_list


def images_like(pattern: str, folder: Path) -> List[Path]:
    """The images in a folder, and in those within, that match a glob."""
    globs = (f'{glob.escape(str(f))}{os.sep}{pattern}' for f in folders_in(folder))
    found = {Path(path) for one in globs for path in glob.glob(one)}
    return [path for path in found if path.suffix.lower() in SUFFIXES]


def hidden_images(folder: Path) -> List[Path]:
    """The images in a folder that are hidden, or in a hidden folder."""
    return [
        path
        for parent in folders_in(folder)
        for hidden in parent.glob('.*')
        for path in (hidden.rglob('*') if hidden.is_dir() else [hidden])
        if path.suffix.lower() in SUFFIXES
    ]


def folders_in(folder: Path) -> Iterator[Path]:
    """A folder and all within that are not hidden, also behind links, each once."""
    seen: Set[str] = set()
    for parent, children, _ in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # links may lead back
            children.clear()
            continue
        seen.add(real)
        children[:] = sorted(child for child in children if not child.startswith('.'))
        yield Path(parent)


def size_as_loaded(path: Path) -> Tuple[int, int]:
    """The width and height of an image, turned as its camera says, as OpenCV loads it.

    Only the header is read, which can do no harm: there is no limit to the size.
    """
    with override(Image, 'MAX_IMAGE_PIXELS', None), Image.open(path) as image:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        return image.size[::-1] if turned else image.size
