"""check_data reads what a training reads: no false alarm, no false all-clear."""

import json
import sys

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.fileio import LocalBackend, register_backend
from mmengine.registry import init_default_scope

from tests.helpers import ROOT

sys.path.insert(0, str(ROOT / 'tools'))
import check_data
from check_data import check
from command_line import read_config

BOX = '<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>40</xmax><ymax>40</ymax></bndbox>'
XML = (
    '<annotation><size><width>80</width><height>60</height></size>'
    f'<object><name>car</name>{BOX}</object></annotation>'
)


def voc(folder, names=('a', 'b', 'c'), lines=None, xml=XML, classes=('car',)):
    """A VOC dataset; the annotations of its second image are ``xml``."""
    for name in ('JPEGImages', 'Annotations'):
        (folder / name).mkdir()
    for i, name in enumerate(names):
        image = np.zeros((60, 80, 3), np.uint8)
        cv2.imwrite(str(folder / f'JPEGImages/{name}.jpg'), image)
        text = xml if i == 1 else XML
        (folder / f'Annotations/{name}.xml').write_text(text, encoding='utf-8')
    text = ''.join(f'{name}\n' for name in names) if lines is None else lines
    (folder / 'train.txt').write_text(text)
    return dict(
        type='VOCDataset',
        data_root=str(folder),
        ann_file='train.txt',
        data_prefix=dict(sub_data_root=''),
        metainfo=dict(classes=classes),
        pipeline=[dict(type='LoadImageFromFile')],
    )


def coco(folder, number=3, order=('car', 'dog'), classes=('car', 'dog')):
    """A COCO dataset with an object of each category in each image."""
    names = [f'{i}.jpg' for i in range(number)]
    for name in names:
        cv2.imwrite(str(folder / name), np.zeros((60, 80, 3), np.uint8))
    ids = {name: i for i, name in enumerate(order)}
    boxes = [
        dict(image_id=i, category_id=category, bbox=[5, 5, 30, 30], area=900, iscrowd=0)
        for i in range(number)
        for category in ids.values()
    ]
    content = dict(
        images=[
            dict(id=i, file_name=name, width=80, height=60)
            for i, name in enumerate(names)
        ],
        categories=[dict(id=i, name=name) for name, i in ids.items()],
        annotations=[dict(box, id=i + 1) for i, box in enumerate(boxes)],
    )
    (folder / 'a.json').write_text(json.dumps(content))
    return dict(
        type='CocoDataset',
        data_root=str(folder),
        ann_file='a.json',
        data_prefix=dict(img=''),
        metainfo=dict(classes=classes),
        pipeline=[dict(type='LoadImageFromFile')],
    )


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmdet')


def loads(dataset):
    try:
        return len(DATASETS.build({**dataset, 'pipeline': []})) > 0
    except Exception:
        return False


GOOD = {
    'plain': dict(),
    'names with spaces': dict(names=('New Image (1)', 'New Image (2)')),
    'names that are not ASCII': dict(names=('größe', '写真', 'c')),
    'difficult is yes or no': dict(
        xml=XML.replace('</name>', '</name><difficult>1</difficult>')
    ),
}
BAD_LISTS = {
    'a blank line at the end': dict(lines='a\nb\n\n'),
    'a list of one class': dict(lines='a  1\nb -1\n'),
    'an empty list': dict(lines=''),
}
BAD_XML = {
    'empty': '',
    'cut off': XML[:60],
    'words for difficult': XML.replace(
        '</name>', '</name><difficult>Unspecified</difficult>'
    ),
    'rotated boxes': XML.replace('bndbox', 'robndbox'),
    'a size that is no whole number': XML.replace('>80<', '>80.0<'),
}


@pytest.mark.parametrize('case', GOOD)
def test_what_mmdet_reads_is_right(case, tmp_path):
    dataset = voc(tmp_path, **GOOD[case])
    assert loads(dataset)
    report = check(dataset)
    assert report.problems == []
    assert report.objects == {'car': report.images}


@pytest.mark.parametrize('case', BAD_LISTS)
def test_lists_that_mmdet_cannot_read(case, tmp_path):
    dataset = voc(tmp_path, **BAD_LISTS[case])
    assert not loads(dataset)
    assert check(dataset).problems


@pytest.mark.parametrize('case', BAD_XML)
def test_annotations_that_mmdet_cannot_read_are_named(case, tmp_path):
    dataset = voc(tmp_path, xml=BAD_XML[case])
    assert not loads(dataset)
    (problem,) = check(dataset).problems
    assert 'Annotations/b.xml' in problem


def test_images_that_are_missing_or_none(tmp_path):
    dataset = coco(tmp_path, number=6)
    (tmp_path / '4.jpg').rename(tmp_path / '4.JPG')
    (tmp_path / '5.jpg').unlink()
    (tmp_path / '0.jpg').write_bytes(b'')
    missing, broken = check(dataset).problems
    assert missing.startswith('2 of 6 images are missing')
    assert '4.jpg, is it' in missing
    assert '4.JPG?' in missing
    assert broken.startswith('1 of 6 files are no images')
    assert '0.jpg' in broken


def test_a_folder_in_another_case(tmp_path):
    dataset = voc(tmp_path)
    (tmp_path / 'Annotations').rename(tmp_path / 'annotations')
    (problem,) = check(dataset).problems
    assert 'Annotations/a.xml' in problem


def test_a_misspelt_class_shifts_the_labels_of_coco(tmp_path):
    (problem,) = check(coco(tmp_path, classes=('car', 'Dog'))).problems
    assert "['car', 'Dog']" in problem


def test_a_misspelt_class_of_voc_has_no_object(tmp_path, capsys, monkeypatch):
    dataset = voc(tmp_path, classes=('car', 'Dog'))
    config = tmp_path / 'config.py'
    config.write_text(f'train_dataloader = dict(dataset={dataset})')
    monkeypatch.setattr(sys, 'argv', ['check_data.py', str(config)])
    assert check_data.main() == 0
    printed = capsys.readouterr().out
    assert 'objects: car 3, Dog 0' in printed
    assert 'no object of Dog; is a name in `classes` misspelt?' in printed


@pytest.mark.parametrize(
    ('model', 'status', 'said'),
    [
        (dict(type='A', bbox_head=dict(type='FCOSHead', num_classes=2)), 0, None),
        (dict(type='A', rpn_head=dict(type='RPNHead', num_classes=1)), 0, None),
        (
            dict(
                type='LossMixDetector', detector='FCOS', bbox_head=dict(num_classes=1)
            ),
            1,
            'WRONG   model: set num_classes=2 in a head. It is 1, and the data have 2',
        ),
        (
            dict(roi_head=dict(bbox_head=[dict(type='Shared', num_classes=80)] * 2)),
            1,
            'WRONG   model: set num_classes=2 in Shared. It is 80',
        ),
        (dict(language_model={}, bbox_head=dict(num_classes=256)), 0, None),
    ],
)
def test_heads_count_the_classes_of_the_data(
    model, status, said, tmp_path, capsys, monkeypatch
):
    dataset = coco(tmp_path)
    config = tmp_path / 'config.py'
    config.write_text(f'model = {model}\ntrain_dataloader = dict(dataset={dataset})')
    monkeypatch.setattr(sys, 'argv', ['check_data.py', str(config)])
    assert check_data.main() == status
    printed = capsys.readouterr().out
    assert (said or 'ok') in printed
    assert ('num_classes' in printed) == (said is not None)


BASE = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        (None, r'name a config file .*there is no .*mine\.py, is it .*mine2\.py\?'),
        ('x = (', 'mend .*mine.py: SyntaxError'),
        (f'_base_ = {BASE[:-4]!r}', 'mend .*mine.py: FileNotFoundError: .*_1x_co'),
        (f'_base_ = {BASE!r}\nx = _base_.nope', 'mend .*mine.py: .*nope'),
    ],
)
def test_a_config_that_is_none(tmp_path, text, told):
    for name in ('mine2.py', 'zebra.py'):
        (tmp_path / name).touch()
    if text:
        (tmp_path / 'mine.py').write_text(text)
    with pytest.raises(SystemExit, match=told):
        read_config(tmp_path / 'mine.py')
    with pytest.raises(SystemExit, match=r'there is no .*[\\/]quite_other\.py$'):
        read_config(tmp_path / 'quite_other.py')  # nothing here has such a name


def test_coco_numbers_classes_by_its_own_order(tmp_path):
    assert check(coco(tmp_path)).problems == []
    (problem,) = check(coco(tmp_path, order=('dog', 'car'))).problems
    assert "['dog', 'car']" in problem


def test_images_behind_another_file_backend_are_not_sought_on_the_disk(tmp_path):
    """As with petrel's path_mapping: paths that are nowhere on the disk."""

    class Elsewhere(LocalBackend):
        def exists(self, filepath):
            return str(filepath).startswith('far/')

    register_backend('elsewhere', Elsewhere, force=True)
    dataset = coco(tmp_path)
    dataset['data_prefix'] = dict(img='')
    dataset['pipeline'][0]['backend_args'] = dict(backend='elsewhere')
    (problem,) = check(dataset).problems
    assert problem.startswith('3 of 3 images are missing')  # not under far/
    content = json.loads((tmp_path / 'a.json').read_text())
    (tmp_path / 'b.json').write_text(json.dumps(content))
    far = {**dataset, 'ann_file': str(tmp_path / 'a.json'), 'data_root': None}
    far['data_prefix'] = dict(img='far/')
    assert check(far).problems == []
