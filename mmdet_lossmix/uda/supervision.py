"""What a batch of mixed images is trained on: LossMix, and the baselines."""

from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import InstanceData

from mmdet_lossmix.mixing.annotations import join
from mmdet_lossmix.models.data_preprocessors.sample_annotations import (
    put_annotations,
    read_annotations,
)
from mmdet_lossmix.structures import SplitBatch, attach_partner, split_batch

from .domain_batch import TARGET, DomainBatch
from .loss_policy import nothing

LossFilter = Callable


class Supervision(NamedTuple):
    """One target for each image, or two with a weight.

    Attributes:
        own (list[:obj:`DetDataSample`]): N samples.
        own_policy (Callable): What of the losses against these counts.
        own_pseudo (bool): Whether these are pseudo labels, and no others.
        partner (list[:obj:`DetDataSample`], optional): N samples. None if there is one
            target alone.
        partner_policy (Callable): As above.
        partner_pseudo (bool): As above.
        lam (float): Weight of the losses against ``own``, in [0, 1].
        any_pseudo (bool): Whether any object is a pseudo label.
        joint (bool): Whether RoIs may be sampled for both targets at once.
    """

    own: SampleList
    own_policy: LossFilter
    own_pseudo: bool = False
    partner: Optional[SampleList] = None
    partner_policy: LossFilter = nothing
    partner_pseudo: bool = False
    lam: float = 1.0
    any_pseudo: bool = False
    joint: bool = True

    def targets(self) -> SplitBatch:
        """The targets as the shared LossMix code takes them."""
        assert self.partner is not None
        return SplitBatch(self.own, self.partner, [self.lam] * len(self.own))

    def image(self, index: int) -> 'Supervision':
        """That of one image, in which an image without pseudo labels is no target."""

        def one(samples: SampleList, pseudo: bool, policy: LossFilter) -> tuple:
            sample = samples[index]
            ignored = pseudo and len(sample.gt_instances) == 0
            return [sample], nothing if ignored else policy

        own, own_policy = one(self.own, self.own_pseudo, self.own_policy)
        alone = self._replace(own=own, own_policy=own_policy)
        if self.partner is None:
            return alone
        partner, partner_policy = one(
            self.partner, self.partner_pseudo, self.partner_policy
        )
        return alone._replace(partner=partner, partner_policy=partner_policy)


def only(batch: DomainBatch) -> Supervision:
    """Train on one target of each image, at full weight."""
    pseudo = batch.domain == TARGET
    return Supervision(batch.samples, batch.policy, pseudo, any_pseudo=pseudo)


def lossmix(own: DomainBatch, partner: DomainBatch, lam: float) -> Supervision:
    """Train on both targets, each with the policy of its origin, and interpolate.

    Args:
        own (DomainBatch): The blend with its own targets.
        partner (DomainBatch): The same blend with the partners' targets.
        lam (float): Weight of ``own``, in [0, 1].
    """
    pairs = map(with_common_fields, own.samples, partner.samples)
    mixed = [attach_partner(*pair, lam) for pair in pairs]
    targets = split_batch(mixed)
    return Supervision(
        own=targets.own,
        own_policy=own.policy,
        own_pseudo=own.domain == TARGET,
        partner=targets.partner,
        partner_policy=partner.policy,
        partner_pseudo=partner.domain == TARGET,
        lam=lam,
        any_pseudo=TARGET in (own.domain, partner.domain),
    )


def noise(own: DomainBatch, partner: DomainBatch, lam: float) -> Supervision:
    """Train on the dominant image's target; the other image is noise."""
    return only(own if lam >= 0.5 else partner)


def union(own: DomainBatch, partner: DomainBatch, lam: float) -> Supervision:
    """Train on the objects of both images at full weight, however faint.

    With objects of two origins, the losses that pseudo labels may cause are those
    against all objects; what ground truth may cause beyond them (regression) is
    against its objects alone. Each origin keeps its policy.
    """
    pairs = map(with_common_fields, own.samples, partner.samples)
    both = [united(*pair) for pair in pairs]
    if own.domain == partner.domain:
        return only(own._replace(samples=both))
    truth, pseudo = (own, partner) if partner.domain == TARGET else (partner, own)
    # Their sum is twice what `interpolated_loss` makes of them at 1/2.
    return Supervision(
        own=both,
        own_policy=twice(pseudo.policy),
        partner=truth.samples,
        partner_policy=twice(truth.policy.beyond(pseudo.policy)),
        lam=0.5,
        any_pseudo=True,
        joint=False,  # objects of both would be sampled twice as often
    )


def united(own, partner):  # noqa: D103
    put_annotations(own, join(read_annotations(own), read_annotations(partner)))
    return own


def with_common_fields(
    first: DetDataSample, second: DetDataSample
) -> Tuple[DetDataSample, DetDataSample]:
    """Copies of two samples whose objects have the same fields.

    Pseudo labels have boxes and classes alone, whatever ground truth has.
    """
    copies = first.new(), second.new()
    for key in ('gt_instances', 'ignored_instances'):
        fields = set(first.get(key).keys()) & set(second.get(key).keys())
        for sample in copies:
            instances = sample.get(key)
            setattr(sample, key, InstanceData(**{f: instances[f] for f in fields}))
    return copies


def twice(policy: LossFilter) -> LossFilter:
    """A policy with all losses doubled; what is no loss stays as it is."""
    return lambda losses: {
        name: _double(value) if 'loss' in name else value
        for name, value in policy(losses).items()
    }


def _double(value: Any) -> Any:
    return [2 * v for v in value] if isinstance(value, (list, tuple)) else 2 * value


STRATEGIES: Dict[str, Callable[[DomainBatch, DomainBatch, float], Supervision]] = {
    'lossmix': lossmix,
    'union': union,
    'noise': noise,
}
