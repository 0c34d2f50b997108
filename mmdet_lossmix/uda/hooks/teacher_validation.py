"""Validation and best checkpoint of a run whose teacher starts late."""

from typing import Any, Dict, Optional

from mmdet.engine.runner import TeacherStudentValLoop
from mmdet.registry import HOOKS, LOOPS
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from .teacher_hook import TeacherHook, teacher_model


@LOOPS.register_module()
class TeacherValLoop(TeacherStudentValLoop):
    """``TeacherStudentValLoop`` that does not report a teacher before it starts.

    Metrics are ``teacher/...`` and ``student/...``; in burn-in, the student's alone.

    Raises:
        ValueError: If there is no ``TeacherHook``, without which the teacher would
            never start.
    """

    def __init__(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        super().__init__(runner, *args, **kwargs)
        if not any(isinstance(hook, TeacherHook) for hook in runner.hooks):
            raise ValueError(
                'For TeacherValLoop add `dict(type="TeacherHook")` to `custom_hooks`, '
                "of which a config replaces its base's as a whole: got "
                f'{[type(hook).__name__ for hook in runner.hooks]}.'
            )

    def run(self) -> Any:
        """Validate whom there is, and return the metrics."""
        model = teacher_model(self.runner)
        if model.teacher_started:
            return super().run()
        self.runner.logger.info(
            f'teacher: not started (burn-in until iteration {model.burn_in_iters}); '
            'the student is evaluated.'
        )
        self.runner.call_hook('before_val')
        self.runner.call_hook('before_val_epoch')
        model.eval()
        predict_on = model.semi_test_cfg.get('predict_on')
        model.semi_test_cfg['predict_on'] = 'student'
        for idx, data_batch in enumerate(self.dataloader):
            self.run_iter(idx, data_batch)
        model.semi_test_cfg['predict_on'] = predict_on
        found = self.evaluator.evaluate(len(self.dataloader.dataset))
        metrics: Dict[str, float] = {f'student/{k}': v for k, v in found.items()}
        self.runner.call_hook('after_val_epoch', metrics=metrics)
        self.runner.call_hook('after_val')
        return metrics


@HOOKS.register_module()
class TeacherCheckpointHook(CheckpointHook):
    """``CheckpointHook`` whose ``save_best`` may name a metric of the teacher.

    Validations of the burn-in have none, so the best checkpoint is looked for once the
    teacher has started. It was chosen by the images that it is tested on.
    """

    def after_val_epoch(
        self, runner: Runner, metrics: Optional[Dict[str, float]] = None
    ) -> None:
        """Save the best checkpoint of the adaptation."""
        if not teacher_model(runner).teacher_started:
            return
        # CocoMetric has no metric at all if nothing was detected.
        if not any(key.startswith('teacher/') for key in metrics or {}):
            runner.logger.warning(
                'Nothing to choose the best checkpoint by: the teacher has found '
                'nothing on the test images.'
            )
            return
        super().after_val_epoch(runner, metrics)
