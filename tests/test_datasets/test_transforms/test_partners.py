"""The cache of partners: what it holds, and who shares memory with it."""

import numpy as np

from mmdet_lossmix.datasets.transforms.partners import PartnerCache

LANDSCAPE, PORTRAIT = (4, 6), (6, 4)


def results_of(value, shape=LANDSCAPE):
    return dict(img=np.full((*shape, 3), value, np.uint8), img_path=f'{value}.jpg')


def test_entries_stay_what_they_were_whatever_happens_to_the_images():
    cache = PartnerCache(5)
    for value in range(60):
        # Larger, smaller and mirrored images take each other's memory.
        shape = (3 + value % 4, 3 + value % 7)
        results = results_of(value, shape)
        results['img'][:, 0] = 255
        results['img'] = np.flip(results['img'], 1)
        cache.push(results)
        results['img'][:] = 0
        assert len(cache.entries) == min(value + 1, 5)
        for entry in cache.entries:
            held = int(entry['img_path'][:-4])
            assert entry['img'].shape == (3 + held % 4, 3 + held % 7, 3)
            assert (entry['img'][:, :-1] == held).all()
            assert (entry['img'][:, -1] == 255).all()


def test_a_drawn_partner_outlives_the_push_that_drops_it():
    cache = PartnerCache(1)
    cache.push(results_of(1))
    for value in range(2, 9):
        partner = cache.draw(results_of(value))
        cache.push(results_of(value))
        assert (partner['img'] == value - 1).all()


def test_the_cache_keeps_its_memory():
    cache = PartnerCache(4)
    for value in range(40):
        cache.push(results_of(value))
        if value == 10:
            memory = {id(e['memory']) for e in cache.entries} | {id(cache._spare)}
    assert {id(e['memory']) for e in cache.entries} | {id(cache._spare)} == memory


def test_exchange_of_partners_of_the_other_orientation():
    cache = PartnerCache(20)
    landscape, portrait = results_of(1), results_of(2, PORTRAIT)
    # One that suits is taken as it is; of one that does not, nothing better is known.
    suiting = results_of(3)
    assert cache.exchange(landscape, suiting) is suiting
    assert not cache.entries
    assert cache.exchange(landscape, portrait) is portrait
    # From now on the portrait image waits for one that it suits.
    given = cache.exchange(results_of(4, PORTRAIT), results_of(5))
    assert (given['img'] == 2).all()
    given = cache.exchange(results_of(6), results_of(7, PORTRAIT))
    assert (given['img'] == 5).all()
    assert {e['img_path'] for e in cache.entries} == {'2.jpg', '5.jpg', '7.jpg'}
