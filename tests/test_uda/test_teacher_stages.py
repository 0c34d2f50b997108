"""The stages of LossMixTeacher in real runs: switch, average, resume, validation."""

import copy
import json
from pathlib import Path

import cv2
import pytest
import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from tests.helpers.tiny_configs import tiny_config
from tests.helpers.tiny_uda import tiny_uda_config

pytestmark = pytest.mark.usefixtures('unformatted_configs')
SWITCH, END = 3, 6


@HOOKS.register_module()
class RecordStates(Hook):
    """Keeps student and teacher as they are before and after each iteration."""

    priority = 'LOWEST'

    def before_run(self, runner):
        runner.states, runner.modes = [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        runner.states.append([state_of(runner)])

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        runner.states[-1].append(state_of(runner))
        parts = runner.model.student, runner.model.teacher
        runner.modes.append([part.training for part in parts])


def state_of(runner):
    model = runner.model
    return {
        part: copy.deepcopy(getattr(model, part).state_dict())
        for part in ('student', 'teacher')
    }


def stage_config(voc_root, work_dir, **overrides):
    cfg = tiny_uda_config(
        'lossmix_fcos',
        voc_root,
        work_dir,
        max_iters=END,
        burn_in_iters=SWITCH,
        **{
            'default_hooks.checkpoint.interval': 1,
            'default_hooks.checkpoint.max_keep_ckpts': -1,
            **overrides,
        },
    )
    cfg.optim_wrapper.optimizer.lr = 0.01  # weights move far enough to see it
    cfg.custom_hooks.append(dict(type='RecordStates'))
    cfg.custom_hooks[1].interval = 1
    return cfg


@pytest.fixture(scope='module')
def run(unformatted_configs, voc_root, tmp_path_factory):
    cfg = stage_config(voc_root, tmp_path_factory.mktemp('uda') / 'run')
    cfg.train_cfg.val_interval = 2
    # Resumed runs have none, and end with the same weights.
    cfg.custom_hooks.append(dict(type='PseudoLabelHook', interval=2, images=2))
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def test_best_checkpoint_is_looked_for_once_there_is_a_teacher(run):
    """Validations of the burn-in, at iteration 2, know no AP of a teacher."""
    found = [path.name for path in Path(run.work_dir).glob('best_*.pth')]
    assert len(found) == 1
    assert found[0].startswith('best_teacher_pascal_voc_AP50_iter_')
    assert int(found[0].split('_')[-1][:-4]) > SWITCH


def test_no_best_checkpoint_of_a_teacher_that_finds_nothing(run):
    """CocoMetric has no metric of no detection, which CheckpointHook looks up."""
    (hook,) = (h for h in run.hooks if type(h).__name__ == 'TeacherCheckpointHook')
    before = sorted(Path(run.work_dir).glob('best_*.pth'))
    hook.after_val_epoch(run, {'student/coco/bbox_mAP_50': 0.5})
    assert sorted(Path(run.work_dir).glob('best_*.pth')) == before
    # Now, and not in the burn-in, which has no teacher to find anything.
    log = log_of(run)
    assert log.index('Burn-in is over') < log.index('Nothing to choose the best')
    with pytest.raises(KeyError):  # a name that the metric does not know
        hook.after_val_epoch(run, {'teacher/coco/bbox_mAP': 0.5})


def test_teacher_starts_as_a_copy_and_follows_as_an_average(run):
    initial = run.states[0][0]['teacher']
    for iteration, (before, after) in enumerate(run.states):
        if iteration < SWITCH:
            assert same(after['teacher'], initial)
            continue
        if iteration == SWITCH:  # buffers too
            assert same(before['teacher'], before['student'])
            assert not same(before['teacher'], initial)
        assert not same(after['student'], before['student'])
        for name, value in after['teacher'].items():
            old, new = before['teacher'][name], after['student'][name]
            if value.is_floating_point():
                torch.testing.assert_close(value, 0.9 * old + 0.1 * new)
            else:
                assert torch.equal(value, new)
    assert any('running_mean' in name for name in after['teacher'])
    assert run.model.teacher_started


def test_optimizer_meets_the_discriminator_at_the_switch(run):
    """Moments of idle iterations would multiply the first steps of Adam."""
    state = run.optim_wrapper.optimizer.state
    for part, steps in (('student', END), ('discriminator', END - SWITCH)):
        taken = {state[p]['step'].item() for p in getattr(run.model, part).parameters()}
        assert taken == {steps}


@pytest.mark.parametrize('start', [SWITCH - 1, SWITCH, SWITCH + 1])
def test_resume_before_at_and_after_the_switch(start, run, voc_root, tmp_path):
    cfg = stage_config(voc_root, tmp_path)
    cfg.resume, cfg.load_from = True, str(Path(run.work_dir) / f'iter_{start}.pth')
    resumed = Runner.from_cfg(cfg)
    resumed.train()
    assert len(resumed.states) == END - start
    for part, state in state_of(run).items():
        assert same(state_of(resumed)[part], state)


def test_teacher_is_not_validated_before_it_starts(run):
    scalars = read_scalars(run)
    validated = {
        row['step']: sorted({k.split('/')[0] for k in row if 'AP50' in k})
        for row in scalars
        if any('AP50' in k for k in row)
    }
    assert validated == {
        2: ['student'],
        4: ['student', 'teacher'],
        6: ['student', 'teacher'],
    }
    assert 'teacher: not started (burn-in until iteration 3)' in log_of(run)
    assert run.model.semi_test_cfg['predict_on'] == 'teacher'  # as the config says


def test_log_holds_pseudo_labels_pairing_lambda_and_discriminator(run):
    rows = [row for row in read_scalars(run) if 'loss' in row]
    adapted = rows[SWITCH:]
    assert len(rows) == END
    assert all('pseudo_per_image' not in row for row in rows[:SWITCH])
    for key in ('pseudo_per_image', 'source_domain_acc', 'mix_lambda', 'pairing'):
        assert all(key in row for row in adapted)
    counts = [r for r in read_scalars(run) if 'pseudo_class/all' in r]
    assert [r['step'] for r in counts] == [4, 5, 6]
    for row in counts:
        each = [v for k, v in row.items() if k.startswith('pseudo_class/')]
        assert row['pseudo_class/all'] == pytest.approx(sum(each) / 2) == 3


def test_pictures_show_the_same_images_over_training(run):
    pictures = sorted((Path(run.log_dir) / 'vis_data/vis_image').glob('pseudo*'))
    assert [p.name for p in pictures] == [
        *(f'pseudo_labels_{i}_{step}.png' for i in (0, 1) for step in (2, 4, 6)),
        'pseudo_labels_2_4.png',  # by the config's own hook, at the switch
    ]
    sizes = {cv2.imread(str(p)).shape for p in pictures[:3]}
    assert len(sizes) == 1
    assert run.modes == [[True, False]] * END  # the student predicts for the first


def test_checkpoint_of_the_plain_detector_is_a_start(voc_root, tmp_path):
    plain = tiny_config('baseline_fcos_voc', voc_root, tmp_path / 'plain')
    plain.train_cfg.max_epochs = 1
    cfg = stage_config(voc_root, tmp_path / 'uda')
    plain.model = cfg.model.detector
    for node in (
        *plain.train_dataloader.dataset.dataset.datasets,
        plain.val_dataloader.dataset,
    ):
        node.metainfo = cfg.val_dataloader.dataset.metainfo
    Runner.from_cfg(plain).train()
    cfg.load_from = str(tmp_path / 'plain' / 'epoch_1.pth')
    cfg.model.burn_in_iters = 0
    cfg.train_cfg.max_iters = 1
    runner = Runner.from_cfg(cfg)
    runner.train()
    trained = torch.load(cfg.load_from)['state_dict']
    for part in ('student', 'teacher'):
        assert same(runner.states[0][0][part], trained)


def test_adapted_checkpoint_starts_a_new_burn_in(run, voc_root, tmp_path):
    cfg = stage_config(voc_root, tmp_path)
    cfg.load_from = str(Path(run.work_dir) / f'iter_{END}.pth')
    cfg.train_cfg.max_iters = 1
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert not runner.model.teacher_started
    assert same(runner.states[0][1]['teacher'], runner.states[0][0]['teacher'])
    assert 'the teacher starts anew' in log_of(runner)


def test_without_the_hook_adaptation_is_refused(voc_root, tmp_path):
    cfg = stage_config(voc_root, tmp_path)
    cfg.custom_hooks = []
    cfg.model.burn_in_iters = 0
    with pytest.raises(ValueError, match=r'add `dict\(type="TeacherHook"\)`.*replaces'):
        Runner.from_cfg(cfg).train()
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.save_best = None
    with pytest.raises(RuntimeError, match=r'add `dict\(type="TeacherHook"\)`'):
        Runner.from_cfg(cfg).train()


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(v, b[k]) for k, v in a.items())


def read_scalars(runner):
    file = Path(runner.log_dir) / 'vis_data' / 'scalars.json'
    return [json.loads(line) for line in file.read_text().splitlines()]


def log_of(runner):
    return ' '.join(p.read_text() for p in Path(runner.log_dir).glob('*.log'))
