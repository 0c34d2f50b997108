"""Logs how good the pseudo labels are, where the truth is known after all."""

from typing import Optional

import torch
from mmdet.registry import HOOKS
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdet_lossmix.uda.pseudo_quality import HiddenTruth, compare, rates

from .teacher_hook import teacher_model

NAMES = ('pseudo_precision', 'pseudo_recall')


@HOOKS.register_module()
class PseudoLabelQualityHook(Hook):
    """Compare the pseudo labels of :class:`LossMixTeacher` with a hidden truth.

    For analysis only: the truth never reaches the model, its losses, its data or any
    random generator. Training with this hook ends with the weights of one without.

    The labels that the student has been given in an iteration are matched to the true
    objects, see :func:`compare`. Sums over all classes, images and ranks since the last
    log make ``pseudo_precision`` (of the labels, how many are right) and
    ``pseudo_recall`` (of the objects, how many are found), which stand in the log lines
    until the next ones. Without any label there is no precision, and none is logged.

    Args:
        truth (dict): Config of a dataset with the annotations of the target images.
            Images are matched by the stem of their file name; difficult and ignored
            objects count neither for nor against.
        interval (int): Iterations between two logs, at least 1. Defaults to 50.
        iou_thr (float): The least IoU of a match, in (0, 1]. Defaults to 0.5.

    Raises:
        ValueError: If ``interval`` or ``iou_thr`` is out of its range.

    Examples:
        >>> dict(type='PseudoLabelQualityHook', truth=labelled_target)
    """

    priority = 'NORMAL'  # before LoggerHook

    def __init__(self, truth: dict, interval: int = 50, iou_thr: float = 0.5) -> None:
        if interval < 1 or not 0 < iou_thr <= 1:
            raise ValueError(
                'Expected `interval` >= 1 and `iou_thr` in (0, 1] but got '
                f'{interval} and {iou_thr}.'
            )
        self.truth = truth
        self.interval = interval
        self.iou_thr = iou_thr
        self._hidden: Optional[HiddenTruth] = None
        self._counts = torch.zeros(3)

    def before_train(self, runner: Runner) -> None:
        """Read the annotations, if there are to be pseudo labels.

        Raises:
            ValueError: If a target image is not annotated, or the classes differ.
        """
        if getattr(teacher_model(runner), 'pseudo_labels', None) is None:
            return
        self._hidden = HiddenTruth(self.truth)
        domains = runner.train_dataloader.dataset
        classes = tuple(domains.metainfo['classes'])
        if self._hidden.classes != classes:
            raise ValueError(
                f'Expected `truth` of PseudoLabelQualityHook to have the classes '
                f'{classes} but got {self._hidden.classes}; give it the `metainfo` of '
                'the source.'
            )
        target = domains.datasets[-1]
        paths = [target.get_data_info(i)['img_path'] for i in range(len(target))]
        missing = self._hidden.missing(paths)
        if missing:
            raise ValueError(
                'Expected `truth` of PseudoLabelQualityHook to annotate every target '
                f'image but {len(missing)} of {len(paths)} are missing, such as '
                f'{missing[0]}; correct its `ann_file`, or remove the hook.'
            )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Optional[dict] = None,
        outputs: Optional[dict] = None,
    ) -> None:
        """Count, and log now and then."""
        model = teacher_model(runner)
        if self._hidden is None or runner.iter < model.burn_in_iters:
            return
        for sample in getattr(model, 'last_pseudo', []):
            truth = self._hidden.in_view(sample)
            counts = compare(sample.gt_instances, truth, self.iou_thr)
            self._counts += torch.tensor(counts)
        if self.every_n_train_iters(runner, self.interval):
            self._log(runner)

    def _log(self, runner: Runner) -> None:
        all_reduce(self._counts)
        found = rates(self._counts.tolist())
        for name in NAMES:
            # Else the lines to come would repeat the rate of an earlier interval.
            runner.message_hub.log_scalars.pop(f'train/{name}', None)
            if name in found:
                runner.message_hub.update_scalar(f'train/{name}', found[name])
        self._counts = torch.zeros(3)
