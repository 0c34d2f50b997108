"""Mixing of a batch on the device: LossMix, and the baselines Union and Noise."""

from typing import ClassVar, Optional, Tuple

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, SampleList
from mmdet.utils import ConfigType
from mmengine.dist import broadcast_object_list, get_world_size
from mmengine.logging import MessageHub
from torch import Tensor, nn

from mmdet_lossmix.functional import check_mix_args, sample_lambda
from mmdet_lossmix.mixing import BLEND, Window, build_operator, strategies
from mmdet_lossmix.mixing.annotations import (
    Annotations,
    check_prompts,
    drop_degenerate,
    join,
)
from mmdet_lossmix.mixing.canvas import canvas_shape
from mmdet_lossmix.mixing.run_check import MIXED_TWICE
from mmdet_lossmix.mixing.shared import MixCounts
from mmdet_lossmix.structures import attach_partner

from .sample_annotations import put_annotations, read_annotations

# Batches of other ranks may have other sizes; what is drawn on this canvas has not.
RANKS_CANVAS = (1 << 16, 1 << 16)


class BatchMix(nn.Module):
    """Mix each image of a batch with the one before it, all with the same lambda.

    List it in ``batch_augments`` of ``DetDataPreprocessor``, after augments that resize
    the batch. No image is decoded for it, and all datasets and samplers work. Lambda
    comes from a generator of (seed, iteration): every rank draws the same, and a
    resumed run repeats the uninterrupted one. A batch of one stays unmixed. If the
    image before is of the same file, the nearest one of another file takes its place.

    Args:
        alpha (float): The weight is drawn from ``Beta(alpha, alpha)``. Defaults to 1.0.
        prob (float): Probability of mixing a batch, in [0, 1]. Defaults to 1.0.
        operator (dict): How two images become one, see :mod:`mmdet_lossmix.mixing`. A
            rectangle is the same part of the padded batch for all images and ranks.
            Defaults to ``dict(type='Blend')``.

    Raises:
        TypeError: If a number is none, or ``operator`` builds no :class:`MixOperator`.
        ValueError: If a number is out of its range.
    """

    strategy: ClassVar[strategies.Strategy]

    def __init__(
        self, alpha: float = 1.0, prob: float = 1.0, operator: ConfigType = BLEND
    ) -> None:
        super().__init__()
        check_mix_args(alpha, prob)
        self.alpha = alpha
        self.prob = prob
        self.operator = build_operator(operator)
        self.mixing = True
        self.counts = MixCounts()

    def forward(
        self, batch_inputs: Tensor, data_samples: SampleList
    ) -> Tuple[Tensor, SampleList]:
        """Mix a batch.

        Args:
            batch_inputs (Tensor): Normalised and padded images, shape (N, C, H, W).
            data_samples (list[:obj:`DetDataSample`]): N samples.

        Returns:
            tuple: New images and samples; as they were if this batch is not mixed.
        """
        self.counts.add(images=len(data_samples))
        if not self.mixing:
            return batch_inputs, data_samples
        if any('partner' in sample for sample in data_samples):
            raise ValueError(MIXED_TWICE.format(type(self).__name__))
        if len(data_samples) < 2:  # the last batch of an epoch may well be one
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
        annotations = drop_degenerate([read_annotations(s) for s in data_samples])
        partners = [partner_of(i, data_samples) for i in range(len(data_samples))]
        self.counts.add(mixed=sum(i != j for i, j in enumerate(partners)), lam=lam)
        samples = []
        for i, (sample, j) in enumerate(zip(data_samples, partners)):
            pair = in_common_frame(sample, data_samples[j])
            if i == j:
                mixed[i] = batch_inputs[i]
                put_annotations(pair[0], annotations[i])
                samples.append(pair[0])
                continue
            if j != i - 1:
                image, other = batch_inputs[i][None], batch_inputs[j][None]
                self.operator.mix_tensors(image, other, lam, window, mixed[i][None])
            objects = annotations[i], annotations[j]
            samples.append(self._annotated(*pair, *objects, lam, window, rng))
        return mixed, samples

    def _annotated(
        self,
        sample: DetDataSample,
        partner: DetDataSample,
        own: Annotations,
        others: Annotations,
        lam: float,
        window: Optional[Window],
        rng: np.random.Generator,
    ) -> DetDataSample:
        """Put into a sample the annotations that the strategy chooses."""
        least = self.operator.min_visible
        own = own.visible(window, False, least)
        others = others.visible(window, True, least)
        (first, weight), *second = self.strategy(own, others, lam, join, rng)
        if first is others:  # with all else that belongs to them
            for key in {*sample.keys()} - {*partner.keys()}:
                delattr(sample, key)
            for key, value in partner.items():
                setattr(sample, key, value)
        put_annotations(sample, first)
        if second:
            put_annotations(partner, second[0][0])
            attach_partner(sample, partner, weight)
        return sample

    def extra_repr(self) -> str:
        """Show the arguments when the model is printed."""
        return f'alpha={self.alpha}, prob={self.prob}, operator={self.operator}'


@MODELS.register_module()
class BatchLossMix(BatchMix):
    """``BatchMix`` with ``strategies.LossMix``, for :class:`LossMixDetector`."""

    strategy = strategies.LossMix()


@MODELS.register_module()
class BatchUnionMix(BatchMix):
    """``BatchMix`` with ``strategies.Union``; needs no wrapper."""

    strategy = strategies.Union()


@MODELS.register_module()
class BatchNoiseMix(BatchMix):
    """``BatchMix`` with ``strategies.Noise``; needs no wrapper."""

    strategy = strategies.Noise()


@MODELS.register_module()
class BatchSampledLossMix(BatchMix):
    """``BatchMix`` with ``strategies.SampledLossMix``; needs no wrapper."""

    strategy = strategies.SampledLossMix()


def partner_of(index: int, samples: SampleList) -> int:
    """The nearest image before one, in (index - N, index), that is of another file.

    It is ``index`` itself if all are of one file.
    """
    path = samples[index].get('img_path')
    for other in range(index - 1, index - len(samples), -1):
        if path is None or samples[other].get('img_path') != path:
            return other
    return index


def in_common_frame(
    own: DetDataSample, partner: DetDataSample
) -> Tuple[DetDataSample, DetDataSample]:
    """Copy two samples of one batch, not their tensors, with the frame of their mix.

    The images lie in the same padded canvas, so no box moves; the content of the mix
    reaches as far as the larger of either side.
    """
    frame = {
        key: canvas_shape(own.get(key), partner.get(key))
        for key in ('img_shape', 'pad_shape')
        if key in own
    }
    check_prompts(own, partner)
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
