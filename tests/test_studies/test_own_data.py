"""A study of the user's own COCO-format data, as docs/studies.md shows it."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from mmdet.registry import DATASETS, MODELS
from rich.console import Console

from studies.check import rate_note
from studies.run_config import build_config
from studies.schema import StudyError
from studies.study import Run, read_study
from studies.workflow import Options, run_study
from tests.helpers import ROOT
from tests.helpers.tiny_coco import write_coco

NAMES = ['person', 'car', 'dog']
RETINANET = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'


@pytest.fixture(scope='module')
def coco(tmp_path_factory):
    """A folder with two files of three classes, numbered as somebody else might."""
    root = write_coco(tmp_path_factory.mktemp('coco'))
    for split in ('train', 'val'):
        path = root / f'annotations/instances_{split}2017.json'
        content = json.loads(path.read_text())
        content['categories'] = sorted(
            (c for c in content['categories'] if c['name'] in NAMES),
            key=lambda c: NAMES.index(c['name']),
        )
        path.write_text(json.dumps(content))
    return {
        split: [f'{root}/annotations/instances_{split}2017.json', f'{root}/{split}2017']
        for split in ('train', 'val')
    }


def config(coco, path=RETINANET, **settings):
    return build_config(Run({}, str(path), settings, {}), {'coco': coco})


@pytest.mark.parametrize(
    'path',
    [
        RETINANET,
        'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
        'mmdet::yolox/yolox_tiny_8xb8-300e_coco.py',
    ],
)
def test_any_detector_on_own_data(coco, path):
    cfg = config(coco, path, strategy='lossmix', seed=1)
    model = MODELS.build(cfg.model)
    heads = [m for m in model.modules() if hasattr(m, 'num_classes')]
    assert {head.num_classes for head in heads} <= {1, 3}  # an RPN has one
    train = 7 if 'yolox' in path else 6  # of which one is empty
    for split, count in (('train', train), ('val', 2), ('test', 2)):
        dataset = DATASETS.build(cfg[f'{split}_dataloader'].dataset)
        assert len(dataset) == count
        assert dataset.metainfo['classes'] == tuple(NAMES)
        assert dataset[0]['inputs'].ndim == 3
    assert cfg.test_evaluator.ann_file == coco['val'][0]
    before = config(coco, path).model.data_preprocessor.get('batch_augments') or []
    assert cfg.model.data_preprocessor.batch_augments[:-1] == before
    assert 'mmdet_lossmix' in cfg.custom_imports.imports


def test_images_beside_the_file(coco):
    cfg = config({**coco, 'test': coco['val'][0]})
    folder = str(Path(coco['val'][0]).parent)
    assert cfg.test_dataloader.dataset.data_prefix.img == f'{folder}/'


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            {'val': 'missing.json'},
            r'give a COCO annotation file .* missing\.json is',
        ),
        ({'val': None}, 'write the same categories in the same order'),
    ],
)
def test_mistakes_are_told(coco, tmp_path, changes, message):
    if 'val' in changes and changes['val'] is None:
        content = json.loads(Path(coco['val'][0]).read_text())
        content['categories'].reverse()
        changes = {'val': str(tmp_path / 'val.json')}
        (tmp_path / 'val.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        config({**coco, **changes})


def test_one_set_is_replaced_not_several(coco):
    with pytest.raises(ValueError, match='name a config with one train set'):
        config(coco, ROOT / 'configs/baseline_fcos_voc.py')


def shown_study():
    """The block of docs/studies.md."""
    text = (ROOT / 'docs/studies.md').read_text()
    (block,) = re.findall(r'```yaml\n(name: mine\n.*?)```', text, re.DOTALL)
    return block


def test_the_shown_study_is_short(tmp_path):
    block = shown_study()
    assert len(block.splitlines()) <= 10
    path = tmp_path / 'mine.yml'
    path.write_text(block)
    axes = read_study(path).axes
    assert {'alpha', 'strategy', 'detector'} <= set(axes)


@pytest.mark.slow
def test_the_shown_study_runs(coco, tmp_path):
    """All of it, with thin detectors and two iterations."""
    block = shown_study()
    for split in ('train', 'val'):
        block = re.sub(
            rf'{split}: [^,}}]*', f'{split}: {json.dumps(coco[split])}', block
        )
    path = tmp_path / 'mine.yml'
    small = {
        'model.backbone.depth': 18, 'model.backbone.base_channels': 8,
        'model.backbone.init_cfg': None, 'model.neck.in_channels': [8, 16, 32, 64],
        'train_cfg.max_epochs': 1,
        'train_dataloader.dataset.pipeline.2.scale': [64, 64],
        'test_dataloader.dataset.pipeline.1.scale': [64, 64],
    }  # fmt: skip
    block = re.sub('overrides: .*', f'overrides: {json.dumps(small)}', block)
    path.write_text(block.replace('[0, 1, 2]', '[0]').replace('union, ', ''))
    options = Options(work_dir=tmp_path / 'work', jobs=2)
    assert run_study(path, options, Console()) == 0
    table = pd.read_csv(tmp_path / 'work/mine/results.csv')
    tests = table[table.split == 'test']
    assert len(tests) == len(list(read_study(path).runs()))
    assert set(table.filter(like='AP_class')) <= {f'AP_class/{n}' for n in NAMES}
    assert table.filter(like='AP_class').shape[1] > 0
    assert tests.torch.notna().all()
    lossmix = tests[tests.strategy == 'lossmix']
    log = tmp_path / 'work/runs' / lossmix.run.iloc[0] / 'train.log'
    assert 'BatchLossMix' in log.read_text()


def test_a_study_that_names_no_kind_of_data(tmp_path):
    path = tmp_path / 'mine.yml'
    path.write_text(f'name: mine\nconfig: {RETINANET}\ndata: {{voc: x}}\n'
                    'axes: {seed: [0]}\n')  # fmt: skip
    with pytest.raises(StudyError, match=r"mine\.yml:3: data.voc: 'voc' is unknown"):
        run_study(path, Options(work_dir=tmp_path), Console(quiet=True))


def test_a_learning_rate_of_other_batches_is_told(coco):
    cfg = config(coco)
    assert '16 images a step, and a step here has 2' in rate_note(cfg, gpus=1)
    assert rate_note(cfg, gpus=8) == ''
    cfg.auto_scale_lr.enable = True
    assert rate_note(cfg, gpus=1) == ''
