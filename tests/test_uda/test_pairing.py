"""What is drawn for a batch: how often it mixes, with whom, and by how much."""

from collections import Counter

import numpy as np
import pytest

from mmdet_lossmix.uda.pairing import INTER, INTRA, UNMIXED, AdaptationMix, BurnInMix

NUMBER = 2000


def drawn(mix):
    rng = np.random.default_rng(0)
    draws = [mix.draw(rng) for _ in range(NUMBER)]
    shares = Counter(draw.pairing for draw in draws)
    assert all(draw == UNMIXED for draw in draws if draw.pairing is None)
    lams = [draw.lam for draw in draws if draw.pairing is not None]
    return {pairing: count / NUMBER for pairing, count in shares.items()}, lams


def test_burn_in():
    shares, lams = drawn(BurnInMix(max_share=0.2, prob=0.4))
    assert shares == pytest.approx({None: 0.6, INTER: 0.4}, abs=0.05)
    assert 0.8 <= min(lams) < 0.81
    assert 0.99 < max(lams) <= 1
    assert np.mean(lams) == pytest.approx(0.9, abs=0.01)


def test_adaptation():
    shares, lams = drawn(AdaptationMix(inter_share=0.3, prob=0.8))
    expected = {None: 0.2, INTRA: 0.8 * 0.7, INTER: 0.8 * 0.3}
    assert shares == pytest.approx(expected, abs=0.05)
    assert min(lams) < 0.01
    assert max(lams) > 0.99


@pytest.mark.parametrize('kind', [BurnInMix, AdaptationMix])
def test_never_and_always(kind):
    assert drawn(kind(prob=0.0))[0] == {None: 1}
    assert None not in drawn(kind(prob=1.0))[0]
    assert np.std(drawn(kind(alpha=50.0))[1]) < np.std(drawn(kind())[1]) / 2


@pytest.mark.parametrize(('share', 'pairing'), [(0.0, INTRA), (1.0, INTER)])
def test_within_domains_or_across_them_alone(share, pairing):
    assert drawn(AdaptationMix(inter_share=share))[0] == {pairing: 1}
