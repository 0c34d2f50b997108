"""Pseudo labels by count, unsure ones and scores of classes, in real runs."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.runner import Runner

from mmdet_lossmix.uda.hooks import PseudoLabelHook
from mmdet_lossmix.uda.pseudo_labels import PseudoLabels
from tests.helpers.oracle import flat, relative_difference, seeded
from tests.helpers.teacher import batch, build, detector_cfg, only_losses
from tests.helpers.tiny_uda import tiny_uda_config
from tests.test_uda.test_pseudo_labels import prediction, view

SWITCH, END = 1, 4


def config(name, voc_root, work_dir, **labels):
    cfg = tiny_uda_config(
        name,
        voc_root,
        work_dir,
        max_iters=END,
        burn_in_iters=SWITCH,
        **{
            'default_hooks.checkpoint.interval': 1,
            'default_hooks.checkpoint.max_keep_ckpts': -1,
        },
    )
    cfg.model.pseudo_labels.update(labels)
    return cfg


def trained(cfg):
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


@pytest.mark.usefixtures('unformatted_configs')
def test_labels_by_count_resume_exactly(voc_root, tmp_path):
    options = dict(per_image='source', score_thr=None, min_size=0)
    cfg = config('lossmix_fcos', voc_root, tmp_path / 'run', **options)
    run = trained(cfg)
    labels = run.model.pseudo_labels
    source = run.train_dataloader.dataset.datasets[0]
    classes = source.metainfo['classes']
    counts = dict.fromkeys(classes, 0)
    for i in range(len(source)):  # by the files
        file = Path(source.get_data_info(i)['xml_path'])
        for one in ElementTree.parse(file).getroot().findall('object'):
            name, hard = one.find('name').text, one.find('difficult')
            if name in counts and (hard is None or hard.text == '0'):
                counts[name] += 1
    expected = torch.tensor([counts[name] / len(source) for name in classes])
    assert expected.sum() > 0
    torch.testing.assert_close(labels.thresholds.wanted, expected)
    log = ' '.join(path.read_text() for path in Path(run.log_dir).glob('*.log'))
    assert 'Pseudo labels wanted in an image: {' in log
    # Three boxes an image, of each adapted image, and nothing of the burn-in.
    images = labels.thresholds.images.item()
    assert images == pytest.approx(2 * (END - SWITCH), rel=0.02)
    boxes = labels.thresholds.counts.sum().item()
    assert boxes == pytest.approx(3 * images, rel=1e-3)
    cfg = config('lossmix_fcos', voc_root, tmp_path / 'resumed', **options)
    cfg.resume, cfg.load_from = True, str(tmp_path / f'run/iter_{SWITCH + 1}.pth')
    state = trained(cfg).model.state_dict()
    for name, value in run.model.state_dict().items():
        assert torch.equal(state[name], value), name


@pytest.mark.usefixtures('unformatted_configs')
def test_soft_labels_resume_exactly_and_pictures_draw_their_own(voc_root, tmp_path):
    options = dict(soft=True, score_thr=None, min_size=0)
    cfg = config('lossmix_fcos', voc_root, tmp_path / 'run', **options)
    cfg.custom_hooks.append(dict(type='PseudoLabelHook', interval=2, images=2))
    run = trained(cfg)
    state = run.model.state_dict()
    before = torch.get_rng_state()
    for hook in run.hooks:
        if isinstance(hook, PseudoLabelHook):
            hook._look(run)
    assert torch.equal(torch.get_rng_state(), before)
    cfg = config('lossmix_fcos', voc_root, tmp_path / 'resumed', **options)
    cfg.resume, cfg.load_from = True, str(tmp_path / f'run/iter_{SWITCH + 1}.pth')
    for name, value in trained(cfg).model.state_dict().items():
        assert torch.equal(state[name], value), name


@pytest.mark.usefixtures('unformatted_configs')
@pytest.mark.parametrize('name', ['lossmix_fcos', 'lossmix_faster_rcnn'])
def test_unsure_boxes_need_heads_that_ignore(name, voc_root, tmp_path):
    cfg = config(name, voc_root, tmp_path, unsure_thr=0.0, score_thr=0.3)
    with pytest.raises(ValueError, match=r'Set `ignore_iof_thr` above 0 in every'):
        Runner.from_cfg(cfg)
    if name == 'lossmix_fcos':
        return
    for part in ('rpn', 'rcnn'):
        cfg.model.detector.train_cfg[part].assigner.ignore_iof_thr = 0.5
    run = trained(cfg)
    unsure = [len(s.ignored_instances) for s in run.model.last_pseudo]
    sure = [len(s.gt_instances) for s in run.model.last_pseudo]
    assert sum(unsure) > 0
    assert [a + b for a, b in zip(sure, unsure)] == [3, 3]


@pytest.mark.usefixtures('unformatted_configs')
def test_a_run_by_scores_of_classes_with_a_ramp(voc_root, tmp_path):
    cfg = config('lossmix_fcos', voc_root, tmp_path, class_score=True)
    cfg.model.pseudo_policy = dict(
        losses=dict(loss_cls=True, loss_bbox=False, loss_centerness=True),
        ramp_iters=10,
    )
    cfg.custom_hooks.append(dict(type='PseudoLabelHook', interval=2, images=2))
    run = trained(cfg)
    assert run.model.pseudo_policy.at(END - SWITCH).weight == pytest.approx(0.4)
    assert list(Path(run.log_dir).glob('**/pseudo_labels_0_*.png'))


def test_classes_are_named_all_and_alone(voc_root, tmp_path, unformatted_configs):
    cfg = config('lossmix_fcos', voc_root, tmp_path, per_image=dict(whale=1.0))
    with pytest.raises(ValueError, match=r'Name every class of the source.*whale'):
        trained(cfg)


@pytest.mark.parametrize('name', ['retinanet', 'faster_rcnn'])
def test_unsure_boxes_are_neither_object_nor_background(name, float64, monkeypatch):
    """Negatives within them cause no loss: it is that of ignored ground truth."""
    cfg = detector_cfg(name)
    train = cfg['train_cfg']
    for part in [train[p] for p in ('rpn', 'rcnn') if p in train] or [train]:
        part['assigner']['ignore_iof_thr'] = 0.5
    monkeypatch.setattr('tests.helpers.teacher.detector_cfg', lambda _: cfg)
    model, plain = build(name, pseudo_labels=dict(score_thr=0.8, unsure_thr=0.4))
    inputs, samples = batch(plain)
    boxes = [[4.0, 4.0, 40.0, 40.0], [50.0, 10.0, 90.0, 60.0], [3.0, 3.0, 42.0, 42.0]]

    def predict(x, views, rescale):
        for one in views:
            one.pred_instances = prediction([0.9, 0.5, 0.6], boxes).pred_instances
        return views

    model.teacher.predict = predict
    actual = only_losses(seeded(model.loss, inputs, samples))
    for sample in model.last_pseudo:
        assert sample.gt_instances.bboxes.tolist() == boxes[:1]
        # The third one would hide the object that it covers.
        assert sample.ignored_instances.bboxes.tolist() == boxes[1:2]
    known = [sample.clone() for sample in model.last_pseudo]

    def by_hand():
        plain.loss(inputs['sup'], samples['sup'])
        return plain.loss(inputs['unsup_student'], known)

    expected = {f'target_{k}': v for k, v in flat(seeded(by_hand)).items()}
    target = {k: v for k, v in actual.items() if k.startswith('target_')}
    assert relative_difference({k: expected[k] for k in target}, target) < 1e-9
    for sample in known:
        sample.ignored_instances = sample.ignored_instances[:0]
    blind = {f'target_{k}': v for k, v in flat(seeded(by_hand)).items()}
    assert relative_difference({k: blind[k] for k in target}, target) > 1e-5


def test_unsure_is_between_both_thresholds():
    labels = PseudoLabels(score_thr=0.8, unsure_thr=0.4)
    boxes = [[20.0 * i, 0.0, 20.0 * i + 10, 10.0] for i in range(4)]
    (sample,) = labels.attach([view()], [prediction([0.8, 0.79, 0.4, 0.39], boxes)])
    assert sample.gt_instances.labels.tolist() == [0]
    assert sample.ignored_instances.labels.tolist() == [1, 2]
    with pytest.raises(ValueError, match=r'`unsure_thr` to a number in \[0, 0.5\)'):
        PseudoLabels(score_thr=0.5, unsure_thr=0.5)


def test_scores_of_classes_leave_the_centerness_out(float64):
    """Of the same boxes, which compete by the product as before."""
    model, plain = build('fcos', pseudo_labels=dict(class_score=True, score_thr=0.0))
    inputs, samples = batch(plain)
    views = [s.new() for s in samples['unsup_teacher']], inputs['unsup_teacher']
    before = model.teacher.predict(views[1], views[0], rescale=False)
    product = [one.pred_instances.clone() for one in before]
    factors = []
    head = model.teacher.bbox_head
    process = type(head)._bbox_post_process

    def note(results, **kwargs):
        factors.append((results.bboxes, results.scores, results.score_factors))
        return process(head, results, **kwargs)

    head._bbox_post_process = note
    alone = model.pseudo_labels.predictions(model.teacher, views[1], views[0])
    for old, new, (boxes, scores, centerness) in zip(product, alone, factors):
        new = new.pred_instances
        assert torch.equal(old.bboxes, new.bboxes)
        assert 'class_scores' not in new
        for box, score, both in zip(new.bboxes, new.scores, old.scores):
            rows = (boxes == box).all(1)
            assert (scores[rows] == score).any()
            assert torch.isclose(scores[rows] * centerness[rows], both).any()
            assert score > both
    assert head._bbox_post_process is note
    with pytest.raises(ValueError, match='Leave out `class_score`'):
        build('retinanet', pseudo_labels=dict(class_score=True))


def test_weights_of_pseudo_labels_grow_with_the_adaptation(float64):
    model, plain = build(burn_in_iters=3, pseudo_policy=dict(weight=0.5, ramp_iters=4))
    inputs, samples = batch(plain)
    found = []
    for step in (3, 4, 6, 9):
        MessageHub.get_current_instance().update_info('iter', step)
        found.append(flat(model.loss(inputs, samples))['target_loss_cls.0'].item())
    last = found[-1]
    assert found == pytest.approx([last / 4, last / 2, last, last])
    expected = flat(plain.loss(inputs['unsup_student'], model.last_pseudo))
    assert last == pytest.approx(0.5 * expected['loss_cls.0'].item())
