"""Pictures of what a teacher finds on the same images as the training goes on."""

from functools import partial
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from mmdet.registry import HOOKS
from mmdet.structures import DetDataSample
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdet_lossmix.hooks.random_state import random_state_kept
from mmdet_lossmix.uda.arguments import check_number
from mmdet_lossmix.uda.data.views import WEAK
from mmdet_lossmix.visualization import BoxPainter, draw_grid, to_rgb_images
from mmdet_lossmix.visualization.boxes import OWN, legend_entry
from mmdet_lossmix.visualization.mixed import show_image

from .teacher_hook import teacher_model

Found = Tuple[int, str, List[DetDataSample]]


@HOOKS.register_module()
class PseudoLabelHook(Hook):
    """Log a growing picture of pseudo labels: a row an image, a column a time.

    The images are the first ones of the target, weakly augmented. The teacher looks at
    them in the first iteration of adaptation and every ``interval`` from the start of
    the run; before it has started, the student does. The picture goes to all backends
    of the visualizer under the name ``pseudo_labels``. Training is not disturbed; only
    the first rank draws.

    Args:
        interval (int): Iterations from a column to the next. Defaults to 2000.
        images (int): Rows. Defaults to 3.
        columns (int): At most so many, at least 2: the first, the last, and some
            between, spread evenly. Defaults to 8.

    Raises:
        TypeError: If an argument is no number.
        ValueError: If a number is too low.
    """

    priority = 'LOW'  # after the teacher has been updated

    def __init__(self, interval: int = 2000, images: int = 3, columns: int = 8) -> None:
        check_number('interval', interval, '[1, inf)', whole=True)
        check_number('images', images, '[1, inf)', whole=True)
        check_number('columns', columns, '[2, inf)', whole=True)
        self.interval = interval
        self.images = images
        self.columns = columns
        self._data: dict = {}
        self._found: List[Found] = []

    def before_train(self, runner: Runner) -> None:
        """Load the images, without a trace in the random generators."""
        target = runner.train_dataloader.dataset.datasets[-1]
        with random_state_kept():
            loaded = [target[i] for i in range(min(self.images, len(target)))]
        self._data = dict(
            inputs=[item['inputs'][WEAK] for item in loaded],
            data_samples=[item['data_samples'][WEAK] for item in loaded],
        )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Optional[dict] = None,
        outputs: Optional[dict] = None,
    ) -> None:
        """Look at the images again, and draw."""
        first = runner.iter == teacher_model(runner).burn_in_iters
        due = self.every_n_train_iters(runner, self.interval)
        if (first or due) and is_main_process():
            self._look(runner)

    @torch.no_grad()
    def _look(self, runner: Runner) -> None:
        model = teacher_model(runner)
        who = 'teacher' if model.teacher_started else 'student'
        detector = getattr(model, who)
        preprocessor = model.data_preprocessor.data_preprocessor
        copies = [sample.clone() for sample in self._data['data_samples']]
        data = dict(inputs=self._data['inputs'], data_samples=copies)
        with random_state_kept():
            data = preprocessor(data, training=True)
            training = detector.training
            detector.eval()
            found = detector.predict(
                data['inputs'], data['data_samples'], rescale=False
            )
            detector.train(training)
        self._found.append((runner.iter + 1, who, [s.to('cpu') for s in found]))
        if len(self._found) > self.columns:
            del self._found[most_crowded([step for step, *_ in self._found])]
        images = to_rgb_images(data['inputs'], data['data_samples'], preprocessor)
        labels = model.pseudo_labels
        threshold = labels.score_thr if labels is not None else 0.5
        classes = (runner.visualizer.dataset_meta or {}).get('classes')
        drawings = [
            partial(
                draw_found,
                image=image,
                sample=samples[row],
                title=f'{who}, iteration {step}' if row == 0 else '',
                threshold=threshold,
                classes=classes,
            )
            for row, image in enumerate(images)
            for step, who, samples in self._found
        ]
        figure = draw_grid(
            drawings,
            (len(images), len(self._found)),
            'Pseudo labels',
            [legend_entry(OWN, f'score >= {threshold}')],
        )
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        picture = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
        runner.visualizer.add_image('pseudo_labels', picture, runner.iter + 1)


def most_crowded(steps: Sequence[int]) -> int:
    """Which of three or more is nearest to its neighbours, the ends excepted."""
    gaps = [after - before for before, after in zip(steps, steps[2:])]
    return 1 + int(np.argmin(gaps))


def draw_found(
    ax: Axes,
    image: np.ndarray,
    sample: DetDataSample,
    title: str,
    threshold: float,
    classes: Any,
) -> None:
    """Draw an image and what was found on it with a score of ``threshold`` or more."""
    show_image(ax, image)
    ax.set_title(title, fontsize=8)
    painter = BoxPainter(ax)
    found = sample.pred_instances
    for box, score, label in zip(
        found.bboxes.tolist(), found.scores.tolist(), found.labels.tolist()
    ):
        if score >= threshold:
            name = classes[label] if classes else label
            painter.draw(box, OWN, f'{name} {score:.2f}')
