"""Exactness and one forward, architecture by architecture; see docs/survey.md."""

import pytest

from benchmarks.architectures import ARCHITECTURES
from benchmarks.exactness import EXACT, UNTRAINABLE, survey

# Of different kinds, with what has to compute for each target.
FAST = {
    'ATSS': set(),  # dense, without RoIs
    'Cascade R-CNN': {'bbox_head'},  # samples RoIs against a target, three times
    'Sparse R-CNN': set(),  # refines boxes that know no target
    'DETR': set(),  # an encoder and a decoder, with dropout
}
INEXACT = {'SSDLite', 'NAS-FPN'}  # batch normalisation over one value, of one image


@pytest.mark.parametrize('name', FAST)
def test_kinds_of_architectures(name):
    finding = survey(name)
    assert finding.verdict == EXACT, finding
    assert set(finding.again) == FAST[name]


@pytest.mark.slow
@pytest.mark.parametrize('name', [n for n in ARCHITECTURES if n not in FAST])
def test_all_other_architectures(name):
    finding = survey(name)
    if finding.verdict == UNTRAINABLE:
        pytest.skip(finding.reason)
    assert finding.verdict == EXACT or name in INEXACT, finding
