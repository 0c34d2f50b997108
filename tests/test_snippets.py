"""The Python of the pages runs. test_readme.py has their configs and studies."""

import ast
import re
import shutil
from pathlib import Path

import cv2
import pytest
import torch
from mmdet.apis import init_detector
from mmdet.registry import MODELS, TASK_UTILS
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.runner import Runner

from tests.helpers import ROOT
from tests.helpers.batches import mixed_batch
from tests.helpers.clone import export_run, your_config
from tests.helpers.pages import PAGES, blocks_in
from tests.helpers.thin_detectors import thin_model_cfg
from tests.helpers.tiny_configs import tiny_config
from tests.test_readme import CONFIGS, OWN

LANGUAGES = {'', 'bibtex', 'python', 'text', 'yaml'}
SNIPPETS = {
    f'{page.relative_to(ROOT)}-{index}': block
    for page in PAGES
    for index, (language, block) in enumerate(blocks_in(page.read_text('utf-8')))
    if language == 'python' and '_base_ =' not in block
}
HOOKS = re.compile(r'custom_hooks = \[dict|randomness = ')
# Of those that neither are hooks nor run below.
READ_ONLY = {
    'from mmdet.configs': 'it needs a checkout of mmdet; see configs/README.md'
}


def snippet(words: str) -> str:
    """The one that has these words."""
    (found,) = (block for block in SNIPPETS.values() if words in block)
    return found


def test_every_block_has_a_language_and_a_test():
    used = {lang for page in PAGES for lang, _ in blocks_in(page.read_text('utf-8'))}
    assert used <= LANGUAGES
    ran = ('class Halves', 'DetInferencer', 'onnx', 'milestones')
    tested = [snippet(words) for words in ran]
    for name, block in SNIPPETS.items():
        read_only = any(words in block for words in READ_ONLY)
        assert block in tested or HOOKS.match(block) or read_only, name
        ast.parse(block)
    assert CONFIGS


def test_hooks_that_pages_show_work_in_a_run(clone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(clone.parent / 'mine', tmp_path / 'mine')
    cfg = your_config(tmp_path)
    shown = [Config.fromstring(s, '.py') for s in SNIPPETS.values() if HOOKS.match(s)]
    for fragment in shown:
        cfg.merge_from_dict({k: v for k, v in fragment.items() if k != 'custom_hooks'})
    cfg.custom_hooks = [hook for f in shown for hook in f.get('custom_hooks', [])]
    assert {'StopMixingHook', 'StepSeedHook', 'MixVisualizationHook'} == {
        hook.type for hook in cfg.custom_hooks
    }
    cfg.train_cfg.update(max_epochs=3, val_interval=3)
    cfg.work_dir = str(tmp_path / 'run')
    cfg.visualizer.name = cfg.experiment_name = f'hooks in {tmp_path}'
    Runner.from_cfg(cfg).train()
    log = next(Path(cfg.work_dir).glob('*/*.log')).read_text()
    assert 'StopMixingHook' in log
    assert list(Path(cfg.work_dir).rglob('mixed*'))


def test_a_longer_training_is_longer_in_all(tmp_path):
    """Added to a config, the lines of docs/tune.md move its whole schedule."""
    path = tmp_path / 'your_config.py'
    path.write_text(OWN)
    short = Config.fromfile(path)
    path.write_text(OWN + snippet('milestones'))
    longer = Config.fromfile(path)
    assert longer.train_cfg == {**short.train_cfg, 'max_epochs': 36}
    (warm_up, steps), (same, moved) = (
        [{k: v for k, v in s.items() if k != '_scope_'} for s in cfg.param_scheduler]
        for cfg in (short, longer)
    )
    assert same == warm_up
    assert {'by_epoch': True, **moved} == {**steps, 'end': 36, 'milestones': [24, 33]}


@pytest.fixture
def halves():
    """The operator of docs/how_it_works.md, registered."""
    exec(snippet('class Halves'), {})
    hub = MessageHub.get_instance('snippets')  # what a runner tells
    MessageHub._instance_dict.move_to_end('snippets')
    hub.update_info('seed', 3)
    hub.update_info('iter', 0)
    yield dict(type='Halves')
    MessageHub._instance_dict.pop('snippets')
    TASK_UTILS.module_dict.pop('Halves')


def test_an_operator_of_your_own_mixes(halves):
    model = MODELS.build(thin_model_cfg('retinanet'))
    images, samples = mixed_batch(model, [None, None], shapes=[(96, 128)])
    augment = MODELS.build(dict(type='BatchLossMix', operator=halves))
    mixed, samples = augment(images, samples)
    rows = round(samples[0].mix_lambda * images.shape[2])
    assert 0 < rows < images.shape[2]
    assert torch.equal(mixed[:, :, :rows], images[:, :, :rows])
    assert torch.equal(mixed[:, :, rows:], images.roll(1, 0)[:, :, rows:])


def test_inference(clone, tmp_path, monkeypatch):
    shutil.copytree(clone, tmp_path / 'clone', symlinks=True)
    monkeypatch.chdir(tmp_path / 'clone')
    photo = next((clone.parent / 'mine/val').iterdir())
    cv2.imwrite('image.jpg', cv2.imread(str(photo)))
    names: dict = {}
    exec(snippet('DetInferencer'), names)
    assert names['result']['predictions'][0]['scores']


@pytest.mark.slow
@pytest.mark.parametrize('detector', ['fcos', 'retinanet'])
def test_exported_weights_become_onnx(detector, voc_root, tmp_path, monkeypatch):
    """Trained with LossMix, exported, converted, and equal to torch."""
    for package in ('onnx', 'onnxruntime', 'onnxscript'):
        pytest.importorskip(package, reason=f'the conversion needs {package}')
    monkeypatch.chdir(tmp_path)
    short = {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 2}
    cfg = tiny_config(f'lossmix_{detector}_voc', voc_root, tmp_path / 'run', **short)
    Runner.from_cfg(cfg).train()
    export_run(tmp_path / 'run/epoch_1.pth', cfg).dump('plain_config.py')
    names: dict = {}
    exec(snippet('onnx'), names)
    with torch.no_grad():
        expected = names['model'](names['images'])
    expected = [level for maps in expected for level in maps]
    assert len(names['maps']) == len(expected) >= 10
    trained = torch.load('weights.pth', weights_only=True)['state_dict']
    fresh = init_detector('plain_config.py', None, device='cpu')
    fresh.load_state_dict(trained, strict=True)
    for got, want in zip(names['maps'], expected):
        difference = (torch.from_numpy(got) - want).abs().max()
        assert difference < 1e-4 * want.abs().max().clamp(min=1)
