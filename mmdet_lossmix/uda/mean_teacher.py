"""A student, and a teacher that starts late: as a copy of it, then as its average."""

from typing import Any, Optional, Tuple

import torch
from mmdet.models.detectors import SemiBaseDetector
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from mmengine.dist import all_reduce_params
from mmengine.logging import MMLogger
from torch import Tensor

from mmdet_lossmix.arguments import check_dicts, check_number

from .data.views import SUP

DETECTORS = ('student', 'teacher')


class MeanTeacher(SemiBaseDetector):
    """``SemiBaseDetector`` whose teacher has a start, which a checkpoint remembers.

    Args:
        detector (:obj:`ConfigDict` or dict): Of student and teacher.
        burn_in_iters (int): In which iteration the teacher starts, at least 0.
        momentum (float, optional): Share of the student's weights in the teacher's new
            ones in an iteration, in (0, 1]. Defaults to None, 0.0004.
        keep_rate (float, optional): Adaptive Teacher's word for ``1 - momentum``, in
            place of it. Defaults to None.
        semi_test_cfg (dict, optional): See ``SemiBaseDetector``. Defaults to None,
            predictions of the teacher.
        data_preprocessor (dict, optional): A ``MultiBranchDataPreprocessor``. Defaults
            to None, one around the detector's own.
        init_cfg (dict, optional): See ``BaseModule``. Defaults to None.

    Raises:
        TypeError, ValueError: If a number is none, or an argument out of its range, or
            there are both ``momentum`` and ``keep_rate``.
    """

    teacher_started: Tensor
    branches: Tuple[str, ...] = (SUP,)  # of a batch, that it trains on

    def __init__(
        self,
        detector: ConfigType,
        burn_in_iters: int,
        momentum: Optional[float] = None,
        keep_rate: Optional[float] = None,
        semi_test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        check_number('burn_in_iters', burn_in_iters, '[0, inf)', whole=True)
        if momentum is not None and keep_rate is not None:
            raise ValueError(
                f'Set `momentum` or `keep_rate`, not both ({momentum} and {keep_rate}).'
            )
        if keep_rate is not None:
            check_number('keep_rate', keep_rate, '[0, 1)')
            momentum = 1 - keep_rate
        momentum = 0.0004 if momentum is None else momentum
        check_number('momentum', momentum, '(0, 1]')
        check_dicts(True, semi_test_cfg=semi_test_cfg)
        check_dicts(True, data_preprocessor=data_preprocessor)
        for option, value in (semi_test_cfg or {}).items():
            if option.endswith('_on') and value not in DETECTORS:
                raise ValueError(
                    f'Set `{option}` of `semi_test_cfg` to one of {DETECTORS}, not '
                    f'{value!r}.'
                )
        own = detector.get('data_preprocessor') or dict(type='DetDataPreprocessor')
        around = dict(type='MultiBranchDataPreprocessor', data_preprocessor=own)
        super().__init__(
            detector=detector,
            semi_train_cfg=dict(freeze_teacher=True),
            semi_test_cfg=semi_test_cfg or dict(predict_on='teacher'),
            data_preprocessor=data_preprocessor or around,
            init_cfg=init_cfg,
        )
        self.burn_in_iters, self.momentum = burn_in_iters, momentum
        self.register_buffer('teacher_started', torch.tensor(False))

    @torch.no_grad()
    def start_teacher(self) -> None:
        """Make the teacher a copy of the student, buffers too."""
        self.teacher.load_state_dict(self.student.state_dict())
        self._average_statistics()
        self.teacher_started.fill_(True)

    @torch.no_grad()
    def update_teacher(self) -> None:
        """Move the teacher to ``(1 - momentum) * teacher + momentum * student``.

        That is for weights and floating point buffers alike; counters are copied. It is
        the same teacher on all ranks, whose students have statistics of their own.
        """
        student = self.student.state_dict()
        for name, value in self.teacher.state_dict().items():
            if value.is_floating_point():
                value.mul_(1 - self.momentum).add_(student[name], alpha=self.momentum)
            else:
                value.copy_(student[name])
        self._average_statistics()

    def _average_statistics(self) -> None:
        floats = [b for b in self.teacher.buffers() if b.is_floating_point()]
        if floats:
            all_reduce_params(floats, op='mean')

    def train(self, mode: bool = True) -> 'MeanTeacher':
        """The teacher always predicts, and never counts what passes through it."""
        super().train(mode)
        self.teacher.eval()
        return self

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: SampleList
    ) -> SampleList:
        """Predict as ``semi_test_cfg`` says; until the teacher starts, the student."""
        if self.teacher_started or self.semi_test_cfg.get('predict_on') == 'student':
            return super().predict(batch_inputs, batch_data_samples)
        MMLogger.get_current_instance().warning(  # it says the same but once
            'The teacher has not started (burn-in); the student predicts.'
        )
        return self.student(batch_inputs, batch_data_samples, mode='predict')

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        """Also take the checkpoint of a plain detector; its teacher is to start yet."""
        super()._load_from_state_dict(state_dict, prefix, *args)
        _, _, missing_keys, *_ = args
        key = f'{prefix}teacher_started'
        if key in missing_keys:
            missing_keys.remove(key)
            self.teacher_started.fill_(False)
