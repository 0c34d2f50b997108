"""mmdet's tools and hooks take a wrapper's config as they take the plain one."""

import re
from pathlib import Path

import pytest
import torch
from mmdet.apis import DetInferencer, inference_detector, init_detector
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner

from tests.helpers import ROOT
from tests.helpers.processes import dump, mim, run
from tests.helpers.tiny_configs import iteration_based, tiny_config

PLAIN, WRAPPER = 'baseline_faster_rcnn_voc', 'lossmix_faster_rcnn_voc'


@pytest.fixture(scope='module', params=[PLAIN, WRAPPER])
def config(request, voc_root, tmp_path_factory) -> Path:
    """A shipped config, plain or of the wrapper, made small."""
    folder = tmp_path_factory.mktemp('tools')
    return dump(tiny_config(request.param, voc_root, folder), folder / 'config.py')


@pytest.fixture(scope='module')
def checkpoint(lossmix_run) -> str:
    return str(Path(lossmix_run.work_dir) / 'iter_6.pth')


@pytest.fixture(scope='module')
def image(voc_root) -> str:
    return str(voc_root / 'VOC2007/JPEGImages/test_00.jpg')


@pytest.fixture(scope='module')
def scores(lossmix_run, voc_root, checkpoint, image, tmp_path_factory) -> torch.Tensor:
    """What the plain detector says of the image."""
    cfg = tiny_config(PLAIN, voc_root, tmp_path_factory.mktemp('plain'))
    model = init_detector(cfg, checkpoint, device='cpu')
    return inference_detector(model, image).pred_instances.scores


def test_init_detector(config, checkpoint, image, scores):
    model = init_detector(str(config), checkpoint, device='cpu')
    result = inference_detector(model, image).pred_instances
    assert len(scores) > 0
    assert torch.equal(result.scores, scores)
    assert model.dataset_meta['classes'][0] == 'aeroplane'


def test_init_detector_of_a_config_file():
    """It finds the backbone in the config, and takes the download out of it."""
    config = ROOT / f'configs/{WRAPPER}.py'
    model = init_detector(str(config), checkpoint=None, device='cpu')
    assert type(model).__name__ == 'LossMixDetector'
    assert model.cfg.model.backbone.init_cfg is None


def test_init_detector_of_a_whole_config(voc_root, checkpoint, image, scores, tmp_path):
    cfg = tiny_config(PLAIN, voc_root, tmp_path)
    cfg.model = ConfigDict(type='LossMixDetector', detector=cfg.model)
    with pytest.raises(AttributeError, match='backbone'):  # see docs/transparency.md
        init_detector(cfg, checkpoint, device='cpu')
    model = init_detector(cfg, checkpoint, device='cpu', cfg_options={})
    assert torch.equal(inference_detector(model, image).pred_instances.scores, scores)


def test_det_inferencer(config, checkpoint, image, scores):
    inferencer = DetInferencer(
        str(config), checkpoint, device='cpu', show_progress=False
    )
    result = inferencer(image, no_save_vis=True)['predictions'][0]
    assert torch.equal(torch.tensor(result['scores']), scores)


def test_time_augmentation(config, checkpoint):
    """``mim test mmdet CONFIG CHECKPOINT --tta``, whose code this is."""
    cfg = Config.fromfile(config)
    cfg.load_from = checkpoint
    cfg.tta_model = dict(
        type='DetTTAModel', tta_cfg=dict(nms=dict(type='nms', iou_threshold=0.5))
    )
    cfg.tta_model.tta_cfg.max_per_img = 100
    pipeline = cfg.test_dataloader.dataset.pipeline
    meta_keys = (*pipeline[-1].meta_keys, 'flip', 'flip_direction')
    flips = [dict(type='RandomFlip', prob=prob) for prob in (1.0, 0.0)]
    cfg.test_dataloader.dataset.pipeline = [
        pipeline[0],
        dict(
            type='TestTimeAug',
            transforms=[
                [dict(type='Resize', scale=(96, 64), keep_ratio=True)],
                flips,
                [dict(type='LoadAnnotations', with_bbox=True)],
                [dict(type='PackDetInputs', meta_keys=meta_keys)],
            ],
        ),
    ]
    cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)
    cfg.visualizer.name = cfg.experiment_name = f'tta in {config}'
    assert 0 <= Runner.from_cfg(cfg).test()['pascal_voc/mAP'] <= 1


def trained(voc_root, work_dir, **overrides) -> Runner:
    """A runner that has trained the wrapper for two steps and evaluated it."""
    cfg = tiny_config(
        WRAPPER,
        voc_root,
        work_dir,
        **iteration_based(max_iters=2, save_every=2, val_interval=2, num_workers=0),
    )
    cfg.merge_from_dict(overrides)
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def test_hooks_in_a_run(voc_root, tmp_path):
    hooks = ['NumClassCheckHook', 'SyncNormHook', 'CheckInvalidLossHook', 'EMAHook']
    draw = dict(type='DetVisualizationHook', draw=True, interval=1)
    trained(
        voc_root,
        tmp_path,
        custom_hooks=[dict(type=name) for name in hooks],
        default_hooks=dict(visualization=draw),
    )
    assert list(tmp_path.glob('*/vis_data/vis_image/*.png'))


@pytest.mark.slow
def test_compiled_run_ends_with_the_same_weights(voc_root, tmp_path):
    runners = [
        trained(voc_root, tmp_path / 'plain'),
        trained(voc_root, tmp_path / 'compiled', compile=dict(backend='eager')),
    ]
    assert 'train_step' in vars(runners[1].model)  # the compiled one
    weights, others = (runner.model.state_dict() for runner in runners)
    for key in weights:
        torch.testing.assert_close(weights[key], others[key])


def test_memory_profiler_hook(voc_root, tmp_path):
    pytest.importorskip('memory_profiler')
    pytest.importorskip('psutil')
    hook = dict(type='MemoryProfilerHook', interval=1)
    trained(voc_root, tmp_path, custom_hooks=[hook])
    log = next(tmp_path.glob('*/*.log')).read_text()
    assert 'Memory information' in log


@pytest.mark.slow
def test_get_flops_counts_the_plain_detector(voc_root, tmp_path):
    counts = []
    for name in ('baseline_retinanet_voc', 'lossmix_retinanet_voc'):
        config = dump(tiny_config(name, voc_root, tmp_path), tmp_path / f'{name}.py')
        result = run(mim('run', 'get_flops', config), cwd=tmp_path)
        counts.append(re.findall(r'(?:Flops|Params): \S+', result.stdout))
        assert len(counts[-1]) == 2, result.stdout
    assert counts[0] == counts[1]
