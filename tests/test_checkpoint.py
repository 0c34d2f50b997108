"""Training checkpoints load with torch's protection on, also in the plain config."""

import builtins
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner

from mmdet_lossmix.checkpoint import allow_mmengine_checkpoints, buffer_statistic
from tests.helpers.tiny_configs import tiny_config

PLAIN = 'mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py'

needs_protection = pytest.mark.skipif(
    not hasattr(torch.serialization, 'get_unsafe_globals_in_checkpoint'),
    reason='torch < 2.6 is without',
)


@pytest.fixture
def stock_torch():
    """Torch as it is where this package is not imported."""
    allowed = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    yield
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(allowed)


def checkpoint_of(run: Config, name: str = 'iter_6.pth') -> Path:
    return Path(run.work_dir) / name


def names_of(allowed: list) -> set:
    """The names on an allow-list, without data types, which torch does not ask for."""
    names = {
        entry[1]
        if isinstance(entry, tuple)
        else f'{entry.__module__}.{entry.__qualname__}'
        for entry in allowed
    }
    return {name for name in names if not name.startswith('numpy.dtypes.')}


def under_numpy_2(names: set) -> set:
    return {name.replace('numpy.core.', 'numpy._core.') for name in names}


@needs_protection
def test_allow_list_is_exactly_what_mmengine_stores(lossmix_run, stock_torch):
    path = checkpoint_of(lossmix_run)
    stored = set(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    allow_mmengine_checkpoints()
    allowed = names_of(torch.serialization.get_safe_globals())
    assert stored <= allowed
    assert under_numpy_2(allowed) == under_numpy_2(stored)
    torch.load(path, weights_only=True)


@needs_protection
def test_stock_torch_refuses_what_mmengine_stores(lossmix_run, stock_torch):
    with pytest.raises(Exception, match='Weights only load failed'):
        torch.load(checkpoint_of(lossmix_run))


def test_logged_values_come_back(lossmix_run):
    checkpoint = torch.load(checkpoint_of(lossmix_run))
    buffer = checkpoint['message_hub']['log_scalars']['train/loss']
    assert isinstance(buffer, HistoryBuffer)
    assert buffer.data[0].shape == (6,)
    assert buffer.statistics('mean') == pytest.approx(buffer.data[0].mean())


class Malicious:
    """Calls a function when it is unpickled without protection."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@needs_protection
@pytest.mark.parametrize(
    'malicious',
    [
        Malicious(os.mkdir, 'broken_into'),
        Malicious(builtins.eval, '__import__("os").mkdir("broken_into")'),
        Malicious(getattr, np.ndarray, 'tofile'),
        Malicious(getattr, HistoryBuffer, '__init__'),
        Malicious(getattr, HistoryBuffer, 'register_statistics'),
    ],
    ids=['os', 'eval', 'getattr_numpy', 'getattr_init', 'getattr_register'],
)
def test_malicious_checkpoint_is_refused(malicious, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({'meta': {}, 'state_dict': malicious}, 'malicious.pth')
    with pytest.raises(Exception, match='Weights only load failed'):
        torch.load('malicious.pth')
    assert os.listdir(tmp_path) == ['malicious.pth']


def test_getattr_of_a_checkpoint_gives_statistics_only():
    assert buffer_statistic(HistoryBuffer, 'mean') is HistoryBuffer.mean
    for owner, name in [(HistoryBuffer, '__init__'), (torch, 'load'), (dict, 'min')]:
        with pytest.raises(Exception, match='Do not trust this file'):
            buffer_statistic(owner, name)


@pytest.mark.parametrize('name', ['iter_3.pth', 'iter_6.pth'])
def test_lossmix_checkpoint_loads_into_plain_config_strict(
    name, lossmix_run, voc_root, tmp_path
):
    path = checkpoint_of(lossmix_run, name)
    runner = Runner.from_cfg(
        tiny_config(PLAIN, voc_root, tmp_path, experiment_name=f'plain_{name}')
    )
    runner.load_checkpoint(str(path), strict=True)
    averaged = torch.load(path)['state_dict']
    assert_same_weights(runner.model.state_dict(), averaged)


def test_plain_checkpoint_loads_into_lossmix_config_strict(voc_root, tmp_path):
    """And the averages that EMAHook keeps of the wrapper start from it."""
    cfg = tiny_config(PLAIN, voc_root, tmp_path, experiment_name='to_lossmix_plain')
    plain = Runner.from_cfg(cfg).model
    plain.init_weights()
    path = tmp_path / 'plain.pth'
    torch.save({'meta': {}, 'state_dict': plain.state_dict()}, path)
    cfg = tiny_config(
        'lossmix_faster_rcnn_voc',
        voc_root,
        tmp_path,
        custom_hooks=[dict(type='EMAHook')],
        experiment_name='to_lossmix',
    )
    runner = Runner.from_cfg(cfg)
    runner.call_hook('before_run')
    runner.load_checkpoint(str(path), strict=True)
    assert_same_weights(runner.model.state_dict(), plain.state_dict())
    ema_hook = next(h for h in runner.hooks if type(h).__name__ == 'EMAHook')
    assert_same_weights(ema_hook.ema_model.module.state_dict(), plain.state_dict())


def test_load_from_starts_from_the_weights(lossmix_run, voc_root, tmp_path):
    path = checkpoint_of(lossmix_run)
    cfg = tiny_config(
        'baseline_faster_rcnn_voc',
        voc_root,
        tmp_path,
        load_from=str(path),
        experiment_name='load_from',
    )
    runner = Runner.from_cfg(cfg)
    runner.load_or_resume()
    assert_same_weights(runner.model.state_dict(), torch.load(path)['state_dict'])


def assert_same_weights(first: dict, second: dict) -> None:
    assert list(first) == list(second)
    different = [key for key in first if not torch.equal(first[key], second[key])]
    assert not different
