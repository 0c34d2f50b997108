"""What data, views and branches of an adaptation are refused, and when."""

import json
import random

import numpy as np
import pytest
import torch
from mmdet.datasets import CocoDataset
from mmdet.structures import DetDataSample
from mmengine.dataset import ConcatDataset
from mmengine.runner import Runner

from mmdet_lossmix.datasets.labels import check_labels
from mmdet_lossmix.uda.checks import check_batch, check_before_training, homography
from tests.helpers.thin_detectors import thin_model_cfg
from tests.helpers.tiny_uda import tiny_uda_config


def check(runner):
    check_before_training(runner, runner.model)


def built(voc_root, tmp_path, *strong):
    """The training data, with other transforms in front of the student's view."""
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    target = cfg.train_dataloader.dataset.datasets[1]
    branch = target.pipeline[-1].unsup_student
    target.pipeline[-1].unsup_student = [*strong, *branch]
    return Runner.from_cfg(cfg)


def test_shipped_views_are_the_same_and_nothing_is_drawn(voc_root, tmp_path):
    runner = built(voc_root, tmp_path)
    assert runner.train_loop  # builds it
    assert runner.val_loop
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    expected = random.random(), np.random.rand(), torch.rand(())
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    check(runner)
    assert (random.random(), np.random.rand(), torch.rand(())) == expected


@pytest.mark.parametrize(
    'moves',
    [
        dict(type='RandomAffine'),  # keeps size and homography
        dict(type='RandomShift', prob=0.5),
        dict(type='RandomFlip', prob=0.5),
        dict(type='Resize', scale_factor=0.5),
    ],
    ids=lambda step: step['type'],
)
def test_views_of_which_one_moves_are_refused(moves, voc_root, tmp_path):
    with pytest.raises(ValueError, match=rf'before `MultiBranch`.*{moves["type"]}'):
        built(voc_root, tmp_path, moves).train()


def test_colours_may_differ(voc_root, tmp_path):
    runner = built(voc_root, tmp_path, dict(type='Equalize', prob=1.0))
    check(runner)


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(batch_size=3), r'`batch_size=4` for `per_domain=\[2, 2\]`'),
        (dict(classes=('ship', 'tree')), r'metainfo=dict\(classes.*no common class'),
        (dict(classes=('car', 'bicycle')), r"2 in common: \['car', 'bicycle'\]"),
    ],
)
def test_domains_that_do_not_go_together_are_refused(
    wrong, message, voc_root, tmp_path
):
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    if 'classes' in wrong:
        cfg.val_dataloader.dataset.metainfo = wrong
    else:
        cfg.train_dataloader.update(wrong)
    with pytest.raises(ValueError, match=message):
        check(Runner.from_cfg(cfg))


def test_batches_that_no_domain_sampler_makes_are_refused(voc_root, tmp_path):
    """mmdet's own VOC base has such a `batch_sampler`, which configs inherit."""
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    cfg.train_dataloader.batch_sampler = dict(type='AspectRatioBatchSampler')
    with pytest.raises(ValueError, match=r'batch_sampler=None.*Aspect'):
        check(Runner.from_cfg(cfg))


def test_a_target_that_is_chosen_by_its_labels_is_refused(voc_root, tmp_path):
    cfg = tiny_uda_config('oracle_fcos', voc_root, tmp_path)
    datasets = cfg.train_dataloader.dataset.datasets
    datasets[1] = datasets[0]
    with pytest.raises(ValueError, match=r'UnlabelledDataset.*VOCDataset drops'):
        check(Runner.from_cfg(cfg))
    datasets[1] = dict(datasets[0], test_mode=True)  # which drops none
    cfg.experiment_name += '_of_all'
    check(Runner.from_cfg(cfg))


def test_an_epoch_that_never_ends_is_refused(voc_root, tmp_path):
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)
    runner = Runner.from_cfg(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    with pytest.raises(ValueError, match="type='IterBasedTrainLoop'"):
        check(runner)


def test_outputs_that_the_source_has_no_class_for_are_refused(voc_root, tmp_path):
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    cfg.model.detector.bbox_head.num_classes += 1
    with pytest.raises(ValueError, match=r'`num_classes=5` of `bbox_head`.*not 6'):
        check(Runner.from_cfg(cfg))


def test_every_stage_of_a_cascade_has_the_classes_of_the_source(voc_root, tmp_path):
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    cfg.model.detector = thin_model_cfg('cascade_rcnn')
    for head in cfg.model.detector.roi_head.bbox_head[:2]:
        head.num_classes = 5
    message = r'`num_classes=5` of `roi_head.bbox_head.2`.*not 80'
    with pytest.raises(ValueError, match=message):
        check(Runner.from_cfg(cfg))


@pytest.mark.parametrize('branch', ['sup', 'unsup_teacher', 'unsup_student'])
def test_a_branch_that_no_dataset_fills_is_named(branch, voc_root, tmp_path):
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    for dataset in cfg.train_dataloader.dataset.datasets:
        dataset.pipeline[-1].pop(branch, None)
    with pytest.raises(ValueError, match=rf"fills \['{branch}'\] to `train"):
        check(Runner.from_cfg(cfg))


def test_a_batch_without_a_branch_is_named():
    images = torch.zeros(1, 3, 8, 9)
    for inputs in (dict(sup=images), dict(sup=images, unsup_student=images[:0])):
        with pytest.raises(ValueError, match=r"fills \['unsup_student'\]"):
            check_batch(inputs, {}, ('sup', 'unsup_student'))
    check_batch(dict(sup=images), {}, ('sup',))


def test_a_sampler_without_quotas_is_refused(voc_root, tmp_path):
    """Today a batch has no source, tomorrow no target, and stacking says nothing."""
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    cfg.train_dataloader.pop('sampler')
    cfg.train_dataloader.sampler = dict(type='InfiniteSampler', shuffle=True)
    with pytest.raises(ValueError, match=r"'DomainSampler'.* a InfiniteSampler makes"):
        check(Runner.from_cfg(cfg))


def test_a_second_hook_that_moves_the_teacher_is_refused(voc_root, tmp_path):
    for second in ('TeacherHook', 'MeanTeacherHook'):
        cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
        cfg.custom_hooks.append(dict(type=second))
        with pytest.raises(ValueError, match=f'Leave one TeacherHook of .*{second}'):
            Runner.from_cfg(cfg).train()


def coco(root, order, classes=('car', 'person')):
    """Two objects, a car and a person, in a file that lists classes in an order."""
    numbers = dict(car=1, person=2)
    objects = [
        dict(id=k, image_id=0, category_id=k, bbox=[9, 4, 20, 35], area=700, iscrowd=0)
        for k in numbers.values()
    ]
    content = dict(
        images=[dict(id=0, file_name='a.jpg', width=80, height=60)],
        annotations=objects,
        categories=[dict(id=numbers[name], name=name) for name in order],
    )
    file = root / f'{order[0]}_first.json'
    file.write_text(json.dumps(content))
    return CocoDataset(
        ann_file=str(file),
        data_prefix=dict(img=''),
        metainfo=dict(classes=classes),
        pipeline=[],
    )


def test_coco_files_whose_labels_are_not_the_classes_are_refused(tmp_path):
    right, wrong = (coco(tmp_path, o) for o in (('car', 'person'), ('person', 'car')))
    assert [i['bbox_label'] for i in right.get_data_info(0)['instances']] == [0, 1]
    assert [i['bbox_label'] for i in wrong.get_data_info(0)['instances']] == [1, 0]
    check_labels(right)
    with pytest.raises(ValueError, match=r"'car'\)\)`, in all .*\['car', 'p"):
        check_labels(ConcatDataset([right, wrong]))
    lacking = coco(tmp_path, ('car', 'person'), ('car', 'lorry', 'person'))
    with pytest.raises(ValueError, match=r"that file, \['car', 'person'\], not"):
        check_labels(lacking)


def test_an_adaptation_looks_at_the_labels_of_its_test(voc_root, tmp_path):
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    classes = ('car', 'person')
    for dataset in cfg.train_dataloader.dataset.datasets:
        dataset.metainfo = dict(classes=classes)
    coco(tmp_path, ('person', 'car'))
    cfg.val_dataloader.dataset = dict(
        type='CocoDataset',
        ann_file=str(tmp_path / 'person_first.json'),
        data_prefix=dict(img=''),
        metainfo=dict(classes=classes),
        test_mode=True,
        pipeline=[],
    )
    cfg.model.detector.bbox_head.num_classes = 2
    with pytest.raises(ValueError, match=r'labels follow the order of that file'):
        check(Runner.from_cfg(cfg))


def view(**metainfo):
    return DetDataSample(metainfo=dict(img_path='a.jpg', img_shape=(8, 9), **metainfo))


def test_a_view_says_how_it_came_about_or_is_the_image_itself():
    moved = np.array([[1, 0, 2], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    assert homography(view(homography_matrix=moved)).tolist() == moved.tolist()
    assert torch.equal(homography(view(ori_shape=(8, 9))), torch.eye(3))
    for unknown in ({}, dict(ori_shape=(4, 9)), dict(ori_shape=(8, 9), flip=True)):
        with pytest.raises(ValueError, match='Add `homography_matrix` to `meta_keys`'):
            homography(view(**unknown))


def test_an_image_as_it_is_and_a_moved_one_differ():
    names = 'unsup_teacher', 'unsup_student'
    moved = view(homography_matrix=np.diag([2.0, 1, 1]))
    samples = dict(zip(names, ([view(ori_shape=(8, 9))], [moved])))
    with pytest.raises(ValueError, match='differ in `homography_matrix`'):
        check_batch(dict.fromkeys(names, torch.zeros(1, 3, 8, 9)), samples, names)
