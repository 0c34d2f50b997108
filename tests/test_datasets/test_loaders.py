"""Mixing in the pipeline in real data loaders: nests, samplers, workers, files."""

import gc
import json
from collections import defaultdict
from copy import deepcopy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from benchmarks.epochs import padded_pixels, private_memory, worker_pids
from benchmarks.voc_photos import write_voc_photos
from benchmarks.ways import with_mixing
from mmdet_lossmix.datasets.walk import dicts_in
from tests.helpers import ROOT
from tests.helpers.marks import needs_uint16
from tests.helpers.processes import end_dataloader_workers as end_workers

PLAIN = [dict(type='PackDetInputs')]
LOSSMIX = [dict(type='LossMixTransform'), dict(type='PackLossMixInputs')]
UNION = [dict(type='UnionMixTransform'), dict(type='PackDetInputs')]
NOISE = [dict(type='NoiseMixTransform'), dict(type='PackDetInputs')]
MOVING = ('Resize', 'RandomFlip')
WAYS = pytest.mark.parametrize('in_dataset', [False, True], ids=['cache', 'dataset'])


def shipped(root):
    """RepeatDataset(ConcatDataset(VOC07, VOC12)) and AspectRatioBatchSampler."""
    cfg = Config.fromfile(ROOT / 'configs/baseline_faster_rcnn_voc.py')
    for node in dicts_in(cfg.train_dataloader):
        if 'data_root' in node:
            node.data_root = f'{root}/'
    return cfg.train_dataloader


def class_balanced(root):
    dataloader = shipped(root)
    first = dataloader.dataset.dataset.datasets[0]
    dataloader.dataset = dict(
        type='ClassBalancedDataset', oversample_thr=0.5, dataset=first
    )
    return dataloader


def bccd(root):
    if not (ROOT / 'data/bccd').exists():
        pytest.skip('needs the photographs of BCCD in data/bccd, see docs/data.md')
    cfg = Config.fromfile(ROOT / 'configs/baseline_faster_rcnn_bccd.py')
    dataset = cfg.train_dataloader.dataset.dataset
    dataset.update(data_root=f'{ROOT}/data/bccd/', indices=20)
    cfg.train_dataloader.update(batch_sampler=dict(type='AspectRatioBatchSampler'))
    return cfg.train_dataloader


def build(dataloader, steps, in_dataset=False, num_workers=0, leave_out=MOVING, **more):
    init_default_scope('mmdet')
    cfg = with_mixing(dataloader, steps, in_dataset, leave_out)
    cfg.update(num_workers=num_workers, persistent_workers=num_workers > 0, **more)
    return Runner.build_dataloader(cfg, seed=0)


def samples_of(loader):
    for data in loader:
        yield from zip(data['inputs'], data['data_samples'])


def numbered(loader):
    """Samples and images in order, with the number of their batch in an epoch."""
    for number, data in enumerate(loader):
        for image, sample in zip(data['inputs'], data['data_samples']):
            yield number, sample, image


def targets(sample):
    """Boxes and labels, of objects and of ignored objects."""
    return [
        tensor
        for key in ('gt_instances', 'ignored_instances')
        for tensor in (sample.get(key).bboxes.tensor, sample.get(key).labels)
    ]


def blend(path, partner_path, lam):
    """Equation (1), anew from the files."""
    images = [cv2.imread(path).astype(float) for path in (path, partner_path)]
    shape = np.max([image.shape for image in images], 0)
    padded = [np.full(shape, 114.0) for _ in images]
    for canvas, image in zip(padded, images):
        canvas[: image.shape[0], : image.shape[1]] = image
    return lam * padded[0] + (1 - lam) * padded[1]


@WAYS
@pytest.mark.parametrize('num_workers', [0, 2])
@pytest.mark.parametrize('nest', [shipped, class_balanced, bccd])
def test_lossmix_in_nests(nest, num_workers, in_dataset, voc_root):
    dataloader = nest(voc_root)
    known = {s.img_path: targets(s) for _, s in samples_of(build(dataloader, PLAIN))}
    loader = build(dataloader, LOSSMIX, in_dataset, num_workers)
    mixed = ignored = by_chance = 0
    seen = defaultdict(set)  # every process has its own caches, they last over epochs
    for _ in range(2):
        for number, sample, image in numbered(loader):
            process = number % max(num_workers, 1)
            cache = process, Path(sample.img_path).parent
            others = seen[cache] - {sample.img_path}
            seen[cache].add(sample.img_path)
            if not in_dataset:
                assert bool(others) is ('partner' in sample)
            if 'partner' not in sample:
                by_chance += in_dataset  # drawn for itself twice in a row
                continue
            mixed += 1
            assert sample.img_path != sample.partner.img_path
            path, partner = sample.img_path, sample.partner
            for own, expected in zip(targets(sample), known[path]):
                assert torch.equal(own, expected)
            for other, expected in zip(targets(partner), known[partner.img_path]):
                assert torch.equal(other, expected)
            exact = blend(path, partner.img_path, sample.mix_lambda)
            assert np.abs(image.permute(1, 2, 0).numpy() - exact).max() <= 0.51
            assert sample.img_shape == partner.img_shape == image.shape[1:]
            ignored += len(partner.ignored_instances)
    end_workers(loader)
    assert mixed >= 12
    assert by_chance <= 3
    assert ignored or nest is not shipped


@WAYS
@pytest.mark.parametrize('steps', [UNION, NOISE], ids=['Union', 'Noise'])
def test_union_and_noise_in_workers(steps, in_dataset, voc_root):
    dataloader = shipped(voc_root)
    known = {s.img_path: targets(s) for _, s in samples_of(build(dataloader, PLAIN))}
    loader = build(dataloader, steps, in_dataset, 2)
    more = 0
    for image, sample in samples_of(loader):
        boxes, own = targets(sample)[0], known[sample.img_path][0]
        assert 'partner' not in sample
        assert sample.img_shape == image.shape[1:]
        if steps is UNION:
            assert torch.equal(boxes[: len(own)], own)
            more += len(boxes) > len(own)
        else:
            assert any(
                torch.equal(boxes, boxes_labels[0]) for boxes_labels in known.values()
            )
            more += not torch.equal(boxes, own)
    end_workers(loader)
    assert more


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    """217 images with the sizes of VOC's, a fifth as large."""
    return write_voc_photos(tmp_path_factory.mktemp('photos'), scale=0.2)


def padded_area(photos, steps, in_dataset=False):
    """Mean over three epochs, and the share of batches with both orientations."""
    dataloader = shipped(photos)
    for node in dicts_in(dataloader.dataset):
        if node.get('type') == 'Resize':
            node.scale = (200, 120)
        node.pop('filter_cfg', None)  # its sizes are those of full images
    loader = build(dataloader, steps, in_dataset, 2, leave_out=())
    areas, both_ways = [], []
    for _ in range(3):
        for data in loader:
            shapes = [image.shape[-2:] for image in data['inputs']]
            areas.append(padded_pixels(shapes, 6))  # to 32 pixels, at full size
            both_ways.append(len({width >= height for height, width in shapes}) > 1)
    end_workers(loader)
    return np.mean(areas), np.mean(both_ways)


def test_mixing_keeps_the_padded_area(photos):
    plain, plain_both_ways = padded_area(photos, PLAIN)
    for in_dataset in (False, True):
        mixed, both_ways = padded_area(photos, LOSSMIX, in_dataset)
        assert mixed <= 1.05 * plain, in_dataset
        # The last batch of an epoch takes what is left.
        assert both_ways <= plain_both_ways + 0.02, in_dataset


@WAYS
@pytest.mark.parametrize('poly2mask', [False, True], ids=['polygon', 'bitmap'])
def test_masks_of_a_real_dataset(in_dataset, poly2mask, tmp_path):
    write_coco(tmp_path, [(60, 80), (70, 64), (60, 80), (50, 90)])
    load = [
        dict(type='LoadImageFromFile'),
        dict(
            type='LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=poly2mask
        ),
        dict(type='PackDetInputs'),
    ]
    dataloader = dict(
        batch_size=2,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dict(
            type='CocoDataset',
            data_root=str(tmp_path),
            ann_file='coco.json',
            data_prefix=dict(img=''),
            metainfo=dict(classes=('thing',)),
            pipeline=load,
        ),
    )
    seen = 0
    for steps in (LOSSMIX, UNION):
        for image, sample in samples_of(build(dataloader, steps, in_dataset)):
            halves = [sample, *([sample.partner] if 'partner' in sample else [])]
            for half in halves:
                instances = half.gt_instances
                assert len(instances.masks) == len(instances.bboxes)
                size = (instances.masks.height, instances.masks.width)
                assert size == image.shape[1:]
                box = instances.masks.get_bboxes('hbox').tensor
                assert (box - instances.bboxes.tensor).abs().max() <= 1
                seen += len(instances.masks)
    assert seen > 8


def write_coco(root, shapes):
    """Images (H, W), each with two triangles."""
    entry = dict(images=[], annotations=[], categories=[dict(id=1, name='thing')])
    rng = np.random.default_rng(0)
    for i, (height, width) in enumerate(shapes):
        cv2.imwrite(
            str(root / f'{i}.jpg'), rng.integers(0, 255, (height, width, 3), np.uint8)
        )
        entry['images'].append(
            dict(id=i, file_name=f'{i}.jpg', height=height, width=width)
        )
        for x, y in rng.integers(2, 20, (2, 2)).tolist():
            entry['annotations'].append(
                dict(
                    id=len(entry['annotations']) + 1,
                    image_id=i,
                    category_id=1,
                    iscrowd=0,
                    area=200.0,
                    bbox=[x, y, 20, 20],
                    segmentation=[[x, y, x + 20, y, x, y + 20]],
                )
            )
    (root / 'coco.json').write_text(json.dumps(entry))


@WAYS
@pytest.mark.parametrize(
    ('color_type', 'dtype', 'channels'),
    [
        ('grayscale', np.uint8, 1),
        pytest.param('unchanged', np.uint16, 1, marks=needs_uint16),
        ('color', np.uint8, 3),
    ],
)
def test_grayscale_and_16_bit_files(color_type, dtype, channels, in_dataset, tmp_path):
    root = write_voc_photos(tmp_path, 6, scale=0.3)
    for path in root.glob('*/JPEGImages/*.jpg'):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(dtype)
        scale = np.iinfo(dtype).max // 255
        png = cv2.imencode('.png', image * dtype(scale))[1]
        path.write_bytes(png.tobytes())  # OpenCV goes by what is in a file
    dataloader = deepcopy(shipped(root))
    for node in dicts_in(dataloader.dataset):
        if node.get('type') == 'LoadImageFromFile':
            node.color_type = color_type
    largest = 0
    for image, sample in samples_of(build(dataloader, LOSSMIX, in_dataset)):
        assert image.shape[0] == channels
        assert image.numpy().dtype == dtype
        assert sample.img_shape == image.shape[1:]
        largest = max(largest, int(image.numpy().max()))
    assert largest > np.iinfo(dtype).max // 2


@pytest.mark.slow
def test_workers_do_not_grow(tmp_path):
    """50,000 samples through two persistent workers with caches."""
    root = write_voc_photos(tmp_path, 217, scale=0.1)
    dataloader = shipped(root)
    for node in dicts_in(dataloader.dataset):
        if node.get('type') == 'Resize':
            node.scale = (100, 60)
        node.pop('filter_cfg', None)
    # The first full collection of garbage in a worker writes to every object that it
    # shares with this process, and so copies them, once: no growth, but looks like it.
    gc.collect()
    gc.freeze()
    loader = build(dataloader, LOSSMIX, num_workers=2, leave_out=(), batch_size=8)
    memory = {}
    count = 0
    while count < 50_000:
        count += sum(len(data['inputs']) for data in loader)
        memory[count] = [private_memory(pid) / 2**20 for pid in worker_pids(loader)]
    end_workers(loader)
    gc.unfreeze()
    for n in sorted(memory)[:: len(memory) // 10]:
        print(f'{n} samples: {memory[n][0]:.1f} and {memory[n][1]:.1f} MB of workers')
    early = next(m for n, m in memory.items() if n >= 5_000)
    assert np.max(np.subtract(memory[count], early)) < 3
