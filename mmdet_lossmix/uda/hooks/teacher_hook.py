"""Switches the stages of a mean teacher, updates it, and logs what it labels."""

from collections import Counter
from typing import Any

import torch
from mmdet.engine.hooks import MeanTeacherHook
from mmdet.registry import HOOKS
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmdet_lossmix.arguments import check_number
from mmdet_lossmix.uda.checks import check_before_training
from mmdet_lossmix.uda.lossmix_teacher import LossMixTeacher


@HOOKS.register_module()
class TeacherHook(Hook):
    """The life of the teacher of :class:`LossMixTeacher`.

    Before the first iteration of adaptation the teacher becomes a copy of the student,
    and the optimizer meets the discriminator, idle so far, as a new one; after every
    iteration from there the teacher moves towards the student. Whether it has started
    is in the checkpoint: a run resumed before, at or after the switch goes on the same.

    Every ``interval`` iterations the pseudo labels kept since are logged: how many of
    each class (``pseudo_class/NAME``), for an image each.

    Args:
        interval (int): Between two logs, at least 1. Defaults to 50.
    """

    def __init__(self, interval: int = 50) -> None:
        check_number('interval', interval, '[1, inf)', whole=True)
        self.interval, self._images = interval, 0
        self._counts: Counter = Counter()

    def before_train(self, runner: Runner) -> None:
        """Check the data; let the teacher of an earlier adaptation start anew.

        Raises:
            TypeError: If the model has no such teacher.
            ValueError: If another hook moves the teacher, too, or the data do not go
                together, see :func:`check_before_training`.
        """
        model = teacher_model(runner)
        movers = (TeacherHook, MeanTeacherHook)
        moving = [type(h).__name__ for h in runner.hooks if isinstance(h, movers)]
        if len(moving) > 1:
            raise ValueError(
                f'Leave one TeacherHook of {moving} in `custom_hooks`: each of them '
                'moves the teacher in every iteration.'
            )
        check_before_training(runner, model)
        if model.pseudo_labels is not None:
            model.pseudo_labels.count(runner.train_dataloader.dataset)
        if model.teacher_started and runner.iter < model.burn_in_iters:
            model.teacher_started.fill_(False)
            runner.logger.warning(
                'The loaded checkpoint holds a teacher, but the run begins with a '
                f'burn-in of {model.burn_in_iters} iterations; the teacher starts anew '
                'after it. To go on with that teacher, use `burn_in_iters=0`.'
            )

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Start the teacher when burn-in is over."""
        model = teacher_model(runner)
        if runner.iter >= model.burn_in_iters and not model.teacher_started:
            model.start_teacher()
            if model.discriminator is not None:
                # It sat idle, with gradients of 0. From such averages Adam would take
                # steps of several times its learning rate.
                for parameter in model.discriminator.parameters():
                    runner.optim_wrapper.optimizer.state.pop(parameter, None)
            runner.logger.info(
                f'Burn-in is over (iteration {runner.iter}): the teacher starts as a '
                'copy of the student.'
            )

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Let the teacher follow, and log."""
        model = teacher_model(runner)
        if not model.teacher_started:
            return
        model.update_teacher()
        samples = model.last_pseudo
        if samples:
            labels = torch.cat([sample.gt_instances.labels for sample in samples])
            self._counts.update(labels.tolist())
            self._images += len(samples)
        if self.every_n_train_iters(runner, self.interval) and self._images:
            self._log(runner)

    def _log(self, runner: Runner) -> None:
        # All classes, so that one that vanishes is seen to.
        classes = (runner.visualizer.dataset_meta or {}).get('classes', ())
        of_each = [self._counts[label] for label in range(len(classes))]
        counts = torch.tensor([self._images, sum(self._counts.values()), *of_each])
        all_reduce(counts)
        per_image = (counts[1:] / counts[0]).tolist()
        names = [f'pseudo_class/{name}' for name in ('all', *classes)]
        runner.visualizer.add_scalars(dict(zip(names, per_image)), runner.iter + 1)
        self._counts.clear()
        self._images = 0


def teacher_model(runner: Runner) -> LossMixTeacher:
    """The model of a run, out of its wrapper; a ``TypeError`` if no LossMixTeacher."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if not isinstance(model, LossMixTeacher):
        raise TypeError(
            'Use TeacherHook and TeacherValLoop with a LossMixTeacher only, not a '
            f'{type(model).__name__}.'
        )
    return model
