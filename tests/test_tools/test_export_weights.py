"""Exported weights load where this package is not imported."""

import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmdet_lossmix.datasets.walk import dicts_in
from tests.helpers import ROOT
from tests.helpers.processes import dump, mim, run
from tests.helpers.tiny_configs import tiny_config

sys.path.insert(0, str(ROOT / 'tools'))

import export_weights as tool

PLAIN = 'mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py'
TOOL = [sys.executable, str(ROOT / 'tools/export_weights.py')]

# Runs with stock mmdet: a config, an image, the export and the training checkpoint.
USE_WEIGHTS = """
import pickle, sys
import torch
from mmdet.apis import DetInferencer, inference_detector, init_detector

config, image, exported, training = sys.argv[1:]
model = init_detector(config, exported, device='cpu')
assert model.dataset_meta['classes'][14] == 'person'
assert len(inference_detector(model, image).pred_instances)
inferencer = DetInferencer(config, exported, device='cpu', show_progress=False)
assert inferencer(image, no_save_vis=True)['predictions'][0]['scores']

if hasattr(torch.serialization, 'get_unsafe_globals_in_checkpoint'):
    import mmengine
    if mmengine.__version__ == '0.10.7':
        try:
            init_detector(config, training, device='cpu')
        except pickle.UnpicklingError as error:
            assert 'Weights only load failed' in str(error)
        else:
            raise AssertionError('stock mmengine reads training checkpoints: no need')
assert 'mmdet_lossmix' not in sys.modules
"""


@pytest.fixture
def training(lossmix_run) -> Path:
    return Path(lossmix_run.work_dir) / 'iter_6.pth'


@pytest.fixture
def exported(training, tmp_path) -> Path:
    out = tmp_path / 'weights.pth'
    tool.export_weights(training, out)
    return out


def test_holds_the_averaged_weights_and_plain_values(training, exported):
    weights = torch.load(exported, weights_only=True)
    before = torch.load(training)
    assert list(weights) == ['meta', 'state_dict']
    assert list(weights['state_dict']) == list(before['state_dict'])
    for key, tensor in before['state_dict'].items():
        assert torch.equal(weights['state_dict'][key], tensor)
    assert weights['state_dict']._metadata == before['state_dict']._metadata
    trained = before['ema_state_dict']['module.rpn_head.rpn_conv.weight']
    assert not torch.equal(weights['state_dict']['rpn_head.rpn_conv.weight'], trained)
    meta = weights['meta']
    assert meta['iter'] == 6
    assert meta['dataset_meta']['classes'][14] == 'person'
    assert set(meta) == set(tool.META_KEYS)


def test_torch_reads_it_without_any_allow_list(exported):
    """Importing torch alone, in a process of its own."""
    code = (
        'import sys, torch; torch.load(sys.argv[1], weights_only=True); '
        'assert "mmengine" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', code, str(exported)], check=True)


def test_stock_mmdet_loads_it(voc_root, training, exported, tmp_path):
    config = dump(tiny_config(PLAIN, voc_root, tmp_path), tmp_path / 'config.py')
    image = next((voc_root / 'VOC2007/JPEGImages').glob('test_*'))
    command = [sys.executable, '-c', USE_WEIGHTS, config, image, exported, training]
    result = run([str(word) for word in command], cwd=tmp_path)
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_mim_test_predicts_the_same(lossmix_run, voc_root, training, tmp_path):
    """LossMix and plain config on the checkpoint; stock mmdet on the export."""
    exported = tmp_path / 'weights.pth'
    done = run([*TOOL, str(training), str(exported)], cwd=tmp_path)
    assert 'averaged weights (EMA) of iteration 6' in done.stdout
    stock = tiny_config(PLAIN, voc_root, tmp_path)
    imports = dict(imports=['mmdet_lossmix'], allow_failed_imports=False)
    plain = tiny_config(PLAIN, voc_root, tmp_path, custom_imports=imports)
    predictions = []
    for name, cfg, weights in [
        ('lossmix', lossmix_run, training),
        ('plain', plain, training),
        ('stock', stock, exported),
    ]:
        config = dump(cfg, tmp_path / f'{name}.py')
        out = tmp_path / f'{name}.pkl'
        work_dir = tmp_path / name
        result = run(
            mim('test', config, '-C', weights, '--work-dir', work_dir, '--out', out),
            cwd=tmp_path,
        )
        assert 'pascal_voc/mAP' in result.stdout, result.stdout
        predictions.append(pickle.loads(out.read_bytes()))
    found = [[image['pred_instances'] for image in images] for images in predictions]
    assert sum(len(instances['scores']) for instances in found[0]) > 0
    for others in found[1:]:
        for ours, theirs in zip(found[0], others):
            assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_overwrites_only_by_force(training, exported):
    exported.write_text('precious')
    with pytest.raises(tool.ExportError, match='pass --force'):
        tool.export_weights(training, exported)
    assert exported.read_text() == 'precious'
    tool.export_weights(training, exported, force=True)
    assert torch.load(exported, weights_only=True)['meta']['iter'] == 6


def test_never_overwrites_the_checkpoint(training):
    with pytest.raises(tool.ExportError, match='is the checkpoint itself'):
        tool.export_weights(training, training, force=True)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'cannot be read'),
        (b'no checkpoint', 'cannot be read'),
        (pickle.dumps(SimpleNamespace), 'cannot be read'),
        ({'weights': 1}, 'no checkpoint of an mmengine training'),
        (torch.zeros(1), 'no checkpoint of an mmengine training'),
        (
            {'meta': {}, 'state_dict': {'student.a': torch.zeros(1)}},
            'choose with --part student',
        ),
    ],
)
def test_refuses_what_it_cannot_export(content, message, tmp_path):
    path, out = tmp_path / 'input.pth', tmp_path / 'out.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(tool.ExportError, match=message):
        tool.export_weights(path, out)
    assert list(tmp_path.iterdir()) == [path]


def test_refuses_a_truncated_checkpoint(training, tmp_path):
    path = tmp_path / 'truncated.pth'
    path.write_bytes(training.read_bytes()[:-5000])
    with pytest.raises(tool.ExportError, match='cannot be read'):
        tool.export_weights(path, tmp_path / 'out.pth')


def test_leaves_nothing_that_stock_torch_refuses(tmp_path):
    out = tmp_path / 'out.pth'
    with pytest.raises(tool.ExportError, match='stock torch would not read'):
        tool.write({'meta': np.float64(1)}, out)
    assert not list(tmp_path.iterdir())


def test_takes_one_part_of_a_teacher_and_its_student():
    both = OrderedDict(
        {'student.a.w': torch.zeros(1), 'teacher.a.w': torch.ones(1)},
    )
    both._metadata = {'teacher.a': {'version': 2}, 'student.a': {'version': 1}}
    with pytest.raises(tool.ExportError, match='a student and a teacher'):
        tool.select_part(both)
    teacher = tool.select_part(both, 'teacher')
    assert teacher == {'a.w': torch.ones(1)}
    assert teacher._metadata == {'a': {'version': 2}}
    with pytest.raises(tool.ExportError, match='holds no teacher'):
        tool.select_part({'a.w': torch.ones(1)}, 'teacher')
    both['teacher_started'] = torch.tensor(True)
    assert tool.select_part(both, 'teacher') == teacher
    both['teacher_started'] = torch.tensor(False)
    with pytest.raises(tool.ExportError, match=r'not started yet.*--part student'):
        tool.select_part(both, 'teacher')
    assert tool.select_part(both, 'student') == {'a.w': torch.zeros(1)}


def test_meta_is_made_plain():
    meta = {'palette': np.array([[1, 2]]), 'classes': (np.str_('a'),), 'n': np.int64(3)}
    plain = tool.plain(meta)
    assert plain == {'palette': [[1, 2]], 'classes': ('a',), 'n': 3}
    kinds = [type(node['n']) for node in dicts_in(plain)]
    assert kinds == [int]
    assert type(plain['classes'][0]) is str


def test_command_says_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['export_weights.py', 'missing.pth', 'out.pth'])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r'^error: there is no file missing\.pth\.$'):
        tool.main()
