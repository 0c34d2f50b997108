"""Parts of a dataset for studies: a fraction, a long-tailed one, a held-out one."""

from abc import ABCMeta, abstractmethod
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Sequence, Union

from mmdet.registry import DATASETS
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from .image_rng import image_rng


class SubsetDataset(metaclass=ABCMeta):
    """A dataset of some of the images of another; each image decides for itself.

    An image is in or out by its ``img_id``, ``seed`` and the class's arguments, in
    whatever order images are listed and whatever other images there are.

    Args:
        dataset (:obj:`BaseDataset` or dict): The dataset; any wrapper too.
        seed (int): Another seed, other images. Defaults to 0.
    """

    def __init__(self, dataset: Union[BaseDataset, dict], seed: int = 0) -> None:
        built = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.dataset = built
        self.seed = seed
        self._metainfo = built.metainfo
        self._fully_initialized = False
        self.full_init()

    @abstractmethod
    def choose(self) -> List[int]:
        """Indices into ``self.dataset`` of the images to keep, ascending."""

    def draw(self, index: int) -> float:
        """The number in [0, 1) that decides on an image."""
        info = self.dataset.get_data_info(index)
        image = info.get('img_id', info.get('img_path'))
        return float(image_rng(image, self.seed, 'subset').random())

    def classes_of(self, index: int) -> Sequence[int]:
        """Labels of the objects of an image."""
        instances = self.dataset.get_data_info(index)['instances']
        return [entry['bbox_label'] for entry in instances]

    @property
    def metainfo(self) -> Dict[str, Any]:
        """That of the dataset."""
        return dict(self._metainfo)

    def full_init(self) -> None:
        """Load the annotations and choose."""
        if self._fully_initialized:
            return
        self.dataset.full_init()
        self.indices = self.choose()
        if not self.indices:
            raise ValueError(
                f'Keep more images: {self!r} leaves none of {len(self.dataset)}.'
            )
        self._fully_initialized = True
        print_log(
            f'{self!r} keeps {len(self.indices)} of {len(self.dataset)} images',
            logger='current',
        )

    def get_data_info(self, idx: int) -> dict:
        """Annotation of an image."""
        return self.dataset.get_data_info(self.indices[idx])

    def get_cat_ids(self, idx: int) -> List[int]:
        """Labels of an image, for ``ClassBalancedDataset``."""
        return self.dataset.get_cat_ids(self.indices[idx])

    def __getitem__(self, idx: int) -> Any:
        return self.dataset[self.indices[idx]]

    def __len__(self) -> int:
        return len(self.indices)


@DATASETS.register_module()
class DataFraction(SubsetDataset):
    """A fraction of the images; a smaller fraction is part of a larger one.

    Args:
        dataset (:obj:`BaseDataset` or dict): The dataset; any wrapper too.
        fraction (float): Share of the images to keep, in (0, 1]. Exact, up to rounding.
        seed (int): Another seed, other images. Defaults to 0.

    Raises:
        ValueError: If the fraction is out of its range or leaves no image.
    """

    def __init__(
        self, dataset: Union[BaseDataset, dict], fraction: float, seed: int = 0
    ) -> None:
        if not 0 < fraction <= 1:
            raise ValueError(f'Set `fraction` to a number in (0, 1], not {fraction}.')
        self.fraction = fraction
        super().__init__(dataset, seed)

    def choose(self) -> List[int]:
        """The images with the smallest numbers."""
        ranked = sorted(range(len(self.dataset)), key=self.draw)
        return sorted(ranked[: round(self.fraction * len(ranked))])

    def __repr__(self) -> str:
        return f'DataFraction(fraction={self.fraction}, seed={self.seed})'


@DATASETS.register_module()
class LongTailed(SubsetDataset):
    """Images thinned out so that class frequencies fall off exponentially.

    Classes are ranked by their number of objects. The class of rank r of C is to keep
    ``factor ** (-r / (C - 1))`` of its images: the first all, the last ``1 / factor``.
    An image with several classes follows its rarest one, so frequent classes lose
    images too where they appear beside rare ones, and the factor between the first and
    the last class is reached on top of the one that the dataset has. Images without
    objects stay.

    Args:
        dataset (:obj:`BaseDataset` or dict): The dataset; any wrapper too.
        factor (float): Imbalance to add, from 1 (all images) on.
        seed (int): Another seed, other images. Defaults to 0.

    Raises:
        ValueError: If the factor is below 1.
    """

    def __init__(
        self, dataset: Union[BaseDataset, dict], factor: float, seed: int = 0
    ) -> None:
        if factor < 1:
            raise ValueError(f'Set `factor` to 1 or more, not {factor}.')
        self.factor = factor
        super().__init__(dataset, seed)

    def choose(self) -> List[int]:
        """The images whose number is below the share of their rarest class."""
        contents = [self.classes_of(index) for index in range(len(self.dataset))]
        counts = Counter(label for labels in contents for label in labels)
        ranked = sorted(counts, key=lambda label: (-counts[label], label))
        steps = max(len(ranked) - 1, 1)
        share = {
            label: self.factor ** (-rank / steps) for rank, label in enumerate(ranked)
        }
        return [
            index
            for index, labels in enumerate(contents)
            if self.draw(index) < min((share[label] for label in labels), default=1)
        ]

    def __repr__(self) -> str:
        return f'LongTailed(factor={self.factor:g}, seed={self.seed})'


@DATASETS.register_module()
class HeldOut(SubsetDataset):
    """The images that a list of training images does not name.

    For choices, which must not look at the test images.

    Args:
        dataset (:obj:`BaseDataset` or dict): The dataset; any wrapper too.
        trained_on (str): A file with an ``img_id`` on each line, such as one of
            ``ImageSets/Main`` of Pascal VOC.

    Raises:
        ValueError: If the list names an image that the dataset lacks, or all of them.
    """

    def __init__(self, dataset: Union[BaseDataset, dict], trained_on: str) -> None:
        self.trained_on = trained_on
        super().__init__(dataset)

    def choose(self) -> List[int]:
        """The images that are not listed."""
        listed = set(Path(self.trained_on).read_text(encoding='utf-8').split())
        names = [
            str(self.dataset.get_data_info(i)['img_id'])
            for i in range(len(self.dataset))
        ]
        foreign = sorted(listed - set(names))
        if foreign:
            raise ValueError(
                f'Name a list of images of the dataset, not {self.trained_on}: '
                f'{len(foreign)} of its {len(listed)} are none, such as {foreign[0]}.'
            )
        return [i for i, name in enumerate(names) if name not in listed]

    def __repr__(self) -> str:
        return f'HeldOut(trained_on={self.trained_on!r})'
