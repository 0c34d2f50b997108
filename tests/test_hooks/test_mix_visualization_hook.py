"""Pictures of the batches that are trained on, and the training that they leave be."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdet_lossmix.hooks import mix_visualization_hook
from tests.helpers.tiny_configs import tiny_config

run_number = itertools.count()
HOOK = dict(type='MixVisualizationHook', interval=2)


@HOOKS.register_module()
class RecordState(Hook):
    """Keeps the weights and the state of the random generators at the end."""

    def before_train(self, runner):
        runner.calls, preprocess = 0, runner.model.data_preprocessor.forward

        def counting(*args, **kwargs):
            runner.calls += 1
            return preprocess(*args, **kwargs)

        runner.model.data_preprocessor.forward = counting

    def after_train(self, runner):
        runner.state = [*runner.model.state_dict().values(), torch.get_rng_state()]
        runner.state.append(torch.from_numpy(np.random.get_state()[1].astype(np.int64)))


def train(root: Path, work_dir: Path, hooks: list, **overrides) -> Runner:
    """Six iterations of a thin FCOS with BatchLossMix, two images each."""
    cfg = tiny_config('lossmix_fcos_voc', root, work_dir)
    cfg.custom_hooks = [dict(type='RecordState'), *hooks]
    cfg.experiment_name = f'mix_visualization_{next(run_number)}'
    cfg.visualizer.name = cfg.experiment_name
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.checkpoint.update(interval=1000, save_last=False)
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.merge_from_dict(overrides)
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


@pytest.fixture(scope='module')
def drawn(voc_root, tmp_path_factory):
    """A run, and what it has drawn: the samples, and their images as RGB."""
    samples, images = [], []
    draw = mix_visualization_hook.to_rgb_images

    def recording(inputs, data_samples, data_preprocessor):
        samples.extend(data_samples)
        images.extend(draw(inputs, data_samples, data_preprocessor))
        return images[-len(data_samples) :]

    backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mix_visualization_hook, 'to_rgb_images', recording)
        work_dir = tmp_path_factory.mktemp('drawn')
        overrides = {'visualizer.vis_backends': backends}
        runner = train(voc_root, work_dir, [HOOK], **overrides)
    return runner, samples, images


def test_training_is_the_same_without_it(drawn, voc_root, tmp_path):
    runner, *_ = drawn
    other = train(voc_root, tmp_path, [])
    assert len(runner.state) == len(other.state) > 100
    assert all(map(torch.equal, runner.state, other.state))
    assert runner.calls == other.calls == 6
    assert not runner.model.data_preprocessor._forward_hooks


def test_pictures_of_every_second_iteration(drawn):
    runner, samples, _ = drawn
    folder = Path(runner.visualizer.get_backend('LocalVisBackend')._img_save_dir)
    assert {x.name for x in folder.iterdir()} == {f'mixed_{i}.png' for i in (1, 3, 5)}
    pictures = [cv2.imread(str(x)) for x in folder.iterdir()]
    assert all(picture.std() > 10 for picture in pictures)
    assert len(samples) == 6
    assert all('partner' in sample for sample in samples)


def test_tensorboard_gets_them(drawn):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing import event_accumulator

    (path,) = Path(drawn[0].work_dir).glob('*/vis_data/events*')
    events = event_accumulator.EventAccumulator(str(path)).Reload()
    assert [event.step for event in events.Images('mixed')] == [1, 3, 5]


def test_images_are_blends_of_the_batch(drawn, voc_root):
    """lambda * own + (1 - lambda) * the one before, as BatchLossMix has it."""
    _, samples, images = drawn
    files = {}
    for sample in samples:
        image = cv2.imread(sample.img_path)[:, :, ::-1]
        height, width = sample.ori_shape
        scale = min(96 / max(height, width), 64 / min(height, width))
        size = int(width * scale + 0.5), int(height * scale + 0.5)
        image = cv2.resize(np.ascontiguousarray(image), size)
        files[sample.img_path] = image[:, ::-1] if sample.flip else image
    for first, second in zip(range(0, 6, 2), range(1, 6, 2)):
        sample, image = samples[first], images[first].astype(float)
        own, other = (files[samples[i].img_path] for i in (first, second))
        height, width = np.minimum(own.shape, other.shape)[:2]
        blend = sample.mix_lambda * own[:height, :width].astype(float)
        blend += (1 - sample.mix_lambda) * other[:height, :width]
        assert np.abs(image[:height, :width] - blend).max() < 1.01


@pytest.mark.parametrize(
    'arguments',
    [
        dict(interval=0),
        dict(interval=1.5),
        dict(interval='x'),
        dict(interval=True),
        dict(grid=(0, 4)),
        dict(grid=(2, 4.5)),
        dict(grid=(2, True)),
        dict(grid=(4,)),
        dict(grid=4),
        dict(grid='ab'),
    ],
    ids=str,
)
def test_refuses_arguments(arguments):
    (name,) = arguments
    with pytest.raises((TypeError, ValueError), match=f'Set `{name}` to'):
        HOOKS.build(dict(type='MixVisualizationHook', **arguments))
