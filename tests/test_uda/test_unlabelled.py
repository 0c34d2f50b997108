"""Images without labels: found, listed, and never annotated."""

import json
import shutil
import sys

import cv2
import numpy as np
import pytest
from mmdet.datasets import CityscapesDataset
from mmdet.registry import DATASETS
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from PIL import ExifTags, Image

from mmdet_lossmix.uda import UnlabelledDataset
from mmdet_lossmix.uda.data.foggy_cityscapes import foggy_name
from tests.helpers import ROOT

sys.path.insert(0, str(ROOT / 'tools'))
from check_data import check

LISTED = dict(
    type='UnlabelledDataset',
    ann_file='VOC2007/ImageSets/Main/test.txt',
    data_prefix=dict(img='VOC2007/JPEGImages'),
)


@pytest.fixture
def annotations_unread(monkeypatch):
    """Reading an annotation file fails."""
    import xml.etree.ElementTree as ET

    def refuse(*args):
        raise AssertionError('read an annotation')

    monkeypatch.setattr(ET, 'parse', refuse)


def test_bare_folder(voc_root, annotations_unread):
    dataset = UnlabelledDataset(
        data_root=str(voc_root), data_prefix=dict(img='VOC2012'), pipeline=[]
    )
    assert len(dataset) == 6  # of a subfolder; annotations and lists are no images
    info = dataset.get_data_info(0)
    assert (info['width'], info['height']) == (90, 120)
    assert dataset.get_data_info(1)['width'] == 120
    assert info['img_path'].endswith('JPEGImages/trainval_00.jpg')
    assert all(dataset.get_data_info(i)['instances'] == [] for i in range(6))


def test_listed_images(voc_root, annotations_unread):
    dataset = DATASETS.build(dict(LISTED, data_root=str(voc_root), pipeline=[]))
    assert len(dataset) == 4
    assert dataset.get_data_info(3)['img_path'].endswith(
        'VOC2007/JPEGImages/test_03.jpg'
    )


def write_images(folder, number):
    folder.mkdir(parents=True)
    for i in range(number):
        cv2.imwrite(str(folder / f'{i}.jpg'), np.zeros((6, 8, 3), np.uint8))


def test_linked_folders_are_read_once_and_hidden_ones_are_not(tmp_path):
    write_images(tmp_path / 'photos/day', 3)
    write_images(tmp_path / 'elsewhere', 5)
    (tmp_path / 'photos/night').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'photos/day/again').symlink_to(tmp_path / 'photos')  # a circle
    write_images(tmp_path / 'photos/.ipynb_checkpoints', 2)
    (tmp_path / 'photos/day/._0.jpg').write_bytes(b'Mac OS X')
    messages = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MMLogger, 'warning', lambda _, text: messages.append(text))
        dataset = UnlabelledDataset(data_root=str(tmp_path / 'photos'), pipeline=[])
    assert len(dataset) == 8
    assert 'Left out 3 hidden images' in messages[0]
    assert '.ipynb_checkpoints/0.jpg' in messages[0]
    only_night = UnlabelledDataset(
        data_root=str(tmp_path / 'photos'), pattern='night/*.jpg', pipeline=[]
    )
    assert len(only_night) == 5


def test_sizes_are_those_of_the_images_as_loaded(tmp_path):
    """Turned as the camera says; and no image is too large to be listed."""
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        file = tmp_path / 'turned' / f'{orientation}.jpg'
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(file, exif=exif)
    load = [dict(type='LoadImageFromFile')]
    dataset = UnlabelledDataset(data_root=str(tmp_path / 'turned'), pipeline=load)
    for i in range(8):
        info = dataset.get_data_info(i)
        assert (info['height'], info['width']) == dataset[i]['img_shape']
    (tmp_path / 'large').mkdir()
    Image.new('1', (14000, 14000)).save(tmp_path / 'large/a.png')
    limit = Image.MAX_IMAGE_PIXELS
    large = UnlabelledDataset(data_root=str(tmp_path / 'large'), pipeline=[])
    assert large.get_data_info(0)['width'] == 14000
    assert limit == Image.MAX_IMAGE_PIXELS


def test_names_with_blanks_and_lists_of_a_class(voc_root, tmp_path):
    images = tmp_path / 'JPEGImages'
    shutil.copytree(voc_root / 'VOC2007/JPEGImages', images)
    (images / 'test_00.jpg').rename(images / 'a photo 1.jpg')
    (tmp_path / 'list.txt').write_text('a photo 1\ntest_01  -1\ntest_02\n\n')
    listed = DATASETS.build(
        dict(
            type='UnlabelledDataset',
            data_root=str(tmp_path),
            ann_file='list.txt',
            data_prefix=dict(img='JPEGImages'),
            pipeline=[],
        )
    )
    paths = [listed.get_data_info(i)['img_path'] for i in range(len(listed))]
    names = ['a photo 1.jpg', 'test_01.jpg', 'test_02.jpg']
    assert [path.split('/')[-1] for path in paths] == names


def test_empty_folder_and_missing_files_are_named(voc_root, tmp_path):
    with pytest.raises(FileNotFoundError, match='Correct `pattern` or the folder'):
        UnlabelledDataset(data_root=str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"matches \['\*\.png'\]"):
        UnlabelledDataset(data_root=str(voc_root), pattern=['*.jpg', '*.png'])
    with pytest.raises(FileNotFoundError, match='to a folder of target images'):
        UnlabelledDataset(data_root=str(tmp_path / 'nowhere'))
    with pytest.raises(FileNotFoundError, match=r'4 of its 4 images .*test_00\.png'):
        DATASETS.build(dict(LISTED, data_root=str(voc_root), suffix='.png'))


def test_check_data_names_what_is_missing_or_misnamed(voc_root, tmp_path):
    init_default_scope('mmdet')
    good = dict(LISTED, data_root=str(voc_root))
    assert check(good)[::2] == (4, [])
    wrong_case = dict(good, data_prefix=dict(img='VOC2007/jpegimages'))
    assert 'jpegimages' in check(wrong_case).problems[0]
    misnamed = dict(good, ann_file='VOC2007/ImageSets/Main/tests.txt')
    assert 'Main/test.txt?' in check(misnamed).problems[0]
    elsewhere = dict(good, data_prefix=dict(img='VOC2012/JPEGImages'))
    assert '4 of its 4' in check(elsewhere).problems[0]


def test_fog_is_in_the_file_name():
    clear = 'val/lindau/lindau_000001_000019_leftImg8bit.png'
    assert foggy_name(clear, '0.02') == (
        'val/lindau/lindau_000001_000019_leftImg8bit_foggy_beta_0.02.png'
    )


def annotated(tmp_path, images, cars=None):
    """Annotations of images, of which all or some show a car."""
    file = tmp_path / 'val.json'
    named = [
        dict(file_name='a_leftImg8bit.png', height=20, width=40, id=i) for i in images
    ]
    boxes = [
        dict(id=i, image_id=i, category_id=26, bbox=[1, 2, 3, 4], area=12, iscrowd=0)
        for i in (images if cars is None else cars)
    ]
    file.write_text(
        json.dumps(
            dict(
                images=named,
                annotations=boxes,
                categories=[dict(id=26, name='car')],
            )
        )
    )
    return file


def test_foggy_cityscapes_drops_an_empty_image_in_every_fog(tmp_path):
    foggy = DATASETS.build(
        dict(
            type='FoggyCityscapesDataset',
            betas=('0.005', '0.01', '0.02'),
            ann_file=str(annotated(tmp_path, range(1, 31), cars=range(2, 31, 2))),
            data_prefix=dict(img=''),
            filter_cfg=dict(filter_empty_gt=True),
            pipeline=[],
        )
    )
    infos = [foggy.get_data_info(i) for i in range(len(foggy))]
    assert len(infos) == 3 * 15 == len({info['img_id'] for info in infos})
    assert all(info['instances'] for info in infos)


def test_foggy_cityscapes_has_every_image_in_every_fog(tmp_path):
    ann_file = annotated(tmp_path, [7])
    options = dict(
        ann_file=str(ann_file), data_prefix=dict(img=''), test_mode=True, pipeline=[]
    )
    kind = dict(type='FoggyCityscapesDataset', betas=('0.005', '0.02'))
    foggy = DATASETS.build(dict(kind, **options))
    clear = CityscapesDataset(**options)
    infos = [foggy.get_data_info(i) for i in range(2)]
    assert [i['img_path'] for i in infos] == [
        'a_leftImg8bit_foggy_beta_0.005.png',
        'a_leftImg8bit_foggy_beta_0.02.png',
    ]
    assert len({i['img_id'] for i in infos}) == 2
    assert [i['instances'] for i in infos] == 2 * [clear.get_data_info(0)['instances']]
    with pytest.raises(ValueError, match='betas'):
        DATASETS.build(dict(kind, betas=('0.03',), **options))
