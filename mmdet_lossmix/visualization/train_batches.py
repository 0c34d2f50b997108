"""The batches that a config trains on, as its model gets them."""

from typing import Iterator, Tuple

from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import ImgDataPreprocessor
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from torch import Tensor
from torch.utils.data import DataLoader

Batch = Tuple[Tensor, SampleList]


class TrainBatches:
    """Iterate over the training batches of a config, epoch after epoch.

    The data loader with its workers and the model's data preprocessor with its batch
    augments are built as a runner builds them, and the iteration counts up for those
    that look at it.

    Args:
        cfg (:obj:`Config`): Any training config of mmdet.
        seed (int): Of loader and augments. Defaults to 0.

    Raises:
        TypeError: If the model's data preprocessor is not for batches of images.
    """

    def __init__(self, cfg: Config, seed: int = 0) -> None:
        init_default_scope(cfg.get('default_scope', 'mmdet'))
        self.seed = seed
        self.data_preprocessor = build_data_preprocessor(cfg)
        self.loader: DataLoader = Runner.build_dataloader(cfg.train_dataloader, seed)
        self.classes = self.loader.dataset.metainfo.get('classes')

    def __len__(self) -> int:
        """Batches of one epoch."""
        return len(self.loader)

    def __iter__(self) -> Iterator[Batch]:
        """Yield (N, C, H, W) images and N samples, for ever."""
        set_random_seed(self.seed)
        hub = MessageHub.get_instance('browse_mixed')  # the current one from now on
        hub.update_info('seed', self.seed)
        iteration = 0
        while True:
            for data in self.loader:
                hub.update_info('iter', iteration)
                batch = self.data_preprocessor(data, training=True)
                yield batch['inputs'], batch['data_samples']
                iteration += 1


def build_data_preprocessor(cfg: Config) -> ImgDataPreprocessor:
    """Build the data preprocessor of a config's model.

    The whole model is built, without its weights: a wrapper such as
    :class:`LossMixDetector` composes its data preprocessor from several places.

    Raises:
        TypeError: If it is not for batches of images.
    """
    data_preprocessor = MODELS.build(cfg.model).data_preprocessor
    if not isinstance(data_preprocessor, ImgDataPreprocessor):
        raise TypeError(
            'Expected a model whose data preprocessor yields one batch of images but '
            f'got {type(data_preprocessor).__name__}; for a semi-supervised config, '
            'show its `model.detector` instead.'
        )
    return data_preprocessor
