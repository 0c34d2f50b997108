"""The best checkpoint of a run whose teacher starts late."""

from typing import Dict, Optional

from mmdet.registry import HOOKS
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.runner import Runner

from .teacher_hook import teacher_model


@HOOKS.register_module()
class TeacherCheckpointHook(CheckpointHook):
    """``CheckpointHook`` whose ``save_best`` may name a metric of the teacher.

    Validations of the burn-in have none (``TeacherValLoop``), so the best checkpoint is
    looked for once the teacher has started. The result of a run is its last checkpoint;
    the best one was chosen by the images that it is tested on.

    Examples:
        >>> default_hooks = dict(
        >>>     checkpoint=dict(
        >>>         type='TeacherCheckpointHook', save_best='teacher/pascal_voc/AP50'))
    """

    def after_val_epoch(
        self, runner: Runner, metrics: Optional[Dict[str, float]] = None
    ) -> None:
        """Save the best checkpoint of the adaptation."""
        if not teacher_model(runner).teacher_started:
            return
        # CocoMetric has no metric at all if nothing was detected.
        if not any(key.startswith('teacher/') for key in metrics or {}):
            print_log(
                'Nothing to choose the best checkpoint by: the teacher has found '
                'nothing on the test images.',
                logger='current',
                level=30,
            )
            return
        super().after_val_epoch(runner, metrics)
