"""DomainSampler: quotas, permutations, groups, ranks."""

from collections import Counter
from itertools import islice

import pytest

from mmdet_lossmix.uda import DomainSampler


class Images(list):
    """A dataset of images that are portrait where the entry is True."""

    def get_data_info(self, index):
        return dict(width=1, height=2) if self[index] else dict(width=2, height=1)


class Domains(list):
    """Datasets one after the other, as ConcatDataset has them."""

    def __init__(self, *datasets):
        self.datasets = datasets
        super().__init__(image for dataset in datasets for image in dataset)

    def get_data_info(self, index):
        return Images(self).get_data_info(index)


def batches(sampler, number):
    size = sum(sampler.per_domain)
    indices = list(islice(iter(sampler), number * size))
    return [indices[i : i + size] for i in range(0, len(indices), size)]


def test_quotas_and_permutations():
    domains = Domains(Images([False] * 12), Images([False] * 12))
    drawn = batches(DomainSampler(domains, [2, 1], seed=0), 12)
    for batch in drawn:
        assert [index >= 12 for index in batch] == [False, False, True]
    source = [i for batch in drawn for i in batch[:2]]
    target = [batch[2] - 12 for batch in drawn]
    # Every image once per permutation; and no two domains in the same order.
    assert sorted(source[:12]) == sorted(source[12:]) == list(range(12))
    assert sorted(target) == list(range(12))
    assert source[:12] != target
    assert source[:12] != source[12:]
    assert drawn == batches(DomainSampler(domains, [2, 1], seed=0), 12)
    assert drawn != batches(DomainSampler(domains, [2, 1], seed=1), 12)


def test_a_batch_of_a_domain_is_all_portrait_or_all_landscape():
    source = Images([i % 3 == 0 for i in range(10)])
    target = Images([True] + [False] * 6)  # one portrait for a quota of 2
    domains = Domains(source, target)
    drawn = batches(DomainSampler(domains, [2, 2], seed=0), 70)
    for batch in drawn:
        assert len({domains[i] for i in batch[:2]}) == 1
        assert len({domains[i] for i in batch[2:]}) == 1
    # It comes as often as the others, up to what is waiting.
    counts = Counter(i for batch in drawn for i in batch[2:])
    assert max(counts.values()) - min(counts.values()) <= 2
    mixed = batches(DomainSampler(domains, [2, 2], group_by_shape=False, seed=0), 70)
    assert any(len({domains[i] for i in batch[:2]}) == 2 for batch in mixed)


def test_ranks_share_a_permutation(monkeypatch):
    domains = Domains(Images([False] * 8), Images([False] * 4))
    drawn = []
    for rank in range(2):
        monkeypatch.setattr(
            'mmdet_lossmix.uda.data.domain_sampler.get_dist_info',
            lambda rank=rank: (rank, 2),
        )
        drawn.append(batches(DomainSampler(domains, [2, 1], seed=0), 2))
    source = [i for rank in drawn for batch in rank for i in batch[:2]]
    target = [i for rank in drawn for batch in rank for i in batch[2:]]
    assert sorted(source) == list(range(8))
    assert sorted(target) == list(range(8, 12))


@pytest.mark.parametrize(
    ('sizes', 'quotas', 'message'),
    [
        ((3, 3), [2, 0], r'`per_domain` to a whole number in \[1, inf\), not 0'),
        ((3, 3), [1.5, 2.5], r'`per_domain` to a whole number'),  # waited for ever
        ((3, 3), [2], 'a quota for each of 2 datasets'),
        ((3, 0), [1, 1], 'dataset 1: it has no image'),
        ((0, 3), [1, 1], 'no image, or none with an object of its `classes`'),
    ],
)
def test_bad_quotas_are_refused(sizes, quotas, message):
    domains = Domains(*(Images([False] * size) for size in sizes))
    with pytest.raises(ValueError, match=message):
        DomainSampler(domains, quotas, seed=0)


def test_needs_domains():
    with pytest.raises(TypeError, match='ConcatDataset'):
        DomainSampler(Images([False]), [1], seed=0)


@pytest.mark.parametrize('quotas', [3, '22', [True, 2], ['2', 2], None])
def test_quotas_that_are_no_numbers_are_refused(quotas):
    domains = Domains(Images([False] * 3), Images([False] * 3))
    with pytest.raises(TypeError, match='Set `per_domain` to a'):
        DomainSampler(domains, quotas, seed=0)
