"""The cache of partners: what it holds, and who shares memory with it."""

import numpy as np

from mmdet_lossmix.datasets.transforms.partners import LoadedImage, PartnerCache
from mmdet_lossmix.mixing.annotations import Annotations

LANDSCAPE, PORTRAIT = (4, 6), (6, 4)


def loaded(value, shape=LANDSCAPE):
    image = np.full((*shape, 3), value, np.uint8)
    return LoadedImage(image, f'{value}.jpg', Annotations({}))


def test_entries_stay_what_they_were_whatever_happens_to_the_images():
    cache = PartnerCache(5)
    for value in range(60):
        # Larger, smaller and mirrored images take each other's memory.
        shape = (3 + value % 4, 3 + value % 7)
        image = loaded(value, shape)
        image.img[:, 0] = 255
        cache.push(image._replace(img=np.flip(image.img, 1)))
        image.img[:] = 0
        assert len(cache.entries) == min(value + 1, 5)
        for entry in cache.entries:
            held = int(entry.img_path[:-4])
            assert entry.img.shape == (3 + held % 4, 3 + held % 7, 3)
            assert (entry.img[:, :-1] == held).all()
            assert (entry.img[:, -1] == 255).all()


def test_a_drawn_partner_outlives_the_push_that_drops_it():
    cache = PartnerCache(1)
    cache.push(loaded(1))
    for value in range(2, 9):
        partner = cache.draw(loaded(value).img)
        cache.push(loaded(value))
        assert (partner.img == value - 1).all()


def test_the_cache_keeps_its_memory():
    cache = PartnerCache(4)
    for value in range(40):
        cache.push(loaded(value))
        if value == 10:
            memory = {id(e.memory) for e in cache.entries} | {id(cache._spare)}
    assert {id(e.memory) for e in cache.entries} | {id(cache._spare)} == memory


def test_exchange_of_partners_of_the_other_orientation():
    cache = PartnerCache(20)
    landscape, portrait = loaded(1), loaded(2, PORTRAIT)
    # One that suits is taken as it is; of one that does not, nothing better is known.
    suiting = loaded(3)
    assert cache.exchange(landscape.img, suiting) is suiting
    assert not cache.entries
    assert cache.exchange(landscape.img, portrait) is portrait
    # From now on the portrait image waits for one that it suits.
    given = cache.exchange(loaded(4, PORTRAIT).img, loaded(5))
    assert (given.img == 2).all()
    given = cache.exchange(loaded(6).img, loaded(7, PORTRAIT))
    assert (given.img == 5).all()
    assert {e.img_path for e in cache.entries} == {'2.jpg', '5.jpg', '7.jpg'}
