"""Mixing of a batch on the device: LossMix, and the baselines Union and Noise."""

from abc import ABCMeta, abstractmethod
from typing import Tuple

import numpy as np
import torch
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import DetDataSample, SampleList
from mmdet.utils import ConfigType
from mmengine.dist import broadcast_object_list, get_world_size
from mmengine.logging import MessageHub, print_log
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from mmdet_lossmix.functional import check_mix_args, sample_lambda
from mmdet_lossmix.mixing import BLEND, MixOperator
from mmdet_lossmix.mixing.canvas import canvas_shape
from mmdet_lossmix.mixing.visibility import join_maps
from mmdet_lossmix.structures import attach_partner

from .visible_samples import visible_sample

# Batches of other ranks may have other sizes; what is drawn on this canvas has not.
RANKS_CANVAS = (1 << 16, 1 << 16)


class BatchMix(nn.Module, metaclass=ABCMeta):
    """Mix each image of a batch with the one before it, all with the same lambda.

    Goes into ``batch_augments`` of ``DetDataPreprocessor``, after augments that resize
    the batch. Costs no decoding, and any nest of datasets and samplers works. Lambda
    comes from a generator keyed by (seed, iteration): every rank draws the same, and a
    resumed run repeats the uninterrupted one. A batch of one stays unmixed.

    Args:
        alpha (float): The weight is drawn from ``Beta(alpha, alpha)``. Defaults to 1.0.
        prob (float): Probability of mixing a batch, in [0, 1]. Defaults to 1.0.
        operator (dict): How two images become one, see
            :mod:`mmdet_lossmix.mixing`. A rectangle that it draws is the same
            part of the padded batch for all images and ranks, and lambda its share but
            for the rounding to pixels. Defaults to ``dict(type='Blend')``.

    Raises:
        TypeError: If ``alpha`` or ``prob`` is not a number.
        ValueError: If ``alpha`` or ``prob`` is out of its range.
    """

    def __init__(
        self, alpha: float = 1.0, prob: float = 1.0, operator: ConfigType = BLEND
    ) -> None:
        super().__init__()
        check_mix_args(alpha, prob)
        self.alpha = alpha
        self.prob = prob
        self.operator: MixOperator = TASK_UTILS.build(operator)
        self.mixing = True
        self._warned = False

    @abstractmethod
    def mix_targets(
        self, own: DetDataSample, partner: DetDataSample, lam: float
    ) -> DetDataSample:
        """Make one sample of two, as the strategy wants.

        Args:
            own (:obj:`DetDataSample`): Holds what is seen of the own target; may be
                modified.
            partner (:obj:`DetDataSample`): Holds what is seen of the partner's target,
                in the same frame; may be modified.
            lam (float): Weight of the own image, in [0, 1].

        Returns:
            :obj:`DetDataSample`: The sample of the mixed image.
        """

    def forward(
        self, batch_inputs: Tensor, data_samples: SampleList
    ) -> Tuple[Tensor, SampleList]:
        """Mix a batch.

        Args:
            batch_inputs (Tensor): Normalised and padded images, shape (N, C, H, W).
            data_samples (list[:obj:`DetDataSample`]): N samples.

        Returns:
            tuple[Tensor, list[:obj:`DetDataSample`]]: New images and new samples; as
            they were if this batch is not mixed.
        """
        if not self.mixing:
            return batch_inputs, data_samples
        if len(data_samples) < 2:
            self._warn_of_batch_of_one()
            return batch_inputs, data_samples
        rng = np.random.default_rng([shared_seed(), iteration()])
        mix, lam = rng.random() < self.prob, sample_lambda(self.alpha, rng)
        if not mix:
            return batch_inputs, data_samples
        lam, window = self.operator.draw(lam, RANKS_CANVAS, rng)
        if window is not None:
            height, width = batch_inputs.shape[-2:]
            window = window.rescale((height, width))
        mixed = torch.empty_like(batch_inputs)
        # In two parts: fresh memory for a rolled copy would take longer than the blend.
        for own, partner in ((slice(1), slice(-1, None)), (slice(1, None), slice(-1))):
            self.operator.mix_tensors(
                batch_inputs[own], batch_inputs[partner], lam, window, mixed[own]
            )
        partners = [*data_samples[-1:], *data_samples[:-1]]
        samples = []
        for pair in zip(data_samples, partners):
            own, partner = in_common_frame(*pair)
            if window is not None:
                least = self.operator.min_visible
                own = visible_sample(own, window, False, least)
                partner = visible_sample(partner, window, True, least)
            samples.append(self.mix_targets(own, partner, lam))
        return mixed, samples

    def _warn_of_batch_of_one(self) -> None:
        if not self._warned:
            self._warned = True
            print_log(
                f'{type(self).__name__} got a batch of one image, which has no partner '
                'and stays unmixed. Use a `batch_size` of 2 or more per GPU, or '
                'LossMixTransform, which mixes with images seen before.',
                logger='current',
                level=30,
            )

    def extra_repr(self) -> str:
        """Show the arguments when the model is printed."""
        return f'alpha={self.alpha}, prob={self.prob}, operator={self.operator}'


@MODELS.register_module()
class BatchLossMix(BatchMix):
    """Keep both targets apart, for :class:`LossMixDetector` to interpolate the losses.

    See :class:`BatchMix` for the arguments; source: arXiv:2303.10343, Sec. 3.

    Attributes:
        wrapped (bool): Whether a :class:`LossMixDetector` is there to do so.
    """

    wrapped = False

    def forward(self, batch_inputs, data_samples):
        """Mix a batch, with a warning if nobody will look at the partners."""
        if not self.wrapped and iteration() > 0:  # in a training, not in a tool
            self.wrapped = True  # once
            print_log(
                'BatchLossMix attaches partners that only LossMixDetector reads; other '
                'detectors train on the own targets alone, whatever lambda is. Wrap '
                "yours: `model=dict(type='LossMixDetector', detector=_base_.model.type,"
                " weighting='batch', ...)`; BatchUnionMix and BatchNoiseMix need none.",
                logger='current',
                level=30,
            )
        return super().forward(batch_inputs, data_samples)

    def mix_targets(self, own, partner, lam):
        """Own target where it always is; the partner's beside it."""
        return attach_partner(own, partner, lam)


@MODELS.register_module()
class BatchUnionMix(BatchMix):
    """Train on both targets together at full weight, however faint an object is.

    The baseline "Union" of LossMix. See :class:`BatchMix` for the arguments.
    """

    def mix_targets(self, own, partner, lam):
        """All objects of both images."""
        if 'gt_sem_seg' in own:
            maps = own.gt_sem_seg.sem_seg, partner.gt_sem_seg.sem_seg
            own.gt_sem_seg = PixelData(sem_seg=join_maps(*maps))
        for key in ('gt_instances', 'ignored_instances'):
            if key in own:
                both = InstanceData.cat([own.get(key), partner.get(key)])
                setattr(own, key, both)
        return own


@MODELS.register_module()
class BatchNoiseMix(BatchMix):
    """Train on the dominant image's target alone; the other image is noise.

    The baseline "Noise" of LossMix: the own target counts if ``lam >= 1/2``, else the
    partner's. See :class:`BatchMix` for the arguments.
    """

    def mix_targets(self, own, partner, lam):
        """The objects of the dominant image."""
        if lam < 0.5:
            for key, target in partner.items():
                setattr(own, key, target)
        return own


def in_common_frame(
    own: DetDataSample, partner: DetDataSample
) -> Tuple[DetDataSample, DetDataSample]:
    """Copy two samples of one batch, both with the frame of their mix.

    The images lie in the same padded canvas, so no box moves; the content of the mix
    reaches as far as the larger of either side.

    Returns:
        tuple[:obj:`DetDataSample`, :obj:`DetDataSample`]: Shallow copies; tensors are
        shared.
    """
    frame = {
        key: canvas_shape(own.get(key), partner.get(key))
        for key in ('img_shape', 'pad_shape')
        if key in own
    }
    copies = own.new(), partner.new()
    for sample in copies:
        sample.set_metainfo(frame)
    return copies


def iteration() -> int:
    """The runner's iteration; 0 outside of one."""
    return MessageHub.get_current_instance().runtime_info.get('iter', 0)


def shared_seed() -> int:
    """The runner's seed, the same on all ranks; 0 outside of a runner.

    With ``randomness=dict(diff_rank_seed=True)`` every rank knows its own only, so the
    first rank's is sent round, once.
    """
    hub = MessageHub.get_current_instance()
    seed = hub.runtime_info.get('seed') or 0
    if get_world_size() == 1:
        return seed
    if 'lossmix_seed' not in hub.runtime_info:
        seeds = [seed]
        broadcast_object_list(seeds)
        hub.update_info('lossmix_seed', seeds[0])
    return hub.get_info('lossmix_seed')
