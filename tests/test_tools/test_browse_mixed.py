"""The command, on images in files, with workers."""

import re
import sys

import cv2
import pytest

from tests.helpers import ROOT
from tests.helpers.processes import run

TOOL = ROOT / 'tools' / 'browse_mixed.py'


def browse(config, voc_root, out, *arguments):
    train = 'train_dataloader.dataset.dataset.datasets'
    options = [f'{train}.{i}.data_root={voc_root}/' for i in (0, 1)]
    # Every image comes once: one that comes twice in a batch may stay unmixed.
    options.append('train_dataloader.dataset.times=1')
    words = [sys.executable, TOOL, ROOT / 'configs' / f'{config}.py', '--out', out]
    return run([*map(str, words), *arguments, '--cfg-options', *options], ROOT)


@pytest.mark.parametrize(
    ('config', 'says'),
    [
        ('lossmix_faster_rcnn_voc', 'each strategy keeps'),
        ('union_retinanet_voc', r'Union has mixed \d+% of the images'),
        ('noise_fcos_voc', r'Noise has mixed \d+% of the images'),
        ('baseline_faster_rcnn_voc', 'No image is mixed'),
    ],
)
def test_pictures_and_report(voc_root, tmp_path, config, says):
    done = browse(config, voc_root, tmp_path, '--grid', '1x2', '--batches', '3',
                  '--number', '3')  # fmt: skip
    assert done.returncode == 0, done.stdout
    for name in ('mixed_1.png', 'mixed_2.png', 'lambda.png'):
        assert cv2.imread(str(tmp_path / name)).std() > 0
    report = (tmp_path / 'report.txt').read_text()
    assert report in done.stdout
    # In so small a set the same image may come twice in a batch, and stays unmixed.
    found = re.search(r'with two box sets .*\((\d+)%\)', report)
    assert int(found[1]) >= 50 if 'keeps' in says else found is None
    assert re.search(says, report)
    assert ('each strategy keeps' in report) is ('keeps' in says)
    assert ('lambda                -' in report) is ('No image' in says)


def test_lambda_changes_from_batch_to_batch(voc_root, tmp_path):
    done = browse('lossmix_faster_rcnn_voc', voc_root, tmp_path, '--batches', '4')
    (line,) = [x for x in done.stdout.splitlines() if x.startswith('lambda')]
    low, high = (float(word) for word in line.split('from ')[1].split(' to '))
    assert 0 <= low < high <= 1


def test_names_what_is_missing(tmp_path):
    done = browse('lossmix_faster_rcnn_voc', tmp_path / 'nowhere', tmp_path)
    assert done.returncode == 1
    assert 'nowhere' in done.stdout
    assert '--cfg-options train_dataloader.dataset.dataset.datasets.0' in done.stdout
    assert 'Traceback' not in done.stdout
    done = browse('no_such_config', tmp_path, tmp_path)
    assert done.returncode == 1
    assert 'name a config file' in done.stdout
    assert 'there is no' in done.stdout


def test_refuses_a_grid_that_is_none(voc_root, tmp_path):
    done = browse('lossmix_faster_rcnn_voc', voc_root, tmp_path, '--grid', '3')
    assert done.returncode == 2
    assert 'give rows x columns' in done.stdout
