"""What openmim reads about the configs is true, and each family has its page."""

import pytest
from mim.commands.search import convert2df
from modelindex.load_model_index import load

from tests.helpers import ROOT
from tests.helpers.tiny_configs import load_config

FAMILIES = ('lossmix', 'noise', 'uda', 'union')


@pytest.fixture(scope='module')
def index():
    return load(str(ROOT / 'model-index.yml'))


def test_openmim_reads_it_without_complaint(index):
    assert index.check(silent=True) == []
    table = convert2df(index)
    assert set(table.index) == {model.name for model in index.models}
    (known,) = table['bccd/box_ap50'].dropna().items()
    assert known == ('demo_lossmix_faster_rcnn_bccd', 88.7)


def configs_of(family):
    if family != 'uda':
        return sorted(ROOT.glob(f'configs/{family}_*.py'))
    return [p for p in sorted(ROOT.glob('configs/uda/*.py')) if 'demo' not in p.name]


def test_every_config_of_a_family_is_listed_once(index):
    there = [path for family in FAMILIES for path in configs_of(family)]
    demo = 'configs/demo/lossmix_faster_rcnn_bccd.py'
    expected = [*(str(p.relative_to(ROOT)) for p in there), demo]
    assert sorted(model.config for model in index.models) == sorted(expected)


def test_what_it_says_is_true(index):
    for model in index.models:
        config = load_config(model.config[len('configs/') : -len('.py')])
        said, schedule = model.metadata.data, config.train_cfg
        assert said.get('Epochs') == schedule.get('max_epochs')
        assert said.get('Iterations') == schedule.get('max_iters')
        teaches = model.in_collection == 'LossMixTeacher'
        assert model.in_collection.lower() in model.name or teaches
        assert teaches == model.name.startswith('uda_')
        assert model.weights is None  # none have been published


@pytest.mark.parametrize('family', FAMILIES)
def test_page_of_a_family(family):
    page = (ROOT / f'configs/{family}/README.md').read_text()
    for part in ('## Abstract', '## Results', '## Citation', '@inproceedings'):
        assert part in page
    assert 'docs/model_zoo.md#' in page
