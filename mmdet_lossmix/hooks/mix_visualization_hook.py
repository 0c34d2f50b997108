"""Shows now and then what the model is trained on."""

from functools import partial
from typing import Any, Optional, Tuple

import numpy as np
from mmdet.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import ImgDataPreprocessor, is_model_wrapper
from mmengine.runner import Runner
from torch import nn
from torch.utils.hooks import RemovableHandle

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.models.one_forward.shared_forward import untraced
from mmdet_lossmix.visualization import draw_grid, draw_mixed_sample, to_rgb_images
from mmdet_lossmix.visualization.mixed import LEGEND


@HOOKS.register_module()
class MixVisualizationHook(Hook):
    """Log a picture of the images of a batch, mixed or not, with their objects.

    The images are those that the model trains on in that iteration, after the workers,
    the data preprocessor and its batch augments: the first iteration, and every
    ``interval`` from there. They go to all backends of the runner's visualizer under
    the name ``mixed``. Training is not disturbed: nothing is loaded, preprocessed or
    drawn at random for the picture. Only the first rank draws, for a few seconds.

    Args:
        interval (int): Iterations from a picture to the next. Defaults to 1000.
        grid (tuple[int, int]): Rows and columns of the picture, of which a small batch
            fills a part. Defaults to (2, 4).

    Raises:
        TypeError: If one of the numbers is none.
        ValueError: If ``interval``, rows or columns are below 1.
    """

    def __init__(self, interval: int = 1000, grid: Tuple[int, int] = (2, 4)) -> None:
        check_number('interval', interval, '[1, inf)', whole=True)
        if not isinstance(grid, (list, tuple)) or len(grid) != 2:
            raise ValueError(f'Set `grid` to rows and columns, not {grid!r}.')
        for side in grid:
            check_number('grid', side, '[1, inf)', whole=True)
        self.interval = interval
        self.grid = (grid[0], grid[1])
        self._handle: Optional[RemovableHandle] = None

    def before_train(self, runner: Runner) -> None:
        """Check the model.

        Raises:
            TypeError: If its data preprocessor is not for batches of images.
        """
        found = data_preprocessor_of(runner)
        if not isinstance(found, ImgDataPreprocessor):
            raise TypeError(
                'Remove MixVisualizationHook: it draws one batch of images, and '
                f'{type(found).__name__}, the data preprocessor, yields several.'
            )

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Have the batch drawn as soon as it has been preprocessed."""
        if runner.iter % self.interval == 0 and is_main_process():
            draw = partial(self._draw, runner)
            self._handle = data_preprocessor_of(runner).register_forward_hook(draw)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Draw this iteration only."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    @untraced
    def _draw(
        self, runner: Runner, module: nn.Module, inputs: Any, output: dict
    ) -> None:
        """Draw now, before the detector changes samples in place."""
        number = self.grid[0] * self.grid[1]
        samples = output['data_samples'][:number]
        images = to_rgb_images(output['inputs'][:number], samples, module)
        metainfo = getattr(runner.train_dataloader.dataset, 'metainfo', None)
        classes = metainfo.get('classes') if isinstance(metainfo, dict) else None
        drawings = [
            partial(draw_mixed_sample, image=image, sample=sample, classes=classes)
            for image, sample in zip(images, samples)
        ]
        step = runner.iter + 1
        title = f'Training iteration {step}: what the model gets'
        canvas: Any = draw_grid(drawings, self.grid, title, LEGEND).canvas
        canvas.draw()
        picture = np.asarray(canvas.buffer_rgba())[:, :, :3]
        runner.visualizer.add_image('mixed', np.ascontiguousarray(picture), step)


def data_preprocessor_of(runner: Runner) -> nn.Module:
    """The data preprocessor of the model, which a distributed wrapper may hold."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return model.data_preprocessor
