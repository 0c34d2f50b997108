"""All photographs of VOC 2007 test and all works of People-Art pass each way once.

Slow: a few minutes. The pictures lie in ``data/``, see docs/data.md.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed

from tests.helpers import ROOT, recorder
from tests.helpers.naive_mix import Known, allowed, is_unmixed, known, readings, said
from tests.helpers.recorder import WAYS

sys.path.insert(0, str(ROOT / 'tools'))
from browsing import browse_mixed

pytestmark = pytest.mark.slow
DATA = {'data/VOCdevkit/VOC2007': 4952, 'data/people_art': 1490}
CLASSES = {
    'data/VOCdevkit/VOC2007': DATASETS.get('VOCDataset').METAINFO['classes'],
    'data/people_art': ('person',),
}
SIZE = (96, 96)
BATCH = 8
SHARE = 0.05  # of the images, which the oracle mixes anew
LOAD = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=SIZE, keep_ratio=True),
]


@pytest.fixture(params=DATA)
def dataset(request, tmp_path) -> dict:
    """The config of a dataset of all images that are there."""
    root = ROOT / request.param
    if not root.exists():
        pytest.skip(f'needs the pictures in {request.param}, see docs/data.md')
    names = sorted(path.stem for path in (root / 'JPEGImages').iterdir())
    assert len(names) == DATA[request.param]
    (tmp_path / 'all.txt').write_text('\n'.join(names))
    return dict(
        type='XMLDataset',
        data_root=str(root),
        ann_file=str(tmp_path / 'all.txt'),
        data_prefix=dict(sub_data_root=''),
        metainfo=dict(classes=CLASSES[request.param]),
        filter_cfg=dict(filter_empty_gt=False),
    )


def run_of(dataset: dict, way: str, strategy: str) -> Config:
    """The loader and the model of a training."""
    both = strategy == 'LossMix'
    pack = dict(type='PackLossMixInputs' if both else 'PackDetInputs')
    mix = dict(type=f'{recorder.name_of(strategy)}Transform')
    augments = None
    if way == 'batch':
        augments = [dict(type=f'Batch{recorder.name_of(strategy)}')]
        data = dict(dataset, pipeline=[*LOAD, dict(type='PackDetInputs')])
    elif way == 'cache':
        data = dict(dataset, pipeline=[*LOAD, mix, pack])
    else:
        data = dict(
            type='MultiImageMixDataset',
            dataset=dict(dataset, pipeline=LOAD),
            pipeline=[mix, pack],
        )
    preprocessor = dict(type='DetDataPreprocessor', batch_augments=augments)
    preprocessor.update(mean=[0, 0, 0], std=[1, 1, 1])
    model = dict(type='Recorder', data_preprocessor=preprocessor)
    if both:
        weighting = 'batch' if way == 'batch' else 'image'
        model = dict(type='LossMixDetector', detector=model, weighting=weighting)
    loader = dict(
        batch_size=BATCH,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=True),
        batch_sampler=dict(type='AspectRatioBatchSampler'),
        dataset=data,
    )
    return Config(dict(model=model, train_dataloader=loader))


def originals_of(dataset: dict) -> dict:
    """By path: the place in a dataset that loads and resizes its images alone."""
    alone = DATASETS.build(dict(dataset, pipeline=LOAD))
    paths = [alone.get_data_info(i)['img_path'] for i in range(len(alone))]
    return dict(images=alone, places={path: i for i, path in enumerate(paths)})


def original(originals: dict, path: str) -> Known:
    return known(originals['images'][originals['places'][path]])


@pytest.mark.parametrize('strategy', ['LossMix', 'Union'])
@pytest.mark.parametrize('way', WAYS)
def test_every_photograph(way, strategy, dataset):
    init_default_scope('mmdet')
    cfg = run_of(dataset, way, strategy)
    originals = originals_of(dataset)
    places = originals['places']
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    model = MODELS.build(cfg.model)
    set_random_seed(0)
    hub, rng = MessageHub.get_current_instance(), np.random.default_rng(0)
    seen, mixed, checked = [], 0, 0
    for iteration, data in enumerate(loader):
        hub.update_info('iter', iteration)
        data = model.data_preprocessor(data, training=True)
        inputs, samples = data['inputs'], data['data_samples']
        assert torch.isfinite(inputs).all()
        for i, sample in enumerate(samples):
            seen.append(sample.img_path)
            info = originals['images'].get_data_info(places[sample.img_path])
            objects = len(sample.gt_instances) + len(sample.ignored_instances)
            assert all(a <= b for a, b in zip(sample.img_shape, inputs.shape[2:]))
            assert max(sample.img_shape) <= max(SIZE)
            boxes = sample.gt_instances.bboxes
            assert torch.isfinite(boxes).all()
            assert (boxes[:, 2:] > boxes[:, :2]).all()
            if strategy == 'Union':
                assert objects >= len(info['instances'])
            else:
                assert objects == len(info['instances'])
            if 'partner' in sample:
                mixed += 1
                partner = sample.partner
                assert partner.img_path != sample.img_path
                assert partner.img_shape == sample.img_shape
                other = originals['images'].get_data_info(places[partner.img_path])
                objects = len(partner.gt_instances) + len(partner.ignored_instances)
                assert objects == len(other['instances'])
            if rng.random() < SHARE:
                checked += 1
                picture = inputs[i].permute(1, 2, 0).double().numpy()
                check(picture, sample, samples[i - 1], originals, way, strategy)
        loss = model.loss(inputs, samples)['loss']
        assert torch.isfinite(loss)
        getattr(model, 'detector', model).seen.clear()
    assert sorted(seen) == sorted(places)
    assert checked > 0.9 * SHARE * len(seen)
    # The first image of a cache, and the last batch if it is of one, have no partner.
    assert strategy == 'Union' or mixed >= len(seen) - 4


def check(picture, sample, before, originals, way, strategy):
    """Mix one image anew; of a batch, with the image before."""
    own = original(originals, sample.img_path)
    if 'partner' in sample:
        other = original(originals, sample.partner.img_path)
        pair, lam = [own, other], sample.mix_lambda
        assert list(readings(picture, 0, pair, way == 'batch', lam))
        assert said(sample) == own.annotations
        assert said(sample.partner) == other.annotations
    elif way == 'batch' and not is_unmixed(picture, own):
        other = original(originals, before.img_path)
        (reading,) = readings(picture, 0, [own, other], True)
        assert said(sample) in allowed(strategy, own, other, reading.lam)
    elif strategy == 'Union':  # nobody says which partner it was
        found = said(sample)[0]
        assert found[: len(own.found)] == own.found


@pytest.mark.parametrize('way', WAYS)
def test_browse_tool(way, dataset, tmp_path):
    cfg = run_of(dataset, way, 'LossMix')
    batches = -(-len(originals_of(dataset)['places']) // BATCH) + 1
    files = browse_mixed(cfg, tmp_path / 'out', number=12, batches=batches)
    report = Path(files[-1]).read_text()
    number = int(report.split('images')[2].split()[0])
    assert number >= len(originals_of(dataset)['places']) - BATCH
    for name in ('mixed.png', 'lambda.png'):
        assert (tmp_path / 'out' / name).stat().st_size > 10000
