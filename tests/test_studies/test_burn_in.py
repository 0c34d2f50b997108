"""A burn-in that cells share is trained once, and changes no bit of their results."""

import pandas as pd
import pytest
import torch
from mmengine.config import Config
from rich.console import Console

from studies import run as run_module
from studies.burn_in import burn_in_config
from studies.run import Options, run_study
from tests.helpers.studies import write_uda_study

pytestmark = pytest.mark.usefixtures('unformatted_configs')
ADAPTATION = {
    'model.burn_in_iters': 2,
    'model.keep_rate': 0.5,
    'model.discriminator.in_channels': 64,
    'model.pseudo_labels.score_thr': 0.0,
    'param_scheduler.1.milestones': [3],  # after the switch
}
RUNGS = {
    'source_only': {'model.burn_in_iters': 4},
    'adaptive_teacher': ADAPTATION,
    'union': ADAPTATION,
    'lossmix': ADAPTATION,  # its warm-up is another one, and nobody else's
}


def weights(folder, cell):
    path = folder / 'cells' / cell / 'train/iter_4.pth'
    return torch.load(path, weights_only=True)['state_dict']


def test_cells_go_on_from_one_burn_in(tmp_path, voc_root, in_process, monkeypatch):
    study = write_uda_study(
        tmp_path / 'ladder.yml', voc_root, axes={'rung': RUNGS, 'seed': [0]}
    )
    shared = tmp_path / 'shared'
    assert run_study(study, Options(work_dir=shared), Console(quiet=True)) == 0
    trained = [words for words in in_process.commands if words[3] == 'train']
    first, *rest = [words[words.index('mmdet') + 1] for words in trained]
    assert 'burn_in-' in first
    assert not any('burn_in-' in config for config in rest)
    assert len(rest) == 4
    (burn_in,) = (shared / 'cells').glob('burn_in-*')
    in_process.commands.clear()  # nothing to share any more
    next((shared / 'cells').glob('demo_union*/test/clean.json')).unlink()
    assert run_study(study, Options(work_dir=shared), Console(quiet=True)) == 0
    assert [words[3] for words in in_process.commands] == ['test']
    assert [path.name for path in burn_in.glob('train/*.pth')] == ['iter_2.pth']

    monkeypatch.setattr(run_module, 'share_burn_ins', lambda cells, root: [])
    alone = tmp_path / 'alone'
    assert run_study(study, Options(work_dir=alone), Console(quiet=True)) == 0
    tables = [
        pd.read_csv(folder / 'ladder/results.csv').set_index(['rung', 'split'])
        for folder in (shared, alone)
    ]
    assert not tables[0].git_revision.str.contains('then').any()
    for rung in RUNGS:
        cell = tables[0].cell[rung].iloc[0]
        ours, theirs = weights(shared, cell), weights(alone, cell)
        assert ours.keys() == theirs.keys()
        differs = [key for key, v in ours.items() if not torch.equal(v, theirs[key])]
        assert not differs, rung
    same = ['iteration', 'AP', 'AP50', 'student/AP50', 'pseudo_recall']
    pd.testing.assert_frame_equal(tables[0][same], tables[1][same])


def test_a_failed_burn_in_fails_its_cells(tmp_path, voc_root, in_process):
    broken = {**ADAPTATION, 'train_dataloader.sampler.type': 'NoSuchSampler'}
    study = write_uda_study(
        tmp_path / 'ladder.yml',
        voc_root,
        axes={'rung': {'adaptive_teacher': broken, 'union': broken}, 'seed': [0]},
        baseline={},
    )
    assert run_study(study, Options(work_dir=tmp_path), Console(quiet=True)) == 1
    assert len(in_process.commands) == 1
    report = (tmp_path / 'ladder/report.md').read_text()
    assert report.count('Its burn-in of rung=adaptive_teacher seed=0 and 1 more') == 2
    assert report.count('NoSuchSampler is not in') == 2


def config(burn_in_iters=2, hook='TeacherHook', **model):
    model = dict(type='LossMixTeacher', burn_in_iters=burn_in_iters, **model)
    return Config(
        dict(
            model=model,
            train_cfg=dict(max_iters=4),
            custom_hooks=[dict(type=hook)],
        )
    )


def test_what_a_burn_in_looks_at():
    found = burn_in_config(config(keep_rate=0.9, warmup_mix=dict(max_share=0.1)))
    assert found.train_cfg.max_iters == 2
    assert found.model.warmup_mix.max_share == 0.1
    assert 'keep_rate' not in found.model


@pytest.mark.parametrize(
    'given',
    [config(burn_in_iters=0), config(burn_in_iters=4), config(hook='StopMixingHook')],
)
def test_trainings_without_a_burn_in_to_share(given):
    assert burn_in_config(given) is None


def test_plain_detectors_have_none():
    plain = Config(dict(model=dict(type='FCOS'), train_cfg=dict(max_epochs=4)))
    assert burn_in_config(plain) is None
