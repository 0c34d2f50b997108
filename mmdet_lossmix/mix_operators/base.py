"""What turns two images into one."""

from abc import ABCMeta, abstractmethod
from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np
from torch import Tensor

from .visibility import Window


class MixOperator(metaclass=ABCMeta):
    """How two images become one, in the pipeline and on the device.

    Which loss or target follows from the mixed image is not its affair: every operator
    goes with LossMix, Union and Noise. A new one is a subclass, registered in mmdet's
    ``TASK_UTILS``; ``operator=dict(type='...')`` chooses it.

    Attributes:
        min_visible (float): The share of an object that must be seen for it to stay in
            its target, in [0, 1]. Counts only where :meth:`draw` gives a window.
    """

    min_visible: float = 0.0

    def draw(
        self, lam: float, canvas: Tuple[int, int], rng: Any
    ) -> Tuple[float, Optional[Window]]:
        """Draw what is random besides lambda; nothing, unless overridden.

        Args:
            lam (float): Weight of the own image as drawn, in [0, 1].
            canvas (tuple[int, int]): (H, W) of the mixed image.
            rng (numpy.random.Generator or module): To draw with ``rng.random()``, which
                a generator and ``numpy.random`` have in common.

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

        Args:
            image (np.ndarray): Shape (H, W) or (H, W, C); must stay as it is.
            partner (np.ndarray): Shape (H', W') or (H', W', C); must stay as it is.
            lam (float): Weight of ``image`` as :meth:`draw` gave it.
            window (Window, optional): As :meth:`draw` gave it.
            pad_val (float or Sequence[float]): Value where an image does not reach.

        Returns:
            np.ndarray: A new array of the same dtype, as large as the canvas.
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
        """Mix two batches on the device.

        Args:
            images (Tensor): Shape (N, C, H, W), H and W those of the canvas; must stay
                as it is.
            partners (Tensor): Of the same shape; must stay as it is.
            lam (float): Weight of ``images`` as :meth:`draw` gave it.
            window (Window, optional): As :meth:`draw` gave it.
            out (Tensor, optional): Of the same shape, to be written.

        Returns:
            Tensor: ``out``, or a new tensor of the same shape.
        """

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
