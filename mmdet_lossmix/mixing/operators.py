"""What turns two images into one: the operators Blend and CutMix."""

import math
from abc import ABCMeta, abstractmethod
from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np
from mmdet.registry import TASK_UTILS
from mmdet.utils import ConfigType
from torch import Tensor

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.functional import blend_tensors

from .canvas import blend, canvas_shape, check_alike, pad_to
from .visibility import Window

BLEND = dict(type='Blend')


def build_operator(operator: ConfigType) -> 'MixOperator':
    """Build an operator from its config.

    Raises:
        TypeError: If it builds something else.
    """
    built = TASK_UTILS.build(operator) if isinstance(operator, dict) else operator
    if not isinstance(built, MixOperator):
        raise TypeError(
            "Set `operator` to the config of one, such as dict(type='Blend') or "
            f"dict(type='CutMix'): got {operator!r:.80}."
        )
    return built


class MixOperator(metaclass=ABCMeta):
    """How two images become one, in the pipeline and on the device.

    Which annotations count is the affair of a strategy: every operator goes with every
    strategy. A new one is a subclass, registered in mmdet's ``TASK_UTILS``;
    ``operator=dict(type='...')`` chooses it.

    Attributes:
        min_visible (float): The share of an object that must be seen for it to stay,
            in [0, 1]. Counts only where :meth:`draw` gives a window.
    """

    min_visible: float = 0.0

    def draw(
        self, lam: float, canvas: Tuple[int, int], rng: Any
    ) -> Tuple[float, Optional[Window]]:
        """Draw what is random besides lambda; nothing, unless overridden.

        ``lam`` is the weight of the own image as drawn, ``canvas`` (H, W) that of the
        mixed one. Draw with ``rng.random()``, which a generator and ``numpy.random``
        have in common.

        Returns:
            tuple[float, Window, optional]: The weight that the own image really gets,
            and the window in which the partner alone is seen, around it the own image
            alone; None where both are seen everywhere.
        """
        return lam, None

    @abstractmethod
    def mix_images(
        self,
        image: np.ndarray,
        partner: np.ndarray,
        lam: float,
        window: Optional[Window],
        pad_val: Union[float, Sequence[float]],
    ) -> np.ndarray:
        """Mix two images as loaded, which share the top left corner of the canvas.

        They have shapes (H, W[, C]) and (H', W'[, C]), and must stay as they are.
        ``lam`` and ``window`` are those of :meth:`draw`; ``pad_val`` is the value where
        an image does not reach. Returns a new array as large as the canvas.
        """

    @abstractmethod
    def mix_tensors(
        self,
        images: Tensor,
        partners: Tensor,
        lam: float,
        window: Optional[Window],
        out: Optional[Tensor] = None,
    ) -> Tensor:
        """Mix two batches on the device, which must stay as they are.

        Both have the shape (N, C, H, W) of the canvas, and so has ``out``, which is
        written and returned; without it, a new tensor is. ``lam`` and ``window`` are
        those of :meth:`draw`.
        """

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@TASK_UTILS.register_module()
class Blend(MixOperator):
    """Every pixel is ``lam`` times the own one plus ``1 - lam`` times the partner's.

    Equation (1) of :mod:`mmdet_lossmix.functional`, known as Mixup. Both images are
    seen everywhere, so their objects stay whole.
    """

    def mix_images(self, image, partner, lam, window, pad_val):
        """Equation (1) in one SIMD pass."""
        return blend(image, partner, lam, pad_val)

    def mix_tensors(self, images, partners, lam, window, out=None):
        """Equation (1) on the device."""
        return blend_tensors(images, partners, lam, out)


@TASK_UTILS.register_module()
class CutMix(MixOperator):
    """Copy a rectangle from the same coordinates of the partner into the own image.

    See CutMix (Yun et al., ICCV 2019, arXiv:1905.04899). The rectangle has the aspect
    ratio of the canvas, and the share ``1 - lam`` of it, up to rounding to pixels. It
    lies anywhere inside. Lambda becomes the share that is left, exactly.

    The canvas holds both images. In the pipeline it has the larger height and width of
    both. On the device it is the padded batch, where every rank pastes the same part.
    Lambda is equal on all ranks, and exact up to rounding to pixels. Where the partner
    is smaller, the rectangle shows its padding, which counts as the partner's.

    Args:
        min_visible (float): An object stays if at least this share of it, or of its
            mask, is seen, in [0, 1]. Its box then encloses what is seen. Defaults to
            0.25.

    Raises:
        TypeError: If ``min_visible`` is not a number.
        ValueError: If ``min_visible`` is outside [0, 1].
    """

    def __init__(self, min_visible: float = 0.25) -> None:
        check_number('min_visible', min_visible, '[0, 1]')
        self.min_visible = min_visible

    def draw(self, lam, canvas, rng):
        """Draw the place of the rectangle."""
        scale = math.sqrt(1 - lam)
        height, width = (round(scale * side) for side in canvas)
        # `rng.random()` is below 1, so the last place is canvas - side.
        y1 = int(rng.random() * (canvas[0] - height + 1))
        x1 = int(rng.random() * (canvas[1] - width + 1))
        window = Window(x1, y1, x1 + width, y1 + height, canvas)
        return 1 - window.share, window

    def mix_images(self, image, partner, lam, window, pad_val):
        """Paste what the window shows of the partner."""
        check_alike(image, partner)
        canvas = canvas_shape(image.shape, partner.shape)
        mixed = pad_to(image, canvas, pad_val)
        if mixed is image:
            mixed = image.copy()
        place, pasted = mixed[window.slices], partner[window.slices]
        place[...] = pad_val
        place[: pasted.shape[0], : pasted.shape[1]] = pasted
        return mixed

    def mix_tensors(self, images, partners, lam, window, out=None):
        """Paste what the window shows of the partners."""
        mixed = images.clone() if out is None else out.copy_(images)
        place = (..., *window.slices)
        mixed[place] = partners[place]
        return mixed

    def __repr__(self) -> str:
        return f'{type(self).__name__}(min_visible={self.min_visible})'
