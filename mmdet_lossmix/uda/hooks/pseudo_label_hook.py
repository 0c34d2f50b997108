"""Pictures of what a teacher finds on the same images as the training goes on."""

from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.hooks.random_state import random_state_kept
from mmdet_lossmix.uda.data.views import WEAK
from mmdet_lossmix.uda.pseudo_labels import PseudoLabels
from mmdet_lossmix.visualization import to_rgb_images

from .teacher_hook import teacher_model


@HOOKS.register_module()
class PseudoLabelHook(Hook):
    """Draw pseudo labels on the same images, again and again.

    The images are the first ones of the target, weakly augmented. The teacher looks at
    them in the first iteration of adaptation and every ``interval`` from the start of
    the run; before it has started, the student does. mmdet's visualizer draws what has
    the score of a pseudo label, to all its backends, as ``pseudo_labels_0`` and so
    on. Training is not disturbed; only the first rank draws.

    Args:
        interval (int): Iterations from a picture to the next. Defaults to 2000.
        images (int): How many images. Defaults to 3.

    Raises:
        TypeError, ValueError: If an argument is no number, or too low.
    """

    priority = 'LOW'  # after the teacher has been updated

    def __init__(self, interval: int = 2000, images: int = 3) -> None:
        check_number('interval', interval, '[1, inf)', whole=True)
        check_number('images', images, '[1, inf)', whole=True)
        self.interval, self.images = interval, images
        self._data: dict = {}

    def before_train(self, runner: Runner) -> None:
        """Load the images, without a trace in the random generators."""
        target = runner.train_dataloader.dataset.datasets[-1]
        with random_state_kept():
            loaded = [target[i] for i in range(min(self.images, len(target)))]
        keys = 'inputs', 'data_samples'
        self._data = {key: [item[key][WEAK] for item in loaded] for key in keys}

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Look at the images again, and draw."""
        first = runner.iter == teacher_model(runner).burn_in_iters
        due = self.every_n_train_iters(runner, self.interval)
        if (first or due) and is_main_process():
            self._look(runner)

    @torch.no_grad()
    def _look(self, runner: Runner) -> None:
        model = teacher_model(runner)
        detector = model.teacher if model.teacher_started else model.student
        preprocessor = model.data_preprocessor.data_preprocessor
        with random_state_kept():
            data = preprocessor(self._data, training=True)
            training = detector.training
            detector.eval()
            # A student that is to have none is looked at, too.
            labels = model.pseudo_labels or PseudoLabels(score_thr=0.5)
            batch = data['inputs'], data['data_samples']
            found = labels.predictions(detector, *batch)
            for sample in found:
                boxes = sample.pred_instances
                sample.pred_instances = boxes[labels.sure(boxes)]
            detector.train(training)
        images = to_rgb_images(data['inputs'], data['data_samples'], preprocessor)
        for i, (image, sample) in enumerate(zip(images, found)):
            runner.visualizer.add_datasample(
                f'pseudo_labels_{i}',
                image,
                sample.to('cpu'),
                draw_gt=False,
                pred_score_thr=0.0,
                step=runner.iter + 1,
            )
