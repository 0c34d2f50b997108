"""A fixed number of images of each domain in every batch."""

from itertools import count, cycle, islice
from typing import Iterator, List, Optional, Sequence

import numpy as np
from mmdet.registry import DATA_SAMPLERS
from mmengine.dataset import ConcatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmdet_lossmix.arguments import check_number


@DATA_SAMPLERS.register_module()
class DomainSampler(Sampler):
    """Endless batches with a quota of images from each of several datasets.

    Each domain has its own random permutations, from its own seed: domains of the same
    size are not paired index by index. Within a permutation every image comes once;
    small domains start over sooner. Ranks share a permutation, one image in turn.

    With ``group_by_shape`` what a batch takes from a domain is all landscape or all
    portrait, so that padding is small. Images wait until enough of their kind are
    there, so a domain with a single portrait cannot hang.

    Args:
        dataset (:obj:`ConcatDataset`): One dataset for each domain.
        per_domain (Sequence[int]): How many images of each domain, in a batch of one
            process. Their sum is the loader's ``batch_size``.
        group_by_shape (bool): See above. Defaults to True.
        seed (int, optional): Defaults to None, the runner's.

    Raises:
        TypeError: If ``dataset`` is no ``ConcatDataset``, or a quota is no number.
        ValueError: If quotas and datasets do not go together, a quota is below 1, or a
            dataset has no image.
    """

    def __init__(
        self,
        dataset: ConcatDataset,
        per_domain: Sequence[int],
        group_by_shape: bool = True,
        seed: Optional[int] = None,
    ) -> None:
        if not hasattr(dataset, 'datasets'):
            raise TypeError(
                'Expected a ConcatDataset of one dataset for each domain but got a '
                f'{type(dataset).__name__}.'
            )
        if not isinstance(per_domain, (list, tuple)):
            raise TypeError(f'Set `per_domain` to a list, not {per_domain!r}.')
        for quota in per_domain:
            hint = '; to train without a domain, take its dataset out'
            check_number('per_domain', quota, '[1, inf)', whole=True, hint=hint)
        self.dataset = dataset
        self.per_domain = [int(quota) for quota in per_domain]
        sizes = [len(d) for d in dataset.datasets]
        if len(per_domain) != len(sizes):
            raise ValueError(
                f'Set `per_domain` to a quota for each of {len(sizes)} datasets, not '
                f'{self.per_domain}.'
            )
        if 0 in sizes:
            raise ValueError(
                f'Expected images in dataset {sizes.index(0)} but it has none: its '
                'folder is empty, or all images were filtered out (`filter_empty_gt`: '
                'no object of any of the `classes` is in them).'
            )
        self.group_by_shape = group_by_shape
        self.seed = sync_random_seed() if seed is None else seed
        self.rank, self.world_size = get_dist_info()
        self._offsets = [sum(sizes[:i]) for i in range(len(sizes))]
        self._sizes = sizes

    def __iter__(self) -> Iterator[int]:
        portions = [self._portions(domain) for domain in range(len(self._sizes))]
        for portion in cycle(portions):
            yield from next(portion)

    def _portions(self, domain: int) -> Iterator[List[int]]:
        """What each batch takes of a domain, as indices of the whole dataset."""
        waiting: List[List[int]] = [[], []]
        for index in self._indices(domain):
            index += self._offsets[domain]
            kind = waiting[self._is_portrait(index)]
            kind.append(index)
            if len(kind) == self.per_domain[domain]:
                yield kind.copy()
                kind.clear()

    def _indices(self, domain: int) -> Iterator[int]:
        """This rank's share of endless permutations, the same generator on all."""
        rng = np.random.default_rng([self.seed, domain])
        permutations = (rng.permutation(self._sizes[domain]) for _ in count())
        indices = (int(i) for permutation in permutations for i in permutation)
        return islice(indices, self.rank, None, self.world_size)

    def _is_portrait(self, index: int) -> bool:
        if not self.group_by_shape:
            return False
        info = self.dataset.get_data_info(index)
        return info.get('width', 1) < info.get('height', 1)

    def __len__(self) -> int:
        return len(self.dataset)
