"""Two-stage unsupervised domain adaptation with LossMix."""

from typing import Any, Dict, Optional

import numpy as np
import torch
from mmdet.models.utils import rename_loss_dict
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from mmengine.logging import print_log
from torch import Tensor

from mmdet_lossmix.functional import LossDict
from mmdet_lossmix.models.data_preprocessors.batch_mix import iteration, shared_seed
from mmdet_lossmix.models.losses_check import FiniteCheck
from mmdet_lossmix.models.one_forward import check_roi_sampling, untraced

from .discriminator import DomainDiscriminator, backbone_features
from .domain_batch import SOURCE, TARGET, DomainBatch, blend
from .led import Led, mixed, unmixed
from .loss_policy import LossPolicy
from .mean_teacher import MeanTeacher
from .pairing import INTRA, UNMIXED, AdaptationMix, Draw, WarmUpMix
from .pseudo_labels import PseudoLabels
from .student_losses import student_losses
from .views import check_same_geometry

PAIRING_CODES = {None: 0, 'intra': 1, 'inter': 2}


@MODELS.register_module()
class LossMixTeacher(MeanTeacher):
    """Adapt a detector to an unlabelled domain: a mean teacher with LossMix.

    *Burn-in*: the student trains on the labelled source; a small share of a target
    image may be mixed in as noise. Then the teacher becomes a copy of the student, and
    follows it as a moving average. *Adaptation*: what the teacher is sure of on weak
    views of target images are pseudo labels for the student on strong views; source
    and target images are mixed within and across domains, and the losses against
    ground truth and pseudo labels are interpolated (LossMix, arXiv:2303.10343, Sec. 4),
    each with the policy of its origin.

    Needs ``TeacherHook`` in ``custom_hooks``, which switches the stages and updates the
    teacher. Batches have the branches ``sup`` (source), ``unsup_teacher`` (target,
    weak) and ``unsup_student`` (target, strong), as mmdet's ``MultiBranch`` makes them.

    Args:
        detector (:obj:`ConfigDict` or dict): Of student and teacher, any detector that
            learns from boxes.
        burn_in_iters (int): When adaptation begins; 0 for a start from a checkpoint of
            a detector that was trained on the source.
        warmup_mix (dict, optional): See :class:`WarmUpMix`. Defaults to None, unmixed.
        adaptation_mix (dict, optional): See :class:`AdaptationMix`. Defaults to None,
            unmixed.
        pseudo_labels (dict, optional): See :class:`PseudoLabels`. None for a student
            that trains on the source alone, with a teacher that only follows. Defaults
            to ``dict()``.
        pseudo_policy (dict): Which losses pseudo labels may cause, see
            :class:`LossPolicy`. Defaults to ``dict(losses='classification')``.
        discriminator (dict, optional): See :class:`DomainDiscriminator`. Defaults to
            None.
        keep_rate (float): Of the teacher's weights in each iteration, in [0, 1).
            Defaults to 0.9996.
        roi_sampling (str): See :class:`LossMixDetector`; Union across domains samples
            per target in any case. Defaults to ``'joint'``.
        semi_test_cfg (dict, optional): See ``SemiBaseDetector``. Defaults to None,
            predictions of the teacher.
        data_preprocessor (dict, optional): A ``MultiBranchDataPreprocessor``. Defaults
            to None, one around the detector's own.
        init_cfg (:obj:`ConfigDict` or dict, optional): See ``BaseModule``. Defaults to
            None.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        detector: ConfigType,
        burn_in_iters: int,
        warmup_mix: OptConfigType = None,
        adaptation_mix: OptConfigType = None,
        pseudo_labels: Optional[dict] = {},  # noqa: B006  never modified
        pseudo_policy: dict = dict(losses='classification'),  # noqa: B006  neither
        discriminator: OptConfigType = None,
        keep_rate: float = 0.9996,
        roi_sampling: str = 'joint',
        semi_test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        check_roi_sampling(roi_sampling)
        if pseudo_labels is None and (discriminator or adaptation_mix) is not None:
            raise ValueError(
                'Expected `discriminator=None` and `adaptation_mix=None` beside '
                '`pseudo_labels=None`, as the student then sees no target image, but '
                f'got {discriminator} and {adaptation_mix}.'
            )
        # Before the detectors are built, which takes its time.
        mixes = _build(WarmUpMix, warmup_mix), _build(AdaptationMix, adaptation_mix)
        labels = _build(PseudoLabels, pseudo_labels)
        policy = LossPolicy(**pseudo_policy)
        if mixes[1] is not None and mixes[1].strategy == 'union':
            policy.check_at_most_one()
        super().__init__(
            detector=detector,
            burn_in_iters=burn_in_iters,
            keep_rate=keep_rate,
            semi_test_cfg=semi_test_cfg,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )
        self.warmup_mix, self.adaptation_mix = mixes
        self.pseudo_labels = labels
        self.pseudo_policy = policy
        # Of the random numbers of its own weights nothing shows in the student's, which
        # starts the same with and without it.
        with torch.random.fork_rng(devices=[]):
            self.discriminator = _build(DomainDiscriminator, discriminator)
        self.source_policy = LossPolicy('all')
        self.roi_sampling = roi_sampling
        self._ignores_empty = labels is not None and labels.without == 'ignored'
        self.mixing = True
        self.last_pseudo: SampleList = []
        self._warned_of_one = False
        self._check_finite = FiniteCheck()

    @untraced
    def loss(
        self,
        multi_batch_inputs: Dict[str, Tensor],
        multi_batch_data_samples: Dict[str, SampleList],
    ) -> LossDict:
        """Losses of the student in the stage that the iteration is in.

        Args:
            multi_batch_inputs (dict[str, Tensor]): Images of each branch, shape
                (N, C, H, W); N may differ between domains.
            multi_batch_data_samples (dict[str, list[:obj:`DetDataSample`]]): N samples
                of each.

        Returns:
            dict[str, Tensor | list[Tensor]]: The student's losses on images that are
            led by the source, and by the target, as ``source_...`` and ``target_...``;
            and what is logged beside them.

        Raises:
            ValueError: If views of the target differ in their geometry, or do not
                say it.
            RuntimeError: If the teacher ought to have started but has not.
            FloatingPointError: If a loss is not finite.
        """
        rng = np.random.default_rng([shared_seed(), iteration()])
        if self.pseudo_labels is not None:  # in burn-in too, not days later
            check_same_geometry(multi_batch_inputs, multi_batch_data_samples)
        source = DomainBatch(
            multi_batch_inputs['sup'],
            multi_batch_data_samples['sup'],
            self.source_policy,
            SOURCE,
        )
        if iteration() < self.burn_in_iters:
            losses = self._burn_in(
                source, multi_batch_inputs, multi_batch_data_samples, rng
            )
        else:
            self.check_started()
            losses = self._adaptation(
                source, multi_batch_inputs, multi_batch_data_samples, rng
            )
        self._check_finite(
            losses, [s for b in multi_batch_data_samples.values() for s in b]
        )
        return losses

    def _burn_in(
        self,
        source: DomainBatch,
        inputs: Dict[str, Tensor],
        samples: Dict[str, SampleList],
        rng: np.random.Generator,
    ) -> LossDict:
        draw = self._draw(self.warmup_mix, rng)
        if draw.pairing is not None:
            noise = source._replace(
                inputs=inputs['unsup_student'], samples=samples['unsup_student']
            )
            source, _ = blend(source, noise, draw.lam)
        losses = self._losses(unmixed(source))
        if self.discriminator is not None:
            losses.update(self.discriminator.idle())
        return {**rename_loss_dict('source_', losses), **self._log(draw)}

    def _adaptation(
        self,
        source: DomainBatch,
        inputs: Dict[str, Tensor],
        samples: Dict[str, SampleList],
        rng: np.random.Generator,
    ) -> LossDict:
        if self.pseudo_labels is None:
            losses = self._losses(unmixed(source))
            return {**rename_loss_dict('source_', losses), **self._log(UNMIXED)}
        target = self._pseudo_labelled(inputs, samples)
        draw = self._draw(self.adaptation_mix, rng)
        losses = {}
        for name, own, other in (
            ('source_', source, target),
            ('target_', target, source),
        ):
            led = self._mix(own, own.rolled() if draw.pairing == INTRA else other, draw)
            losses.update(rename_loss_dict(name, self._losses(led)))
        kept = [float(len(sample.gt_instances)) for sample in target.samples]
        return {
            **losses,
            **self._log(draw),
            'pseudo_per_image': source.inputs.new_tensor(np.mean(kept)),
        }

    @torch.no_grad()
    def _pseudo_labelled(
        self, inputs: Dict[str, Tensor], samples: Dict[str, SampleList]
    ) -> DomainBatch:
        """The strong views of the target, with what the teacher sees in the weak."""
        predictions = self.teacher.predict(
            inputs['unsup_teacher'],
            [sample.new() for sample in samples['unsup_teacher']],
            rescale=False,
        )
        self.last_pseudo = self.pseudo_labels.attach(
            samples['unsup_student'], predictions
        )
        return DomainBatch(
            inputs['unsup_student'], self.last_pseudo, self.pseudo_policy, TARGET
        )

    def _mix(self, own: DomainBatch, partner: DomainBatch, draw: Draw) -> Led:
        alone = draw.pairing == INTRA and len(own.samples) < 2
        if alone:
            self._warn_of_batch_of_one()
        if alone or draw.pairing is None:
            return unmixed(own)
        return mixed(own, partner, draw.lam, self.adaptation_mix.strategy)

    def _losses(self, led: Led) -> LossDict:
        """The student's losses on a batch, and the discriminator's."""
        with backbone_features(self.student) as features:
            losses = student_losses(
                self.student,
                led.inputs,
                led.supervision,
                self.roi_sampling,
                by_image=self._ignores_empty and led.supervision.any_pseudo,
            )
        adapting = iteration() - self.burn_in_iters
        if self.discriminator is not None and adapting >= 0:
            losses.update(
                self.discriminator.loss(features[0], led.domains, led.lam, adapting)
            )
        return losses

    def _draw(self, mix: Any, rng: np.random.Generator) -> Draw:
        return mix.draw(rng) if self.mixing and mix is not None else UNMIXED

    def _log(self, draw: Draw) -> LossDict:
        """What is logged beside losses; `parse_losses` takes tensors only."""
        device = self.teacher_started.device
        return {
            'mix_lambda': torch.tensor(draw.lam, device=device),
            'pairing': torch.tensor(float(PAIRING_CODES[draw.pairing]), device=device),
        }

    def _warn_of_batch_of_one(self) -> None:
        if not self._warned_of_one:
            self._warned_of_one = True
            print_log(
                'LossMixTeacher got one image of a domain, which has no partner of its '
                'own domain and stays unmixed. Use 2 or more images of each domain '
                '(`per_domain` of DomainSampler), or `inter_share=1`.',
                logger='current',
                level=30,
            )


def _build(kind: Any, arguments: Optional[dict]) -> Any:
    return None if arguments is None else kind(**arguments)
