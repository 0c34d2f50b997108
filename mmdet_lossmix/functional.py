"""The mathematics of LossMix as pure functions.

LossMix (Vu et al., AAAI 2024, arXiv:2303.10343) blends two images and interpolates,
instead of their labels, the *losses* that one prediction has against either label::

    x~ = lambda * x_i + (1 - lambda) * x_j,    lambda ~ Beta(alpha, alpha)      (1)
    L~ = lambda * L(f(x~), y_i) + (1 - lambda) * L(f(x~), y_j)                  (2)

Everything else in this package samples ``lambda``, chooses the other image (the
*partner*), or moves annotations. Throughout, ``lam`` is the weight of the image itself;
its partner gets ``1 - lam``.
"""

from typing import Any, Dict, List, Optional, Sequence, Union

import cv2
import numpy as np
import torch
from torch import Tensor

from .arguments import check_number

LossDict = Dict[str, Union[Tensor, List[Tensor]]]


def check_mix_args(alpha: float, prob: float) -> None:
    """Refuse what is no parameter of ``Beta(alpha, alpha)`` or no probability.

    Raises:
        TypeError: If either is not a number.
        ValueError: If either is out of its range.
    """
    hint = '; to switch mixing off use `prob=0`'
    check_number('alpha', alpha, '(0, inf)', hint=hint)
    check_number('prob', prob, '[0, 1]')


def sample_lambda(alpha: float, rng: Any = np.random) -> float:
    """Draw the mixing weight of equation (1).

    Args:
        alpha (float): Parameter of ``Beta(alpha, alpha)``. 1 is uniform, a small one
            keeps mostly one image, a large one mixes half and half.
        rng (numpy.random.Generator or module): The source of randomness. Defaults to
            numpy's global state, which mmengine seeds differently in every worker.

    Returns:
        float: ``lam`` in [0, 1].
    """
    alpha = min(max(alpha, 1e-100), 1e100)  # beyond, numpy has NaN; lambda is the same
    return float(rng.beta(alpha, alpha))


def blend_tensors(
    image: Tensor, partner: Tensor, lam: float, out: Optional[Tensor] = None
) -> Tensor:
    """Equation (1) on the device, into ``out`` or a new tensor.

    All are floating point, of one shape (..., H, W). ``lam``, in [0, 1], is the weight
    of ``image``.
    """
    return torch.mul(image, lam, out=out).add_(partner, alpha=1 - lam)


def blend_images(
    image: np.ndarray, partner: np.ndarray, lam: float, out: Optional[np.ndarray] = None
) -> np.ndarray:
    """Equation (1) on images as loaded, in one SIMD pass without a float copy.

    For images of different sizes see :func:`mmdet_lossmix.mixing.canvas.blend`.

    Args:
        image (np.ndarray): Shape (H, W) or (H, W, C), 8 or 16 bit or floating point.
        partner (np.ndarray): Of the same shape and dtype.
        lam (float): Weight of ``image``, in [0, 1].
        out (np.ndarray, optional): Of the same shape and dtype, to be written.

    Returns:
        np.ndarray: The blend: ``out``, or a new array. Values are rounded once.
    """
    if lam < 0.5:
        # Dominant image first: mixing (i, j, lam) and (j, i, 1 - lam) are then the
        # same operation on the same operands, equal to the last bit.
        image, partner, lam = partner, image, 1 - lam
    mixed = cv2.addWeighted(image, lam, partner, 1 - lam, 0, out)
    return mixed.reshape(image.shape)  # OpenCV drops a single channel


def interpolate_losses(own: LossDict, partner: LossDict, lam: float) -> LossDict:
    """Equation (2) for every entry of mmdet's loss dictionaries.

    A weight of 0 drops its term, so that an infinite loss cannot become NaN.

    Args:
        own (dict[str, Tensor | list[Tensor]]): Losses against the image's annotations.
        partner (dict[str, Tensor | list[Tensor]]): Losses against its partner's.
        lam (float): Weight of ``own``, in [0, 1].

    Returns:
        dict[str, Tensor | list[Tensor]]: The same keys and structure, also ``acc``.
    """
    return weighted_sum([own, partner], [lam, 1 - lam])


def weighted_sum(losses: Sequence[LossDict], weights: Sequence[float]) -> LossDict:
    """Sum loss dictionaries with a weight each, entry by entry, lists staying lists.

    An entry that some dictionaries lack (a head with nothing to say) counts as 0 there.
    Terms of weight 0 are dropped.
    """
    terms = [(loss, w) for loss, w in zip(losses, weights) if w != 0]
    if len(terms) == 1 and terms[0][1] == 1:
        return dict(terms[0][0])
    total: Dict[str, Tensor] = {}
    lists = set()
    for loss, weight in terms:
        for key, value in loss.items():
            if isinstance(value, (list, tuple)):  # one operation for all levels
                value = torch.stack(list(value))
                lists.add(key)
            total[key] = total[key] + value * weight if key in total else value * weight
    return {k: list(v.unbind()) if k in lists else v for k, v in total.items()}
