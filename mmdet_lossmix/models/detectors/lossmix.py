"""The wrapper that makes any detector a LossMix detector."""

from typing import Any, List, Union

from mmdet.models.detectors import SemiBaseDetector
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from mmengine.logging import print_log
from torch import Tensor

from mmdet_lossmix.arguments import check_dicts
from mmdet_lossmix.functional import LossDict
from mmdet_lossmix.structures import SplitBatch, split_batch

from ..losses_check import FiniteCheck
from ..one_forward import LossTerm, SharedForward, check_roi_sampling, untraced
from .transparent import TransparentWrapper

UNMIXED_BATCHES_BEFORE_WARNING = 20
REMEDY = (
    'Pass `detector=_base_.model.type`, or, beside `_delete_=True`, the whole config, '
    '`detector=_base_.model`'
)


@MODELS.register_module()
class LossMixDetector(TransparentWrapper):
    """Train any mmdet detector on mixed images with interpolated losses.

    The detector runs once on the mixed batch. Its losses are evaluated against the
    annotations of each image and against those of its partner, and interpolated
    (LossMix, arXiv:2303.10343, Sec. 3). Everything else (inference, attributes that
    hooks look up, the keys of checkpoints) is that of the wrapped detector.

    Args:
        detector (str or :obj:`ConfigDict` or dict): The type of any mmdet 2D detector,
            whose arguments are then given beside it; or its whole config. It becomes
            the child ``detector``.
        weighting (str): How losses of images are combined.

            - ``'batch'``: one lambda for all images, as :class:`BatchLossMix` draws it;
              the detector's own normaliser over the batch.
            - ``'image'``: each image has its own lambda, as :class:`LossMixTransform`
              draws it; the mean over images of each image's interpolated loss, each
              image normalised by itself.

            Defaults to ``'batch'``.
        roi_sampling (str): How a RoI head samples proposals for two sets of
            annotations.

            - ``'per_target'``: against each by itself; the box head runs twice.
            - ``'joint'``: once, against the objects of both; both label the same RoIs,
              and the box head runs once.

            Ignored where there is no RoI head; heads that are no ``StandardRoIHead``
            sample per target. Defaults to ``'per_target'``.
        data_preprocessor (:obj:`ConfigDict` or dict, optional): Entries to put over the
            detector's own, such as ``batch_augments``. Defaults to None.
        init_cfg (:obj:`ConfigDict` or dict, optional): See ``BaseModule``. Defaults to
            None.
        **arguments: The detector's, if ``detector`` is a type.

    Raises:
        TypeError: If ``detector`` is no type or config of a detector, or
            ``data_preprocessor`` no dict.
        ValueError: If ``weighting`` or ``roi_sampling`` is unknown.

    Examples:
        >>> _base_ = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
        >>> custom_imports = dict(imports=['mmdet_lossmix'])
        >>> model = dict(
        >>>     type='LossMixDetector', detector=_base_.model.type,
        >>>     data_preprocessor=dict(batch_augments=[dict(type='BatchLossMix')]))
    """

    reads_partners = True  # for the check of a config

    def __init__(
        self,
        detector: Union[str, ConfigType],
        weighting: str = 'batch',
        roi_sampling: str = 'per_target',
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
        **arguments: Any,
    ) -> None:
        if weighting not in ('image', 'batch'):
            raise ValueError(
                f"Expected `weighting` to be 'image' or 'batch' but got {weighting!r}."
            )
        check_roi_sampling(roi_sampling)
        check_dicts(True, data_preprocessor=data_preprocessor)
        detector = build_detector(detector, data_preprocessor, **arguments)
        super().__init__(detector, init_cfg)
        self.weighting = weighting
        self.roi_sampling = roi_sampling
        self.mixing = True
        self._batches = 0
        self._mixed = False
        self._check_finite = FiniteCheck()
        self._wrap(detector)

    @untraced
    def loss(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> LossDict:
        """Interpolate the detector's losses against the objects of both images.

        Mixed samples have ``partner`` and ``mix_lambda``, see
        :mod:`mmdet_lossmix.structures`.

        Raises:
            ValueError: If ``weighting='batch'`` and the weights differ.
            FloatingPointError: If a loss is not finite.
        """
        batch = split_batch(batch_data_samples, batch_inputs, self.data_preprocessor)
        if not self.mixing and not batch.any_mixed:
            losses = self.detector.loss(batch_inputs, batch.own)
        else:
            self._warn_if_never_mixed(batch.any_mixed)
            sharing = SharedForward(self.detector, batch_inputs, self.roi_sampling)
            with sharing as shared:
                if self.weighting == 'batch':
                    losses = shared.loss(terms(batch))
                else:
                    images = [terms(SplitBatch(*([x] for x in i))) for i in zip(*batch)]
                    losses = shared.mean_loss(images)
        self._check_finite(losses, batch_data_samples)
        return losses

    def _warn_if_never_mixed(self, mixed: bool) -> None:
        self._mixed |= mixed
        self._batches += 1
        if self._batches == UNMIXED_BATCHES_BEFORE_WARNING and not self._mixed:
            print_log(
                'Add LossMixTransform and PackLossMixInputs to the train pipeline, or '
                "BatchLossMix to data_preprocessor's `batch_augments`: the first "
                f'{self._batches} batches held no mixed image, so LossMixDetector '
                'trains as the plain detector.',
                logger='current',
                level=30,
            )


def build_detector(
    detector: Union[str, ConfigType], data_preprocessor: OptConfigType, **arguments: Any
) -> BaseDetector:
    """Build the detector to wrap, of the arguments of :class:`LossMixDetector`.

    Raises:
        TypeError: If that is no type or config of a detector.
    """
    given = detector
    if isinstance(detector, dict):
        whole = 'type' in detector and not arguments
    else:
        whole = isinstance(detector, type) or str(detector) in MODELS
        detector = dict(type=detector, **arguments)
    if not whole:
        beside = f' beside {sorted(arguments)}' if arguments else ''
        raise TypeError(
            f'{REMEDY}: got {given!r:.80}{beside}, which is neither the type '
            'of a detector nor a detector config (a dict with `type`).'
        )
    if data_preprocessor:
        merged = {**detector.get('data_preprocessor', {}), **data_preprocessor}
        detector = {**detector, 'data_preprocessor': merged}
    model = MODELS.build(detector)
    if not isinstance(model, BaseDetector) or isinstance(
        model, (LossMixDetector, SemiBaseDetector)
    ):
        raise TypeError(
            f'{REMEDY}: got a {type(model).__name__}, which is no plain detector. '
            'LossMixTeacher mixes by itself.'
        )
    return model


def terms(batch: SplitBatch) -> List[LossTerm]:
    """Equation (2) for a batch that has one lambda; unmixed images suit any.

    Raises:
        ValueError: If images have different weights.
    """
    lams = sorted({lam for lam in batch.lams if lam is not None})
    if len(lams) > 1:
        raise ValueError(
            "Use weighting='image', or mix with BatchLossMix instead of "
            "LossMixTransform: weighting='batch' needs one lambda for all images of a "
            f'batch but got {lams}.'
        )
    lam = lams[0] if lams else 1.0
    return [LossTerm(batch.own, lam), LossTerm(batch.partner, 1 - lam)]
