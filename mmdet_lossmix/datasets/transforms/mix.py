"""Mixing in the data pipeline: LossMix, and the baselines Union and Noise."""

import random
from typing import ClassVar, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmdet.registry import TRANSFORMS
from mmdet.utils import ConfigType

from mmdet_lossmix.functional import check_mix_args, sample_lambda
from mmdet_lossmix.mixing import BLEND, Window, build_operator, strategies
from mmdet_lossmix.mixing.annotations import Annotations, check_prompts, join
from mmdet_lossmix.mixing.canvas import canvas_shape, check_pad_val, check_pad_val_for
from mmdet_lossmix.mixing.run_check import MIXED_TWICE
from mmdet_lossmix.mixing.shared import MixCounts, MixSwitch

from .annotation_keys import ANNOTATION_KEYS, as_results, read_annotations
from .frame_guard import record_frame
from .partners import LoadedImage, PartnerCache, at_scale_of


class MixTransform(BaseTransform):
    """Mix the image with a partner; a strategy chooses the annotations.

    In a plain pipeline the partner is one of the last images that this worker loaded
    (the first image of a worker stays unmixed). In the pipeline of mmdet's
    ``MultiImageMixDataset`` it is drawn from the dataset, and resized to the image if
    earlier steps of that pipeline (Mosaic, ...) have changed the image's scale. An
    image is never mixed with itself.

    Put it after everything that moves pixels (Resize, RandomFlip, RandomCrop, ...) and
    before packing.

    Required keys: ``img``, and whatever ``LoadAnnotations`` gives: ``gt_bboxes``,
    ``gt_bboxes_labels``, ``gt_ignore_flags``, ``gt_masks``, ``gt_seg_map``. Modified
    keys: these, and ``img_shape``. Added keys: ``partner_img_path``.

    Args:
        alpha (float): The weight is drawn from ``Beta(alpha, alpha)``. Defaults to 1.0.
        prob (float): Probability of mixing, in [0, 1]. Defaults to 1.0.
        max_cached_images (int): Images that a worker holds as partners of later ones.
            Defaults to 20.
        pad_val (float or Sequence[float]): Pixel value where the smaller of two images
            does not reach. Defaults to 114.
        operator (dict): How two images become one, see
            :mod:`mmdet_lossmix.mixing`. Defaults to ``dict(type='Blend')``.

    Raises:
        TypeError: If a number is none, or ``operator`` builds no :class:`MixOperator`.
        ValueError: If a number is out of its range.
    """

    strategy: ClassVar[strategies.Strategy]

    def __init__(
        self,
        alpha: float = 1.0,
        prob: float = 1.0,
        max_cached_images: int = 20,
        pad_val: Union[float, Sequence[float]] = 114,
        operator: ConfigType = BLEND,
    ) -> None:
        check_mix_args(alpha, prob)
        self.alpha = alpha
        self.prob = prob
        self.pad_val = pad_val
        check_pad_val(pad_val)
        self.operator = build_operator(operator)
        self.cache = PartnerCache(max_cached_images)
        self.switch = MixSwitch()
        self.counts = MixCounts()

    def get_indexes(self, dataset) -> List[int]:
        """Draw an index for ``MultiImageMixDataset``; none while not mixing."""
        mixing = self.prob > 0 and self.switch.on
        return [random.randrange(len(dataset))] if mixing else []

    @cache_randomness
    def _do_mix(self) -> bool:
        return self.switch.on and np.random.random() < self.prob

    @cache_randomness
    def _draw_lambda(self) -> float:
        return sample_lambda(self.alpha)

    @cache_randomness
    def _draw_window(
        self, lam: float, canvas: Tuple[int, int]
    ) -> Tuple[float, Optional[Window]]:
        return self.operator.draw(lam, canvas, np.random)

    def transform(self, results: dict) -> dict:
        """Mix ``results`` of the pipeline with a partner, in place."""
        if 'partner' in results:
            raise ValueError(MIXED_TWICE.format(type(self).__name__))
        annotations = read_annotations(results).without_degenerate()
        results.update(as_results(annotations))
        if 'mix_results' in results:
            partner = self._partner_of_dataset(results)
        else:
            partner = self._partner_of_cache(results)
        self.counts.add(images=1)
        if partner is None:
            return results
        check_prompts(results, partner.prompts)
        check_pad_val_for(results['img'], self.pad_val)
        canvas = canvas_shape(results['img'].shape, partner.img.shape)
        lam, window = self._draw_window(self._draw_lambda(), canvas)
        least = self.operator.min_visible
        own = annotations.on_canvas(canvas).visible(window, False, least)
        other = partner.annotations.copy().on_canvas(canvas)
        results['img'] = self.operator.mix_images(
            results['img'], partner.img, lam, window, self.pad_val
        )
        results['img_shape'] = canvas
        results['partner_img_path'] = partner.img_path
        self.counts.add(mixed=1, lam=lam)
        self._annotate(results, own, other.visible(window, True, least), lam)
        return results

    def _annotate(
        self, results: dict, own: Annotations, partner: Annotations, lam: float
    ) -> None:
        """Put what the strategy chooses where mmdet expects it, and beside it."""
        (annotations, weight), *others = self.strategy(
            own, partner, lam, join, np.random
        )
        for key in ANNOTATION_KEYS:  # of which the partner may have fewer
            results.pop(key, None)
        results.update(as_results(annotations))
        if others:
            results['partner'] = as_results(others[0][0])
            results['mix_lambda'] = weight
            record_frame(results)

    def _partner_of_dataset(self, results: dict) -> Optional[LoadedImage]:
        if not results['mix_results'] or not self._do_mix():
            return None
        loaded = LoadedImage.of(at_scale_of(results, results['mix_results'][0]))
        return self.cache.exchange(
            LoadedImage.of(results),
            loaded._replace(annotations=loaded.annotations.without_degenerate()),
        )

    def _partner_of_cache(self, results: dict) -> Optional[LoadedImage]:
        if not self.switch.on:
            self.cache.entries.clear()
            return None
        loaded = LoadedImage.of(results)
        partner = self.cache.draw(loaded) if self._do_mix() else None
        entry = self.cache.push(loaded)
        if partner is not None:
            results['img'] = entry.img  # its memory is free for the blend
        return partner

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(alpha={self.alpha}, prob={self.prob}, '
            f'max_cached_images={self.cache.max_cached_images}, '
            f'pad_val={self.pad_val}, operator={self.operator})'
        )


@TRANSFORMS.register_module()
class LossMixTransform(MixTransform):
    """``MixTransform`` with ``strategies.LossMix``, for :class:`LossMixDetector`.

    Needs :class:`PackLossMixInputs` at the end of the pipeline. Added keys: ``partner``
    (dict) and ``mix_lambda`` (float).
    """

    strategy = strategies.LossMix()


@TRANSFORMS.register_module()
class UnionMixTransform(MixTransform):
    """``MixTransform`` with ``strategies.Union``; needs no wrapper or packing."""

    strategy = strategies.Union()


@TRANSFORMS.register_module()
class NoiseMixTransform(MixTransform):
    """``MixTransform`` with ``strategies.Noise``; needs no wrapper or packing."""

    strategy = strategies.Noise()


@TRANSFORMS.register_module()
class SampledLossMixTransform(MixTransform):
    """``MixTransform`` with ``strategies.SampledLossMix``; needs no wrapper."""

    strategy = strategies.SampledLossMix()
