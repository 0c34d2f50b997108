"""The reader of mmengine's logs."""

import json

import pytest

from studies.scalars import read_scalars


def write(folder, session, *records, rest=''):
    path = folder / session / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(map(json.dumps, records)) + rest)


def train(step, loss):
    return {'loss': loss, 'time': 0.1, 'step': step}


def test_a_resumed_training_replaces_what_it_repeats(tmp_path):
    validation = {'coco/bbox_mAP': 0.25, 'time': 0.1, 'step': 1}  # by epoch
    write(
        tmp_path, '20260101_000000', train(2, 5.0), train(4, 4.0), validation,
        {'pseudo_class/all': 1.0, 'step': 5}, train(6, 3.0), rest='\n{"loss": 2.5, "st',
    )  # fmt: skip
    write(tmp_path, '20260101_000100', train(6, 3.5), train(8, 2.0))
    write(tmp_path, '20260101_000200', validation)  # a test
    table = read_scalars(tmp_path)
    assert list(zip(table.iteration, table.split)) == [
        (2, 'train'), (4, 'train'), (4, 'val'), (5, 'hook'), (6, 'train'), (8, 'train'),
    ]  # fmt: skip
    losses = table[table.split == 'train'].set_index('iteration').loss
    assert losses.to_dict() == {2: 5.0, 4: 4.0, 6: 3.5, 8: 2.0}
    assert table[table.split == 'val']['coco/bbox_mAP'].item() == 0.25


def test_a_training_started_anew_in_the_same_folder(tmp_path):
    write(tmp_path, '20260101_000000', train(2, 5.0), train(4, 4.0))
    write(tmp_path, '20260101_000100', train(2, 9.0))
    assert read_scalars(tmp_path).loss.tolist() == [9.0]


@pytest.mark.parametrize('folder', ['nothing', '.'])
def test_nothing_logged(tmp_path, folder):
    table = read_scalars(tmp_path / folder)
    assert list(table) == ['iteration', 'split']
    assert table.empty
