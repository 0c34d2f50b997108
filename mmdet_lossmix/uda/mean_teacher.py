"""A student, and a teacher that starts late: as a copy of it, then as its average."""

from typing import Any, Dict, List

import torch
from mmdet.models.detectors import SemiBaseDetector
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from mmengine.dist import all_reduce_params
from mmengine.logging import print_log
from torch import Tensor


class MeanTeacher(SemiBaseDetector):
    """``SemiBaseDetector`` whose teacher has a start, which a checkpoint remembers.

    Args:
        detector (:obj:`ConfigDict` or dict): Of student and teacher.
        burn_in_iters (int): In which iteration the teacher starts, at least 0.
        keep_rate (float): What the teacher keeps of itself in an iteration, in [0, 1).
        semi_test_cfg (dict, optional): See ``SemiBaseDetector``. Defaults to None,
            predictions of the teacher.
        data_preprocessor (dict, optional): A ``MultiBranchDataPreprocessor``. Defaults
            to None, one around the detector's own.
        init_cfg (:obj:`ConfigDict` or dict, optional): See ``BaseModule``. Defaults to
            None.

    Raises:
        ValueError: If ``burn_in_iters`` or ``keep_rate`` is out of its range.
    """

    teacher_started: Tensor

    def __init__(
        self,
        detector: ConfigType,
        burn_in_iters: int,
        keep_rate: float,
        semi_test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        if burn_in_iters < 0 or not 0 <= keep_rate < 1:
            raise ValueError(
                'Expected `burn_in_iters` >= 0 and `keep_rate` in [0, 1) but got '
                f'{burn_in_iters} and {keep_rate}.'
            )
        super().__init__(
            detector=detector,
            semi_train_cfg=dict(freeze_teacher=True),
            semi_test_cfg=semi_test_cfg or dict(predict_on='teacher'),
            data_preprocessor=data_preprocessor
            or dict(
                type='MultiBranchDataPreprocessor',
                data_preprocessor=detector.get('data_preprocessor')
                or dict(type='DetDataPreprocessor'),
            ),
            init_cfg=init_cfg,
        )
        self.burn_in_iters = burn_in_iters
        self.keep_rate = keep_rate
        self.register_buffer('teacher_started', torch.tensor(False))
        self._warned_of_student = False

    @torch.no_grad()
    def start_teacher(self) -> None:
        """Make the teacher a copy of the student, buffers too."""
        self.teacher.load_state_dict(self.student.state_dict())
        self._average_statistics()
        self.teacher_started.fill_(True)

    @torch.no_grad()
    def update_teacher(self) -> None:
        """Move the teacher towards the student.

        ``teacher = keep_rate * teacher + (1 - keep_rate) * student``, of weights and of
        floating point buffers alike, as averaged weights go with averaged statistics;
        counters are copied. It is the same teacher on all ranks, although each rank's
        student has running statistics of its own images.
        """
        student = self.student.state_dict()
        for name, value in self.teacher.state_dict().items():
            if value.is_floating_point():
                value.mul_(self.keep_rate).add_(student[name], alpha=1 - self.keep_rate)
            else:
                value.copy_(student[name])
        self._average_statistics()

    def _average_statistics(self) -> None:
        floats = [b for b in self.teacher.buffers() if b.is_floating_point()]
        if floats:
            all_reduce_params(floats, op='mean')

    def check_started(self) -> None:
        """Refuse to adapt with a teacher that nobody has started.

        Raises:
            RuntimeError: If the teacher has not started.
        """
        if not self.teacher_started:
            raise RuntimeError(
                f'Expected a teacher after {self.burn_in_iters} iterations of burn-in '
                'but it has not started; add `dict(type="TeacherHook")` to '
                '`custom_hooks`.'
            )

    def train(self, mode: bool = True) -> 'MeanTeacher':
        """The teacher always predicts, and never counts what passes through it."""
        super().train(mode)
        self.teacher.eval()
        return self

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: SampleList
    ) -> SampleList:
        """Predict with the teacher, or as ``semi_test_cfg`` says.

        A teacher that has not started would find nothing; the student does it then.
        """
        if self.semi_test_cfg.get('predict_on') != 'student' and (
            not self.teacher_started
        ):
            if not self._warned_of_student:
                self._warned_of_student = True
                print_log(
                    'The teacher has not started (burn-in); the student predicts.',
                    logger='current',
                    level=30,
                )
            return self.student(batch_inputs, batch_data_samples, mode='predict')
        return super().predict(batch_inputs, batch_data_samples)

    def _load_from_state_dict(
        self,
        state_dict: Dict[str, Any],
        prefix: str,
        local_metadata: dict,
        strict: bool,
        missing_keys: List[str],
        unexpected_keys: List[str],
        error_msgs: List[str],
    ) -> None:
        """Also take the checkpoint of a plain detector; its teacher is to start yet."""
        super()._load_from_state_dict(
            state_dict,
            prefix,
            local_metadata,
            strict,
            missing_keys,
            unexpected_keys,
            error_msgs,
        )
        key = f'{prefix}teacher_started'
        if key in missing_keys:
            missing_keys.remove(key)
            self.teacher_started.fill_(False)
