"""The batches that a config trains on, as its model gets them."""

from itertools import chain, repeat
from typing import Iterator, Tuple

from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import ImgDataPreprocessor
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from torch import Tensor


class TrainBatches:
    """Iterate over the training batches of a config, epoch after epoch, for ever.

    Data loader and data preprocessor, with its batch augments, are built as a runner
    builds them, and the iteration counts up for those that look at it.

    Args:
        cfg (:obj:`Config`): Any training config of mmdet.
        seed (int): Of loader and augments. Defaults to 0.

    Raises:
        TypeError: If the model's data preprocessor is not for batches of images.
    """

    def __init__(self, cfg: Config, seed: int = 0) -> None:
        init_default_scope(cfg.get('default_scope', 'mmdet'))
        self.seed = seed
        # The whole model: a wrapper composes its data preprocessor from its parts.
        self.data_preprocessor = MODELS.build(cfg.model).data_preprocessor
        if not isinstance(self.data_preprocessor, ImgDataPreprocessor):
            raise TypeError(
                'Show `model.detector` of a semi-supervised config instead. Expected a '
                'data preprocessor that yields one batch of images but got '
                f'{type(self.data_preprocessor).__name__}.'
            )
        self.loader = Runner.build_dataloader(cfg.train_dataloader, seed)
        self.classes = self.loader.dataset.metainfo.get('classes')

    def __iter__(self) -> Iterator[Tuple[Tensor, SampleList]]:
        """Yield (N, C, H, W) images and N samples."""
        set_random_seed(self.seed)
        hub = MessageHub.get_instance('browse_mixed')  # the current one from now on
        hub.update_info('seed', self.seed)
        for iteration, data in enumerate(chain.from_iterable(repeat(self.loader))):
            hub.update_info('iter', iteration)
            batch = self.data_preprocessor(data, training=True)
            yield batch['inputs'], batch['data_samples']
