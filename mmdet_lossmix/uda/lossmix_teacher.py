"""Two-stage unsupervised domain adaptation with LossMix."""

from typing import Any, Dict, Optional

import numpy as np
import torch
from mmdet.models.utils import rename_loss_dict
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType
from mmengine.logging import MMLogger
from torch import Tensor

from mmdet_lossmix.arguments import check_dicts
from mmdet_lossmix.functional import LossDict
from mmdet_lossmix.models.data_preprocessors.batch_mix import (
    iteration,
    partner_of,
    shared_seed,
)
from mmdet_lossmix.models.losses_check import FiniteCheck
from mmdet_lossmix.models.one_forward import check_roi_sampling, untraced

from .batches import SOURCE, TARGET, DomainBatch, StudentBatch, blend, mixed, unmixed
from .checks import check_batch
from .data.views import STRONG, SUP, WEAK
from .discriminator import DomainDiscriminator, backbone_features
from .loss_policy import LossPolicy
from .mean_teacher import MeanTeacher
from .pairing import INTER, INTRA, UNMIXED, AdaptationMix, BurnInMix, Draw
from .pseudo_labels import PseudoLabels


@MODELS.register_module()
class LossMixTeacher(MeanTeacher):
    """Adapt a detector to an unlabelled domain: a mean teacher with LossMix.

    *Burn-in*: the student trains on the labelled source; a small share of a target
    image may be mixed in as noise. Then the teacher becomes a copy of the student, and
    follows it as a moving average. *Adaptation*: what the teacher is sure of on weak
    views of the target are pseudo labels for the student on strong views; images are
    mixed within and across domains, and losses against ground truth and pseudo labels
    are interpolated (LossMix, arXiv:2303.10343, Sec. 4), each by the policy of its
    origin.

    Needs ``TeacherHook`` in ``custom_hooks``, which switches the stages and updates the
    teacher. Batches have the branches ``sup`` (source), ``unsup_teacher`` (target,
    weak) and ``unsup_student`` (target, strong), as mmdet's ``MultiBranch`` makes them.

    Args:
        detector (:obj:`ConfigDict` or dict): Of student and teacher, any detector that
            learns from boxes.
        burn_in_iters (int): When adaptation begins; 0 for a start from a checkpoint of
            a detector that was trained on the source.
        warmup_mix (dict, optional): Mixing in the burn-in, see :class:`BurnInMix`.
            Defaults to None, unmixed.
        adaptation_mix (dict, optional): Mixing in the adaptation, see
            :class:`AdaptationMix`. Defaults to None, unmixed.
        pseudo_labels (dict, optional): See :class:`PseudoLabels`. None for a student
            that trains on the source alone, with a teacher that only follows. Defaults
            to ``dict()``.
        pseudo_policy (dict): Which losses pseudo labels may cause, see
            :class:`LossPolicy`. Defaults to ``dict(losses='classification')``.
        discriminator (dict, optional): A :class:`DomainDiscriminator`; None by default.
        roi_sampling (str): See :class:`LossMixDetector`; Union across domains samples
            per target in any case. Defaults to ``'per_target'``.
        **kwargs: Of :class:`MeanTeacher`: ``momentum`` or ``keep_rate``,
            ``semi_test_cfg``, ``data_preprocessor``, ``init_cfg``.

    Raises:
        TypeError, ValueError: If a number or a dict is none, or out of its range.
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
        roi_sampling: str = 'per_target',
        **kwargs: Any,
    ) -> None:
        check_roi_sampling(roi_sampling)
        check_dicts(False, detector=detector, pseudo_policy=pseudo_policy)
        check_dicts(True, warmup_mix=warmup_mix, adaptation_mix=adaptation_mix)
        check_dicts(True, pseudo_labels=pseudo_labels, discriminator=discriminator)
        if pseudo_labels is None and (discriminator or adaptation_mix) is not None:
            raise ValueError(
                'Set `discriminator=None` and `adaptation_mix=None` with '
                '`pseudo_labels=None`: the student then sees no target image.'
            )
        # Before the detectors are built, which takes its time.
        burn_in = _build(BurnInMix, warmup_mix)
        adaptation = _build(AdaptationMix, adaptation_mix)
        labels = _build(PseudoLabels, pseudo_labels)
        policy = LossPolicy(**pseudo_policy)
        if adaptation is not None and adaptation.unites:
            policy.check_at_most_one()
        super().__init__(detector, burn_in_iters, **kwargs)
        self.warmup_mix, self.adaptation_mix = burn_in, adaptation
        self.pseudo_labels = labels
        self.source_policy, self.pseudo_policy = LossPolicy(), policy
        # The student starts with the same weights with and without it.
        with torch.random.fork_rng(devices=[]):
            self.discriminator = _build(DomainDiscriminator, discriminator)
        self.roi_sampling = roi_sampling
        if labels is not None:
            labels.check_detector(self.student)
            self.branches = (SUP, WEAK, STRONG)
        elif warmup_mix is not None:
            self.branches = (SUP, STRONG)
        self.mixing = True
        self.last_pseudo: SampleList = []
        self._check_finite = FiniteCheck()

    def start_teacher(self) -> None:
        """Make the teacher a copy of the student, of whose scores nothing is known."""
        super().start_teacher()
        thresholds = getattr(self.pseudo_labels, 'thresholds', None)
        if thresholds is not None:
            thresholds.forget(len(thresholds.wanted))

    @untraced
    def loss(
        self,
        multi_batch_inputs: Dict[str, Tensor],
        multi_batch_data_samples: Dict[str, SampleList],
    ) -> LossDict:
        """Losses of the student in the stage that the iteration is in.

        Those on images of the source and of the target, mixed or not, are called
        ``source_...`` and ``target_...``. Domains may have different numbers of images.

        Raises:
            ValueError: If a branch has no image, or views of the target differ in their
                geometry, or do not say it.
            RuntimeError: If the teacher ought to have started but has not.
            FloatingPointError: If a loss is not finite.
        """
        rng = np.random.default_rng([shared_seed(), iteration()])
        inputs, samples = multi_batch_inputs, multi_batch_data_samples
        check_batch(inputs, samples, self.branches)  # in burn-in too, not days later
        source = DomainBatch(inputs[SUP], samples[SUP], self.source_policy, SOURCE)
        policy = self.pseudo_policy.at(max(0, iteration() - self.burn_in_iters))
        none: Any = None
        weak, strong = (
            DomainBatch(inputs.get(k, none), samples.get(k, none), policy, TARGET)
            for k in (WEAK, STRONG)
        )
        adapting = iteration() >= self.burn_in_iters
        if adapting and not self.teacher_started:
            raise RuntimeError(
                'To start a teacher, add `dict(type="TeacherHook")` to `custom_hooks`: '
                f'there is none after {self.burn_in_iters} iterations of burn-in.'
            )
        if adapting and self.pseudo_labels is not None:
            target = self._pseudo_labelled(weak, strong)
            losses = self._adaptation(source, target, rng)
        else:
            mix = None if adapting else self.warmup_mix
            losses = self._on_source(source, strong, self._draw(mix, rng))
        self._check_finite(losses, [s for branch in samples.values() for s in branch])
        return losses

    def _on_source(
        self, source: DomainBatch, target: DomainBatch, draw: Draw
    ) -> LossDict:
        """Train on the source, into which the target may be mixed as noise."""
        if draw.pairing is not None:
            source, _ = blend(source, target, draw.lam)
        losses = self._losses(unmixed(source))
        return {**rename_loss_dict('source_', losses), **self._log(draw)}

    def _adaptation(
        self, source: DomainBatch, target: DomainBatch, rng: np.random.Generator
    ) -> LossDict:
        """Train on source and target, within and across which images are mixed."""
        draw = self._draw(self.adaptation_mix, rng)
        on_source = self._losses(self._pair(source, target, draw, rng))
        on_target = self._losses(self._pair(target, source, draw, rng))
        kept = [len(sample.gt_instances) for sample in target.samples]
        return {
            **rename_loss_dict('source_', on_source),
            **rename_loss_dict('target_', on_target),
            **self._log(draw),
            'pseudo_per_image': source.inputs.new_tensor(np.mean(kept)),
        }

    @torch.no_grad()
    def _pseudo_labelled(self, weak: DomainBatch, strong: DomainBatch) -> DomainBatch:
        """The strong views of the target, with what the teacher sees in the weak."""
        views = [sample.new() for sample in weak.samples]
        found = self.pseudo_labels.predictions(self.teacher, weak.inputs, views)
        self.last_pseudo = self.pseudo_labels.attach(strong.samples, found)
        return strong._replace(samples=self.last_pseudo)

    def _pair(
        self, own: DomainBatch, other: DomainBatch, draw: Draw, rng: np.random.Generator
    ) -> StudentBatch:
        """Mix images with others of their domain or of the other one, as was drawn."""
        number = len(own.samples)
        if draw.pairing == INTRA and partner_of(0, own.samples) == 0:
            MMLogger.get_current_instance().warning(  # it says the same but once
                'LossMixTeacher got one image alone of a domain: without a partner of '
                'its own domain it stays unmixed. Use 2 or more images of each '
                '(`per_domain` of DomainSampler), or `inter_share=1`.'
            )
            return unmixed(own)
        if draw.pairing is None:
            return unmixed(own)
        if draw.pairing == INTRA:
            other = own.at([partner_of(i, own.samples) for i in range(number)])
        return mixed(own, other, draw.lam, self.adaptation_mix.strategy, rng)

    def _losses(self, batch: StudentBatch) -> LossDict:
        """The losses of the detector on a batch, and those of the discriminator."""
        ignore_empty = getattr(self.pseudo_labels, 'without', None) == 'ignored'
        with backbone_features(self.student) as features:
            losses = batch.loss(self.student, self.roi_sampling, ignore_empty)
        if self.discriminator is None:
            return losses
        weights = batch.domains, batch.lam
        adapting = iteration() - self.burn_in_iters
        return {**losses, **self.discriminator.loss(features[0], *weights, adapting)}

    def _draw(self, mix: Any, rng: np.random.Generator) -> Draw:
        return mix.draw(rng) if self.mixing and mix is not None else UNMIXED

    def _log(self, draw: Draw) -> LossDict:
        code = float((None, INTRA, INTER).index(draw.pairing))
        # Beside losses, `parse_losses` takes tensors only.
        lam, pairing = torch.tensor([draw.lam, code]).to(self.teacher_started.device)
        return {'mix_lambda': lam, 'pairing': pairing}


def _build(kind: Any, arguments: Optional[dict]) -> Any:
    return None if arguments is None else kind(**arguments)
