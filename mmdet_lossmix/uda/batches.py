"""Images of one domain, the blend of two such batches, and what a student trains on."""

from typing import Any, List, NamedTuple, Tuple

from mmdet.models.detectors.base import BaseDetector
from mmdet.structures import DetDataSample, SampleList
from mmengine.model import stack_batch
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_lossmix.functional import LossDict, blend_tensors, weighted_sum
from mmdet_lossmix.mixing.annotations import join as join_annotations
from mmdet_lossmix.mixing.strategies import Strategy
from mmdet_lossmix.models.data_preprocessors.batch_mix import in_common_frame
from mmdet_lossmix.models.data_preprocessors.sample_annotations import (
    INSTANCES,
    put_annotations,
    read_annotations,
)
from mmdet_lossmix.models.one_forward import LossTerm, SharedForward

from .loss_policy import LossFilter

SOURCE, TARGET, BOTH = 0, 1, 2  # whose annotations


class DomainBatch(NamedTuple):
    """Images whose annotations are all of one origin.

    Attributes:
        inputs (Tensor): Preprocessed images, shape (N, C, H, W).
        samples (list[:obj:`DetDataSample`]): N samples with annotations.
        policy (Callable): Which losses these may cause, see :class:`LossPolicy`.
        domain (int): ``SOURCE``, ``TARGET`` or, of objects of both, ``BOTH``.
    """

    inputs: Tensor
    samples: SampleList
    policy: LossFilter
    domain: int

    def taken(self, number: int) -> 'DomainBatch':
        """So many images, over again from the first if there are fewer."""
        return self.at([i % len(self.samples) for i in range(number)])

    def at(self, rows: List[int]) -> 'DomainBatch':
        """The images of these rows."""
        samples = [self.samples[row] for row in rows]
        return self._replace(inputs=self.inputs[rows], samples=samples)

    def term(self, weight: float, ignore_empty: bool) -> LossTerm:
        """Of a loss on all images, or of the target on those with pseudo labels."""
        if not ignore_empty or self.domain != TARGET:
            return LossTerm(self.samples, weight, self.policy)
        numbers = range(len(self.samples))
        known = [i for i in numbers if len(self.samples[i].gt_instances)]
        weight *= len(known) / len(numbers)
        # Other processes may wait for a term of weight 0.
        images = tuple(known or numbers)
        return LossTerm([self.samples[i] for i in images], weight, self.policy, images)


class StudentBatch(NamedTuple):
    """Images, and the ``weight * policy(student.loss(inputs, samples))`` of terms.

    Attributes:
        inputs (Tensor): Images, mixed or not, shape (N, C, H, W).
        terms (list[tuple[:class:`DomainBatch`, float]]): Annotations of these images,
            each with the weight of the losses against them.
        domains (tuple[int, int]): Of the images and of those mixed into them.
        lam (float): Weight of the images themselves, in [0, 1].
    """

    inputs: Tensor
    terms: List[Tuple[DomainBatch, float]]
    domains: Tuple[int, int]
    lam: float

    def loss(
        self, student: BaseDetector, roi_sampling: str, ignore_empty: bool
    ) -> LossDict:
        """The losses of a student.

        With the objects of both domains as one term and those of the source as another,
        RoIs are sampled for each: jointly, the source's would come twice as often.

        With ``ignore_empty`` images without pseudo labels cause no loss. The others are
        a batch of their own, which counts by its share of the images: an image weighs
        the same, however many beside it are left out. RoIs are sampled for each term.
        """
        domains = {annotations.domain for annotations, _ in self.terms}
        choosy = ignore_empty and TARGET in domains
        if len(self.terms) == 1 and not choosy:  # nothing to share
            ((annotations, weight),) = self.terms
            losses = student.loss(self.inputs, annotations.samples)
            return weighted_sum([annotations.policy(losses)], [weight])
        if BOTH in domains or choosy:
            roi_sampling = 'per_target'
        terms = [annotations.term(w, ignore_empty) for annotations, w in self.terms]
        with SharedForward(student, self.inputs, roi_sampling) as shared:
            return shared.loss(terms)


def unmixed(own: DomainBatch) -> StudentBatch:
    """The images as they are, with their own annotations."""
    return StudentBatch(own.inputs, [(own, 1.0)], (own.domain, own.domain), 1.0)


def mixed(
    own: DomainBatch, partner: DomainBatch, lam: float, strategy: Strategy, rng: Any
) -> StudentBatch:
    """Blend the images, and train on the annotations that a strategy chooses.

    The N own images have the weight ``lam``, in [0, 1]; any number of partners are
    taken in turn.
    """
    domains = own.domain, partner.domain
    own, partner = blend(own, partner, lam)
    for pair in zip(own.samples, partner.samples):
        _keep_common_fields(*pair)
    # What a strategy chooses from are lists, as objects of both domains need two.
    chosen = strategy([own], [partner], lam, join, rng)
    terms = [(one, weight) for annotations, weight in chosen for one in annotations]
    return StudentBatch(own.inputs, terms, domains, lam)


def join(own: List[DomainBatch], partner: List[DomainBatch]) -> List[DomainBatch]:
    """The objects of both images at full weight, for a strategy that unites them.

    With objects of two domains, the losses that pseudo labels may cause are against all
    objects; what ground truth may cause besides (regression) is against its own alone.
    """
    ((first,), (second,)) = own, partner
    samples = [sample.new() for sample in first.samples]
    for sample, other in zip(samples, second.samples):
        joined = join_annotations(read_annotations(sample), read_annotations(other))
        put_annotations(sample, joined)
    if first.domain == second.domain:
        return [first._replace(samples=samples)]
    truth: Any
    truth, pseudo = sorted((first, second), key=lambda batch: batch.domain)
    return [
        pseudo._replace(samples=samples, domain=BOTH),
        truth._replace(policy=truth.policy.minus(pseudo.policy)),
    ]


def blend(
    own: DomainBatch, partner: DomainBatch, lam: float
) -> Tuple[DomainBatch, DomainBatch]:
    """Blend the images of two batches, which may be padded to different sizes.

    Both share the top left corner, so that no box moves. Returns shallow copies of N
    images, with the blend as ``inputs`` and annotations in its frame.
    """
    partner = partner.taken(len(own.samples))
    images, partners = stack_batch([own.inputs, partner.inputs])
    inputs = blend_tensors(images, partners, lam)
    pairs = [in_common_frame(*pair) for pair in zip(own.samples, partner.samples)]
    own_samples, partner_samples = map(list, zip(*pairs))
    for sample in own_samples + partner_samples:
        sample.set_metainfo(dict(batch_input_shape=tuple(inputs.shape[2:])))
    own = own._replace(inputs=inputs, samples=own_samples)
    return own, partner._replace(inputs=inputs, samples=partner_samples)


def _keep_common_fields(*pair: DetDataSample) -> None:
    """Pseudo labels have boxes and classes alone, whatever ground truth has."""
    for key in INSTANCES:
        first, second = (sample.get(key) for sample in pair)
        common = [field for field in first.keys() if field in second]  # noqa: SIM118
        for sample in pair:
            kept = {field: sample.get(key)[field] for field in common}
            setattr(sample, key, InstanceData(**kept))
