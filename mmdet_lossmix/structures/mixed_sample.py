"""The mixed sample: an ordinary DetDataSample that carries its partner's annotations.

Its own annotations lie where they always do (``gt_instances``, ``ignored_instances``).
A mixed one has besides the data field ``partner``, a :obj:`DetDataSample` with the
partner's annotations in the same image frame, and the metainfo ``mix_lambda``, the
weight of its own annotations. No ``partner`` means unmixed.
"""

from typing import List, NamedTuple, Optional

from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.structures import DetDataSample, SampleList
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from .partner_preprocessing import preprocess_partners


class SplitBatch(NamedTuple):
    """A batch of N samples, taken apart into what either loss of equation (2) needs.

    Attributes:
        own (list[:obj:`DetDataSample`]): N samples with their own annotations.
        partner (list[:obj:`DetDataSample`]): N samples with the partners' annotations;
            of an unmixed one its own again, so that any ``lam`` gives its loss.
        lams (list[float, optional]): N weights of the own annotations in [0, 1], None
            where a sample is unmixed.
    """

    own: SampleList
    partner: SampleList
    lams: List[Optional[float]]

    @property
    def any_mixed(self) -> bool:
        """bool: Whether any sample of the batch has a partner."""
        return any(lam is not None for lam in self.lams)


def attach_partner(
    sample: DetDataSample, partner: DetDataSample, lam: float
) -> DetDataSample:
    """Make ``sample`` a mixed sample, in place, and return it.

    It holds its own annotations, of the weight ``lam`` in [0, 1], and ``partner`` holds
    the other image's, in the same frame.
    """
    sample.set_field(partner, 'partner', dtype=DetDataSample)
    sample.set_metainfo({'mix_lambda': float(lam)})
    return sample


def split_batch(
    data_samples: SampleList,
    batch_inputs: Optional[Tensor] = None,
    data_preprocessor: Optional[BaseDataPreprocessor] = None,
) -> SplitBatch:
    """Take a batch of possibly mixed samples apart.

    Args:
        data_samples (list[:obj:`DetDataSample`]): Left as they are.
        batch_inputs (Tensor, optional): Their images, shape (N, C, H, W).
        data_preprocessor (:obj:`BaseDataPreprocessor`, optional): The one that the
            samples went through. It treats only the top level of a sample; what it
            does to annotations (box types, padding of masks, fields that it adds) is
            done to the partners here.

    Returns:
        SplitBatch: Shallow copies; tensors are shared. Both samples of an image have
        its metainfo.

    Raises:
        ValueError: If a partner's frame is not its image's, or ``mix_lambda`` is
            missing or outside [0, 1], or the partner lacks fields of its image's own
            annotations.
    """
    own, partner = [], []
    for sample in data_samples:
        image, other = _copy(sample), _copy(sample)
        if 'partner' in sample:
            _check(sample)
            del image.partner, other.partner
            for key, value in _copy(sample.partner).items():
                setattr(other, key, value)
        own.append(image)
        partner.append(other)
    lams = [s.mix_lambda if 'partner' in s else None for s in data_samples]
    if isinstance(data_preprocessor, DetDataPreprocessor):
        preprocess_partners(own, partner, batch_inputs, data_preprocessor)
    return SplitBatch(own, partner, lams)


def _copy(sample: DetDataSample) -> DetDataSample:
    """Copy a sample's containers, so that nobody's pop or rename reaches another's."""
    copied = sample.new()
    for key, value in sample.items():
        setattr(copied, key, value.new())
    kind = _SharedTensors if type(copied) is DetDataSample else type(copied)
    object.__setattr__(copied, '__class__', kind)
    return copied


class _SharedTensors(DetDataSample):
    """A sample whose deep copies, of which two-stage detectors make some, share boxes.

    They only replace labels there. The same boxes are then assigned once.
    """

    def __deepcopy__(self, memo: dict) -> DetDataSample:
        return _copy(self)


def _check(sample: DetDataSample) -> None:
    """Refuse a mixed sample whose halves do not belong together."""
    where = f'the sample of {sample.get("img_path", "an unnamed image")}'
    lam = sample.get('mix_lambda')
    if lam is None or not 0 <= lam <= 1:
        raise ValueError(
            'Pack with PackLossMixInputs, or use attach_partner: beside `partner`, '
            f'{where} needs a `mix_lambda` in [0, 1] but has {lam}.'
        )
    frame, expected = sample.partner.get('img_shape'), sample.get('img_shape')
    if frame is not None and expected is not None and tuple(frame) != tuple(expected):
        raise ValueError(
            'Mix with BatchLossMix, as the last of `batch_augments`, instead of '
            'LossMixTransform: something resized the batch after the pipeline had '
            f'mixed it, as the partner in {where} has the frame {tuple(frame)} and its '
            f'image {tuple(expected)}.'
        )
