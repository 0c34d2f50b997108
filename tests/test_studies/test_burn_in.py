"""A burn-in that runs share is trained once, and changes no bit of their results."""

import json

import pandas as pd
import pytest
import torch
from mmengine.config import Config
from rich.console import Console

from studies import workflow
from studies.burn_in import burn_in_config
from studies.go_on import go_on
from studies.results import PSEUDO
from studies.workflow import Options, run_study
from tests.helpers.fake_mim import write_fake_mim
from tests.helpers.studies import write_uda_study

ADAPTATION = {
    'model.burn_in_iters': 2,
    'model.keep_rate': 0.5,
    'model.discriminator.in_channels': 64,
    'model.pseudo_labels.score_thr': 0.0,
    'param_scheduler.1.milestones': [3],  # after the switch
}
VARIANTS = {
    'source_only': {'model.burn_in_iters': 4},
    'adaptive_teacher': ADAPTATION,
    'union': ADAPTATION,
    'lossmix': ADAPTATION,  # its warm-up is another one, and nobody else's
}


def weights(folder, run):
    path = folder / 'runs' / run / 'train/iter_4.pth'
    return torch.load(path, weights_only=True)['state_dict']


@pytest.mark.slow
def test_runs_go_on_from_one_burn_in(tmp_path, voc_root, monkeypatch):
    study = write_uda_study(
        tmp_path / 'ladder.yml', voc_root, axes={'variant': VARIANTS, 'seed': [0]}
    )
    shared, alone = tmp_path / 'shared', tmp_path / 'alone'
    assert run_study(study, Options(work_dir=shared), Console(quiet=True)) == 0
    (burn_in,) = (shared / 'runs').glob('burn_in-*')
    assert [path.name for path in burn_in.glob('train/*.pth')] == ['iter_2.pth']
    assert len(list(shared.glob('runs/*/burn_in.tsv'))) == 2
    monkeypatch.setattr(workflow, 'share_burn_ins', lambda runs, data: [])
    assert run_study(study, Options(work_dir=alone), Console(quiet=True)) == 0
    assert not list(alone.glob('runs/*/burn_in.tsv'))

    tables = [
        pd.read_csv(folder / 'ladder/results.csv').set_index(['variant', 'split'])
        for folder in (shared, alone)
    ]
    assert not tables[0].git_revision.astype(str).str.contains('then').any()
    for variant in VARIANTS:
        run = tables[0].run[variant].iloc[0]
        ours, theirs = weights(shared, run), weights(alone, run)
        assert ours.keys() == theirs.keys()
        differs = [key for key, v in ours.items() if not torch.equal(v, theirs[key])]
        assert not differs, variant
    same = ['iteration', 'AP', 'AP50', 'student/AP50', 'pseudo_recall']
    pd.testing.assert_frame_equal(tables[0][same], tables[1][same])
    check_ladder(shared)


def check_ladder(work):
    """What the table says of teacher, student and pseudo labels, against the log."""
    table = pd.read_csv(work / 'ladder/results.csv').set_index(['variant', 'split'])
    table = table.set_index('iteration', append=True).sort_index()
    adapted = table.loc['adaptive_teacher']
    assert list(adapted.index) == [('test', 4), ('val', 2), ('val', 4)]
    train_dir = work / 'runs' / adapted.run.iloc[0] / 'train'
    records = [
        json.loads(line)
        for path in sorted(train_dir.glob('*/vis_data/scalars.json'))
        for line in path.read_text().splitlines()
    ]
    (burn_in, last) = [r for r in records if 'student/coco/bbox_mAP' in r]
    assert 'teacher/coco/bbox_mAP' not in burn_in
    at_2, at_4, test = (adapted.loc[key] for key in (('val', 2), ('val', 4), 'test'))
    for column, metric in (('AP', ''), ('AP50', '_50'), ('AP75', '_75')):
        student = f'student/coco/bbox_mAP{metric}'
        assert at_2[column] == at_2[f'student/{column}'] == burn_in[student]
        assert at_4[column] == last[f'teacher/coco/bbox_mAP{metric}']
        assert at_4[f'student/{column}'] == last[student]
        # The same checkpoint on the same images: once in the training, once after.
        assert test[column].item() == at_4[column]
        assert test[f'student/{column}'].item() == last[student]
    rates = [r for r in records if 'pseudo_recall' in r]
    assert [r['step'] for r in rates] == [3, 4]
    for row in (at_4, test.iloc[0]):
        for name in PSEUDO:  # none is precise where there is none
            logged = [r[name] for r in rates if name in r]
            assert row.get(name, 0) == pytest.approx(sum(logged) / max(1, len(logged)))
    assert at_2[list(PSEUDO)].isna().all()
    assert table.loc['source_only', list(PSEUDO)].isna().all(axis=None)
    report = (work / 'ladder/report.md').read_text()
    for piece in (
        'AP50 minus that of the baseline',
        'AP is that of the teacher, or of the student',
        f'| {100 * test.pseudo_recall.item():.1f} ',
        '![curves](plot_2_curves.png)',
    ):
        assert piece in report


@pytest.mark.parametrize('failing', [False, True])
def test_a_burn_in_comes_before_its_runs(tmp_path, voc_root, monkeypatch, failing):
    monkeypatch.setenv('PYTHONPATH', str(write_fake_mim(tmp_path / 'fake')))
    options = {**ADAPTATION, 'optim_wrapper.optimizer.lr': 13 if failing else 0.5}
    study = write_uda_study(
        tmp_path / 'ladder.yml',
        voc_root,
        axes={'variant': {'adaptive_teacher': options, 'union': options}, 'seed': [0]},
        baseline={},
    )
    assert run_study(study, Options(work_dir=tmp_path), Console(quiet=True)) == failing
    calls = sorted(tmp_path.glob('runs/*/train.calls'))
    assert calls[0].parent.name.startswith('burn_in-')
    assert '--resume' not in calls[0].read_text()
    if not failing:
        assert ['--resume' in call.read_text() for call in calls[1:]] == [True, True]
        table = pd.read_csv(tmp_path / 'ladder/results.csv')
        shared = pd.read_csv(calls[0].with_name('train.tsv'), sep='\t').s[0]
        assert (table.train_seconds > shared).all()  # which is a part of it
        return
    assert len(calls) == 1
    report = (tmp_path / 'ladder/report.md').read_text()
    cause = 'Its burn-in of variant=adaptive_teacher seed=0 and 1 more failed'
    assert report.count(cause) == report.count('unlucky') == 2


def test_a_training_goes_on_from_what_is_whole(tmp_path):
    run, burn_in = tmp_path / 'run', tmp_path / 'burn_in'
    (burn_in / 'train').mkdir(parents=True)
    run.mkdir()
    for name in ('facts.json', 'train.tsv', 'trained', 'train/log'):
        (burn_in / name).write_text('iter_2.pth')
    torch.save({'weight': torch.zeros(500)}, burn_in / 'train/iter_2.pth')
    assert not go_on(run)
    assert go_on(run, burn_in)
    pointer = run / 'train/last_checkpoint'
    assert pointer.read_text() == str(run / 'train/iter_2.pth')
    assert (run / 'train/log').is_file()
    # A kill while iter_6 was written; iter_4 is whole.
    whole = (run / 'train/iter_2.pth').read_bytes()
    (run / 'train/iter_4.pth').write_bytes(whole)
    (run / 'train/best_iter_9.pth').write_bytes(whole)
    for content in ('iter_6.pth', '', 'iter_2.pth'):
        (run / 'train/iter_6.pth').write_bytes(whole[:900])
        pointer.write_text(content)
        assert go_on(run, burn_in)
        assert pointer.read_text() == str(run / 'train/iter_4.pth')
        assert not (run / 'train/iter_6.pth').exists()


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
