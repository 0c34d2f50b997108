"""The shift from photographs to art: rungs start from the weights of one source."""

from functools import lru_cache

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from studies.study import read_study
from tests.helpers import ROOT
from tests.helpers.tiny_configs import tiny_config
from tests.helpers.tiny_domains import write_domains
from tests.helpers.tiny_uda import tiny_uda_config

pytestmark = pytest.mark.usefixtures('unformatted_configs')
UDA = ROOT / 'configs/uda'
# Strategy of the mixing, pseudo labels, discriminator.
RUNGS = {
    'source_only': (None, False, False),
    'adaptive_teacher': (None, True, True),
    'no_discriminator': (None, True, False),
    'union': ('union', True, True),
    'noise': ('noise', True, True),
    'sampled': ('sampled', True, True),
    'soft': ('lossmix', True, True),
    'lossmix_adaptation': ('lossmix', True, True),
    'oracle': (None, False, False),
}
NAMES = sorted(
    p.stem for p in UDA.glob('*_people_art.py') if not p.stem.startswith('source_f')
)
FAST = ('lossmix_adaptation_fcos_people_art', 'oracle_faster_rcnn_people_art')


@lru_cache
def load(name):
    return Config.fromfile(UDA / f'{name}.py')


def split(name):
    """The rung and the detector that a name of a config is made of."""
    rung = next(rung for rung in RUNGS if name.startswith(f'{rung}_f'))
    return rung, name[len(rung) + 1 : -len('_people_art')]


@pytest.mark.parametrize('name', NAMES)
def test_rung_is_what_it_says(name):
    rung, detector = split(name)
    cfg, top = load(name), load(f'lossmix_adaptation_{detector}_people_art')
    mix = cfg.model.adaptation_mix or {}
    labels, discriminator = (
        cfg.model[key] is not None for key in ('pseudo_labels', 'discriminator')
    )
    assert (mix.get('strategy'), labels, discriminator) == RUNGS[rung]
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'val_dataloader'):
        assert cfg[key] == top[key]
    assert cfg.model.burn_in_iters == 0
    assert cfg.model.get('warmup_mix') is None
    assert cfg.model.keep_rate == 1 - 20 / cfg.train_cfg.max_iters
    source, target = cfg.train_dataloader.dataset.datasets
    assert (source.data_root == target.data_root) == (rung == 'oracle')
    assert target.type == 'UnlabelledDataset'
    if rung != 'lossmix_adaptation':
        assert len((UDA / f'{name}.py').read_text().splitlines()) <= 6


@pytest.mark.parametrize('detector', ['faster_rcnn', 'fcos'])
def test_the_source_is_that_of_the_rungs(detector):
    """Its detector and images are theirs, and its lists are not those of the test."""
    source = load(f'source_{detector}_people_art')
    cfg = load(f'lossmix_adaptation_{detector}_people_art')
    assert source.model == cfg.model.detector
    ours, theirs = source.train_dataloader.dataset, cfg.train_dataloader.dataset
    theirs = theirs.datasets[0]
    assert {**ours, 'pipeline': 0} == {**theirs, 'pipeline': 0}
    assert ours.pipeline[:-1] == theirs.pipeline[:-1]
    assert source.val_dataloader == cfg.val_dataloader
    lists = [cfg[f'{part}_dataloader'].dataset.ann_file for part in ('val', 'test')]
    target = cfg.train_dataloader.dataset.datasets[1].ann_file
    assert [path.rpartition('/')[2] for path in (*lists, target)] == [
        *('val.txt', 'test.txt', 'train.txt')
    ]


def test_the_grid_has_every_rung():
    study = read_study(ROOT / 'studies/grids/uda_people_art.yml')
    runs = [run.config.rpartition('/')[2][:-3] for run in study.runs()]
    assert set(runs) == set(NAMES)
    assert len(runs) == 6 * len(NAMES)
    starts = {(run.start.config, run.start.settings['seed']) for run in study.runs()}
    assert len(starts) == 12
    assert all((ROOT / config).is_file() for config, _ in starts)


@pytest.fixture(scope='module')
def domains(voc_root, tmp_path_factory):
    return write_domains(tmp_path_factory.mktemp('domains') / 'data', voc_root)


@pytest.fixture(scope='module')
def source(domains, tmp_path_factory):
    """Checkpoints of a source training of each detector, made when asked for."""

    @lru_cache
    def train(detector):
        work_dir = tmp_path_factory.mktemp('source')
        name = f'uda/source_{detector}_people_art'
        cfg = tiny_config(name, domains, work_dir, **{'train_cfg.max_iters': 2})
        cfg.train_cfg.val_interval = cfg.default_hooks.checkpoint.interval = 2
        runner = Runner.from_cfg(cfg)
        runner.train()
        assert 0 <= runner.message_hub.get_scalar('val/pascal_voc/AP50').current() <= 1
        return work_dir / 'iter_2.pth', runner.model.state_dict()

    return train


@pytest.mark.parametrize(
    'name', [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in NAMES]
)
def test_rung_goes_on_from_averaged_weights(name, domains, source, tmp_path):
    rung, detector = split(name)
    checkpoint, trained = source(detector)
    cfg = tiny_uda_config(f'uda/{name}', domains, tmp_path, 1, 0)
    cfg.train_cfg.val_interval = 1
    cfg.load_from = str(checkpoint)
    runner = Runner.from_cfg(cfg)
    runner.load_or_resume()
    averaged = torch.load(checkpoint, weights_only=True)['state_dict']
    student = runner.model.student.state_dict()
    assert all(torch.equal(student[key], value) for key, value in averaged.items())
    # They are another state than that of the last step.
    assert any(not torch.equal(trained[key], student[key]) for key in student)
    runner.train()
    assert runner.model.teacher_started
    seen = runner.message_hub.log_scalars
    assert any('target_loss' in key for key in seen) == RUNGS[rung][1]
    for who in ('student', 'teacher'):
        assert 0 <= seen[f'val/{who}/pascal_voc/AP50'].current() <= 1
