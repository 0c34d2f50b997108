"""For comparisons: LossMix the naive way, sharing no code with the package.

Two complete passes of the plain detector over the same mixed batch, interpolated by
hand; per image, complete losses on that image's slice of the batch's features.
"""

import copy
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmdet.models.detectors.base import BaseDetector
from mmdet.structures import DetDataSample, SampleList
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import PixelData
from torch import Tensor, nn
from torch.utils._pytree import tree_map

Losses = Dict[str, Tensor]
Gradients = Dict[str, Optional[Tensor]]


def target(sample: DetDataSample, which: str) -> DetDataSample:
    """A sample with one of its two targets and nothing of the other."""
    chosen = copy.deepcopy(sample)  # `clone` shares what RTMDet-Ins modifies
    if 'partner' not in chosen:
        return chosen
    if which == 'partner':
        for key, value in chosen.partner.items():
            setattr(chosen, key, _padded_like(sample.get(key), value))
    del chosen.partner
    return chosen


def _padded_like(own: Any, partner: Any) -> Any:
    """Pad a partner's masks or map to the batch, as its image's own are already.

    For BoxInst, whose data preprocessor makes masks from boxes, make them.
    """
    if 'pairwise_masks' in own:
        height, width = own.masks.masks.shape[1:]
        masks = np.zeros((len(partner), height, width), np.float32)
        for mask, (left, top, right, bottom) in zip(masks, partner.bboxes.tolist()):
            mask[int(top) : int(bottom + 1), int(left) : int(right + 1)] = 1
        partner.masks = BitmapMasks(masks, height, width)
        # They are the image's, and the same for each object.
        partner.pairwise_masks = own.pairwise_masks[:1].expand(len(partner), -1, -1, -1)
    elif 'masks' in partner:
        partner.masks = partner.masks.pad(own.masks.masks.shape[1:])
    elif 'sem_seg' in partner:
        (height, width), (h, w) = own.shape, partner.shape
        padded = F.pad(partner.sem_seg, (0, width - w, 0, height - h), value=255)
        partner = PixelData(sem_seg=padded)
    return partner


def batch_losses(
    plain: BaseDetector,
    inputs: Tensor,
    samples: SampleList,
    lam: float,
    redraw: bool = True,
) -> Losses:
    """``weighting='batch'``: one lambda, the detector's own normaliser.

    Args:
        plain (:obj:`BaseDetector`): The detector.
        inputs (Tensor): Mixed images, shape (N, C, H, W).
        samples (list[:obj:`DetDataSample`]): N mixed samples.
        lam (float): Weight of the own targets.
        redraw (bool): Whether the second pass draws random numbers of its own, or
            those of the first pass again. Defaults to True.
    """
    weights = {'own': lam, 'partner': 1 - lam}
    return combine(_both(plain, inputs, samples, weights, redraw))


def image_losses(
    plain: BaseDetector, inputs: Tensor, samples: SampleList, redraw: bool = True
) -> Losses:
    """``weighting='image'``: the mean of images, each by itself on its features."""
    features = plain.extract_feat(inputs)
    count = len(samples)
    terms: List[Tuple[float, dict]] = []
    for i, sample in enumerate(samples):
        # Every count-th row: TridentNet has one for each image and branch.
        sliced = tree_map(lambda feature, i=i: feature[i::count], features)
        plain.extract_feat = lambda _, sliced=sliced: sliced
        lam = sample.get('mix_lambda', 1.0)
        weights = {'own': lam / count, 'partner': (1 - lam) / count}
        terms += _both(plain, inputs[i : i + 1], [sample], weights, redraw)
        del plain.extract_feat
    return combine(terms)


def _both(
    plain: BaseDetector,
    inputs: Tensor,
    samples: SampleList,
    weights: Dict[str, float],
    redraw: bool,
) -> Iterable[Tuple[float, dict]]:
    """The losses against either target, with their weights."""
    before = torch.get_rng_state()
    for which, weight in weights.items():
        if weight > 0:  # as a random sampler would not draw for nothing
            if not redraw:
                torch.set_rng_state(before)
            yield weight, plain.loss(inputs, [target(s, which) for s in samples])


def combine(terms: Iterable[Tuple[float, dict]]) -> Losses:
    """Sum of weighted loss dicts."""
    result: Losses = {}
    for weight, losses in terms:
        for key, value in losses.items():
            for i, v in enumerate(value if isinstance(value, list) else [value]):
                name = f'{key}.{i}' if isinstance(value, list) else key
                result[name] = result.get(name, 0) + weight * v
    return result


def flat(losses: dict) -> Losses:
    """The wrapper's losses named as :func:`combine` names them."""
    return combine([(1, losses)])


def gradients(model: nn.Module, losses: Losses) -> Gradients:
    """Gradients of the sum of all losses, by the parameter's name; None if unused."""
    model.zero_grad()
    total = torch.stack([v.sum() for k, v in losses.items() if 'loss' in k]).sum()
    total.backward()
    return {n.replace('detector.', ''): p.grad for n, p in model.named_parameters()}


def relative_difference(
    a: Mapping[str, Optional[Tensor]], b: Mapping[str, Optional[Tensor]]
) -> float:
    """Largest difference of two dicts of tensors, in units of the tensor's maximum.

    A tensor that is rounding alone beside the others (the gradient of an attention's
    key bias is 0) counts in units of 1e-8 of their maximum.
    """
    assert a.keys() == b.keys()
    largest = {k: x.abs().max().item() for k, x in a.items() if x is not None}
    least = 1e-8 * max(largest.values(), default=0.0) + 1e-30
    worst = 0.0
    for key, x in a.items():
        y = b[key]
        assert (x is None) == (y is None), key
        if x is not None and y is not None:
            difference = (x - y).abs().max().item()
            worst = max(worst, difference / max(largest[key], least))
    return worst


def seeded(function: Callable, *args: Any) -> Any:
    """Call with torch's generator in a known state."""
    torch.manual_seed(7)
    return function(*args)
