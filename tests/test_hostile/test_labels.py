"""A misspelt class is named at the start of any run, whatever it mixes with."""

import json
import logging
import time

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmdet_lossmix.datasets import labels
from mmdet_lossmix.datasets.labels import check_labels
from tests.helpers import recorder  # noqa: F401  registers a model
from tests.helpers.processes import end_workers

pytestmark = pytest.mark.usefixtures('unformatted_configs')
NAMES = ('bus', 'car', 'truck')
RIGHT, MISSPELT, LAST = NAMES, ('bus', 'Car', 'truck'), ('bus', 'car', 'Truck')
LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True)]
IMAGES = 4
OBJECT = (
    '<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>5</ymin><xmax>{}</xmax>'
    '<ymax>40</ymax></bndbox></object>'
)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Images with an object of each class, annotated in both formats."""
    folder = tmp_path_factory.mktemp('classes')
    objects = ''.join(
        OBJECT.format(name, 40 * i + 5, 40 * i + 30) for i, name in enumerate(NAMES)
    )
    size = '<size><width>120</width><height>60</height></size>'
    for i in range(IMAGES):
        cv2.imwrite(str(folder / f'{i}.jpg'), np.full((60, 120, 3), 20 * i, np.uint8))
        xml = f'<annotation>{size}{objects}</annotation>'
        (folder / f'{i}.xml').write_text(xml, encoding='utf-8')
    numbers = ''.join(f'{i}\n' for i in range(IMAGES))
    (folder / 'train.txt').write_text(numbers, encoding='utf-8')
    write_coco(folder / 'a.json')
    return folder


def write_coco(path, order=NAMES, after=()):
    ids = {name: i for i, name in enumerate(NAMES)}
    boxes = [
        dict(image_id=i, category_id=k, bbox=[40 * k + 5, 5, 25, 35], area=9, iscrowd=0)
        for i in range(IMAGES)
        for k in range(len(NAMES))
    ]
    sizes = dict(width=120, height=60)
    images = [dict(id=i, file_name=f'{i}.jpg', **sizes) for i in range(IMAGES)]
    content = dict(
        images=images,
        categories=[dict(id=ids[name], name=name) for name in order],
        annotations=[dict(box, id=i) for i, box in enumerate(boxes)],
        **dict(after),
    )
    path.write_text(json.dumps(content), encoding='utf-8')
    return path


def coco(root, classes, **more):
    return dict(
        type='CocoDataset',
        data_root=str(root),
        ann_file='a.json',
        data_prefix=dict(img=''),
        metainfo=dict(classes=classes),
        **more,
    )


def voc(root, classes, **more):
    return dict(
        type='XMLDataset',
        data_root=str(root),
        ann_file='train.txt',
        img_subdir='',
        ann_subdir='',
        data_prefix=dict(sub_data_root=''),
        metainfo=dict(classes=classes),
        **more,
    )


def concat(dataset):
    return dict(type='ConcatDataset', datasets=[dataset, dataset])


WRAPPERS = {
    'none': lambda dataset: dataset,
    'lazy': lambda dataset: dict(dataset, lazy_init=True),
    'repeated': lambda dataset: dict(type='RepeatDataset', times=2, dataset=dataset),
    'united': concat,
    'balanced': lambda dataset: dict(
        type='ClassBalancedDataset', oversample_thr=1e-3, dataset=dataset
    ),
    'nested': lambda dataset: dict(
        type='RepeatDataset', times=1, dataset=concat(dataset)
    ),
}
WAYS = ('cache', 'worker', 'dataset', 'batch', 'union', 'hook')


def run_of(dataset, way, work_dir, wrap='none', val=None):
    """A run of one epoch whose images are mixed in some way; with a hook, in none."""
    mix = dict(type='UnionMixTransform' if way == 'union' else 'LossMixTransform')
    pack = dict(type='PackDetInputs' if way == 'union' else 'PackLossMixInputs')
    steps = [mix, pack]
    if way in ('batch', 'hook'):
        steps = [dict(type='PackDetInputs')]
    if way == 'dataset':
        inner = WRAPPERS[wrap](dict(dataset, pipeline=LOAD))
        data = dict(type='MultiImageMixDataset', dataset=inner, pipeline=steps)
    else:
        data = WRAPPERS[wrap](dict(dataset, pipeline=[*LOAD, *steps]))
    augments = [dict(type='BatchLossMix')] if way == 'batch' else None
    model = dict(
        type='Recorder',
        data_preprocessor=dict(type='DetDataPreprocessor', batch_augments=augments),
    )
    if way not in ('union', 'hook'):
        weighting = 'batch' if way == 'batch' else 'image'
        model = dict(type='LossMixDetector', detector=model, weighting=weighting)
    sampler = dict(type='DefaultSampler', shuffle=False)
    loader = dict(batch_size=2, num_workers=int(way == 'worker'), sampler=sampler)
    cfg = dict(
        default_scope='mmdet',
        work_dir=str(work_dir),
        model=model,
        train_dataloader=dict(loader, dataset=data),
        train_cfg=dict(by_epoch=True, max_epochs=1, val_begin=9),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        custom_hooks=[dict(type='StepSeedHook')] if way == 'hook' else [],
        default_hooks=dict(checkpoint=None),
        experiment_name=f'labels in {work_dir}',
    )
    if val is not None:
        val = dict(val, pipeline=[*LOAD, dict(type='PackDetInputs')], test_mode=True)
        cfg['val_dataloader'] = dict(loader, dataset=val)
        cfg['val_evaluator'] = dict(type='DumpResults', out_file_path='unused.pkl')
        cfg['val_cfg'] = {}
    return Runner.from_cfg(Config(cfg))


def train(runner):
    try:
        runner.train()
    finally:
        end_workers(runner)
    return runner.model.seen


def warnings_in(work_dir):
    text = ''.join(f.read_text(encoding='utf-8') for f in work_dir.rglob('*.log'))
    return [line for line in text.splitlines() if 'WARNING - Check the' in line]


@pytest.mark.parametrize(
    ('way', 'classes'), [*((way, MISSPELT) for way in WAYS), ('batch', LAST)]
)
def test_coco_is_refused_before_the_first_step(way, classes, root, tmp_path):
    runner = run_of(coco(root, classes), way, tmp_path)
    wrong = (set(classes) - set(NAMES)).pop()
    right = (set(NAMES) - set(classes)).pop()
    message = rf"Spell \['{wrong}'\] in `classes` as in \['{right}'\]"
    with pytest.raises(ValueError, match=message):
        train(runner)
    assert not runner.model.seen


@pytest.mark.parametrize(
    ('way', 'wrap'), [*(('batch', wrap) for wrap in WRAPPERS), ('dataset', 'nested')]
)
def test_coco_in_any_nest_is_refused(way, wrap, root, tmp_path):
    with pytest.raises(ValueError, match=r'Spell .*Car'):
        train(run_of(coco(root, MISSPELT), way, tmp_path, wrap))


@pytest.mark.parametrize('way', ['batch', 'hook'])
def test_labels_of_the_validation_are_those_of_the_training(way, root, tmp_path):
    write_coco(root / 'b.json', order=NAMES[::-1])
    other = dict(coco(root, RIGHT), ann_file='b.json')
    with pytest.raises(ValueError, match=r"'bus'\)\)`, in all datasets.*b\.json"):
        train(run_of(coco(root, RIGHT), way, tmp_path, val=other))


@pytest.mark.parametrize(
    ('way', 'kind'), [*((way, voc) for way in WAYS), ('batch', coco)]
)
def test_what_is_spelt_right_trains_without_a_word(way, kind, root, tmp_path):
    seen = train(run_of(kind(root, RIGHT), way, tmp_path, val=coco(root, RIGHT)))
    assert seen
    assert not warnings_in(tmp_path)


@pytest.mark.parametrize('wrap', WRAPPERS)
def test_voc_is_warned_of_once_with_counts(wrap, root, tmp_path):
    train(run_of(voc(root, MISSPELT), 'batch', tmp_path, wrap))
    (warning,) = warnings_in(tmp_path)
    count = IMAGES * (2 if wrap in ('united', 'nested') else 1)
    assert "spelling of ['Car'] in `classes`" in warning
    assert str({'bus': count, 'Car': 0, 'truck': count}) in warning


@pytest.mark.parametrize('way', ['cache', 'worker', 'dataset', 'union', 'hook'])
def test_voc_is_warned_of_however_it_is_mixed(way, root, tmp_path):
    train(run_of(voc(root, MISSPELT), way, tmp_path))
    assert len(warnings_in(tmp_path)) == 1


def test_a_class_that_one_of_two_datasets_lacks_is_no_mistake(root, tmp_path):
    """As in a set made of parts, of which one is small."""
    (root / 'one.xml').write_text(
        '<annotation><size><width>120</width><height>60</height></size>'
        f'{OBJECT.format("bus", 5, 30)}</annotation>',
        encoding='utf-8',
    )
    cv2.imwrite(str(root / 'one.jpg'), np.zeros((60, 120, 3), np.uint8))
    (root / 'small.txt').write_text('one\n', encoding='utf-8')
    small = dict(voc(root, RIGHT), ann_file='small.txt', pipeline=[])
    init_default_scope('mmdet')
    both = [small, voc(root, RIGHT, pipeline=[])]
    dataset = DATASETS.build(dict(type='ConcatDataset', datasets=both))
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, 'print_log', lambda text, **_: said.append(text))
        labels.warn_of_classes_without_object(dataset)
        assert not said
        labels.warn_of_classes_without_object(dataset.datasets[0])
    assert "{'bus': 1, 'car': 0, 'truck': 0}" in said[0]


@pytest.mark.parametrize(
    'after',
    [
        dict(info=dict(categories=[1, 2])),
        dict(info=dict(categories='three')),
        dict(groups=[dict(categories=[dict(id=9, name='vehicle')])]),
        dict(info=dict(note='the "categories" are [three]')),
    ],
)
def test_other_categories_in_a_coco_file(after, root):
    init_default_scope('mmdet')
    path = write_coco(root / 'other.json', after=after.items())
    for classes in (RIGHT, MISSPELT):
        dataset = DATASETS.build(
            dict(coco(root, classes, pipeline=[]), ann_file=str(path))
        )
        if classes == RIGHT:
            check_labels(dataset)
        else:
            with pytest.raises(ValueError, match=r'Spell .*Car'):
                check_labels(dataset)


def test_a_look_at_20_000_annotations_takes_a_second_at_most(root, monkeypatch):
    """Of VOC, where a class is misspelt and all have to be counted, and of COCO."""
    init_default_scope('mmdet')
    of_voc = DATASETS.build(voc(root, MISSPELT, pipeline=[]))
    infos = [of_voc.get_data_info(i % IMAGES) for i in range(30_000)]
    of_voc.data_list = infos
    of_voc.data_bytes, of_voc.data_address = of_voc._serialize_data()
    of_voc.data_list.clear()
    of_coco = DATASETS.build(coco(root, RIGHT, pipeline=[]))
    content = json.loads((root / 'a.json').read_text(encoding='utf-8'))
    content['annotations'] = content['annotations'] * 2_000
    path = root / 'large.json'
    path.write_text(json.dumps(content), encoding='utf-8')
    of_coco.ann_file = str(path)
    said = []
    monkeypatch.setattr(labels, 'print_log', lambda text, **_: said.append(text))
    for look, dataset in (
        (labels.warn_of_classes_without_object, of_voc),
        (check_labels, of_coco),
    ):
        start = time.process_time()
        look(dataset)
        taken = time.process_time() - start
        logging.getLogger(__name__).info('%s: %.2f s', look.__name__, taken)
        assert taken < 1.0
    assert str(dict(bus=15_000, Car=0, truck=15_000)) in said[0]
