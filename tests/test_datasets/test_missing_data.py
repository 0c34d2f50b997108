"""What a user sees who trains without the data: its path; and then what to do."""

import sys

import pytest
from mmengine.runner import Runner

from tests.helpers import ROOT
from tests.helpers.processes import mim, run
from tests.helpers.tiny_configs import load_config

sys.path.insert(0, str(ROOT / 'tools'))
import check_data

# What mmdet opens first, of each kind of data.
FIRST = {
    'voc': 'data/VOCdevkit/VOC2007/ImageSets/Main/trainval.txt',
    'coco': 'data/coco/annotations/instances_train2017.json',
}


def test_mim_train_names_the_missing_file(tmp_path):
    config = ROOT / 'configs/lossmix_fcos_voc.py'
    done = run(mim('train', config, '--gpus', '0', '--work-dir', 'run'), tmp_path)
    assert done.returncode != 0
    message = f"FileNotFoundError: [Errno 2] No such file or directory: '{FIRST['voc']}"
    assert message in done.stdout


@pytest.mark.parametrize('data', FIRST)
def test_dataset_names_the_missing_file(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loader = load_config(f'lossmix_fcos_{data}').train_dataloader
    with pytest.raises(FileNotFoundError, match=FIRST[data]):
        Runner.build_dataloader(loader)


@pytest.mark.parametrize('data', FIRST)
def test_check_data_lists_what_is_missing(data, tmp_path, monkeypatch, capsys):
    (tmp_path / 'data').mkdir()
    monkeypatch.chdir(tmp_path)
    config = ROOT / f'configs/lossmix_fcos_{data}.py'
    monkeypatch.setattr(sys, 'argv', ['check_data.py', str(config)])
    assert check_data.main() == 1
    printed = capsys.readouterr().out
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert f'WRONG   {loader}' in printed
    root = '/'.join(FIRST[data].split('/')[:2])
    assert f'no file {FIRST[data]}' in printed
    assert f'no {root})' in printed
    assert 'set `data_root`' in printed
