"""Parts of a training set: deterministic for each image, whatever wraps what."""

from collections import Counter

import pytest
from mmdet.registry import DATASETS

from studies.parts.subsets import DataFraction, HeldOut, LongTailed
from studies.run_config import build_config
from studies.study import Run

CLASSES = ('often', 'sometimes', 'seldom')


class Images:
    """Annotations of many images; class c is on every third image of those of c - 1."""

    def __init__(self, order):
        self.metainfo = dict(classes=CLASSES)
        self.order = list(order)

    def full_init(self):
        pass

    def get_data_info(self, i):
        image = self.order[i]
        label = 0 if image % 3 else 1 if image % 9 else 2
        return dict(img_id=f'{image:04}', instances=[dict(bbox_label=label)])

    def __getitem__(self, i):
        return self.get_data_info(i)

    def __len__(self):
        return len(self.order)


def images(dataset):
    return {dataset.get_data_info(i)['img_id'] for i in range(len(dataset))}


@pytest.mark.parametrize('fraction', [0.05, 0.25, 1])
def test_fraction(fraction):
    part = DataFraction(Images(range(900)), fraction)
    assert len(part) == round(900 * fraction)
    assert {entry['img_id'] for entry in map(part.__getitem__, range(len(part)))} == (
        images(part)
    )
    other_order = DataFraction(Images(reversed(range(900))), fraction)
    assert images(part) == images(other_order)
    assert images(part) <= images(DataFraction(Images(range(900)), 1))
    if fraction < 1:
        assert images(part) != images(
            DataFraction(Images(range(900)), fraction, seed=1)
        )
        assert images(part) < images(DataFraction(Images(range(900)), 0.5))


def test_long_tail():
    def count(factor):
        dataset = LongTailed(Images(range(9000)), factor)
        return Counter(
            dataset.get_data_info(i)['instances'][0]['bbox_label']
            for i in range(len(dataset))
        )

    before, ten, hundred = count(1), count(10), count(100)
    assert before == {0: 6000, 1: 2000, 2: 1000}
    assert ten[0] == hundred[0] == 6000
    assert ten[1] / 2000 == pytest.approx(10**-0.5, rel=0.1)
    assert ten[2] / 1000 == pytest.approx(0.1, rel=0.3)
    assert hundred[2] / 1000 == pytest.approx(0.01, abs=0.01)
    smaller = LongTailed(Images(range(9000)), 100)
    assert images(smaller) < images(LongTailed(Images(range(9000)), 10))


def test_around_voc_and_in_repeat_dataset(voc_root):
    voc = dict(
        type='VOCDataset',
        data_root=f'{voc_root}/',
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        pipeline=[dict(type='LoadImageFromFile')],
    )
    half = dict(type='DataFraction', fraction=0.5, dataset=voc)
    tail = dict(type='LongTailed', factor=1, dataset=half)
    dataset = DATASETS.build(dict(type='RepeatDataset', times=2, dataset=tail))
    assert len(dataset) == 2 * 3
    assert dataset[0]['img_id'] == dataset[3]['img_id']
    assert dataset[0]['img'].ndim == 3
    assert len(dataset.metainfo['classes']) == 20
    with pytest.raises(ValueError, match='leaves none'):
        DATASETS.build({**half, 'fraction': 0.01})


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (
            lambda: DataFraction(Images([1]), 0),
            r'`fraction` .*\(0, 1\], not 0',
        ),
        (lambda: LongTailed(Images([1]), 0.5), '`factor` to 1 or more, not 0.5'),
    ],
)
def test_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_held_out(tmp_path):
    listed = tmp_path / 'list.txt'
    listed.write_text('0001\n0003\n')
    part = HeldOut(Images([3, 0, 1, 2]), str(listed))
    assert [part[i]['img_id'] for i in range(len(part))] == ['0000', '0002']
    listed.write_text('0001\n0009\n')
    with pytest.raises(ValueError, match='1 of its 2 are none, such as 0009'):
        HeldOut(Images(range(4)), str(listed))
    listed.write_text('0000\n0001\n')
    with pytest.raises(ValueError, match='leaves none'):
        HeldOut(Images(range(2)), str(listed))


@pytest.mark.parametrize('detector', ['fcos', 'faster_rcnn'])
def test_recipes_are_chosen_on_what_is_held_out(detector, voc_root, tmp_path):
    """Neither trained on, nor a test image."""
    config = f'configs/studies/{detector}_photos_held_out.py'
    cfg = build_config(Run({}, config, {'seed': 0}, {}), {})
    lists = tmp_path / 'VOC2007/ImageSets/Main'
    lists.mkdir(parents=True)
    for folder in ('Annotations', 'JPEGImages'):
        (tmp_path / 'VOC2007' / folder).symlink_to(voc_root / 'VOC2007' / folder)
    names = [f'trainval_0{i}' for i in range(6)]
    for name, part in (('', names), ('_2000', names[:4]), ('_500', names[:2])):
        (lists / f'dev_train{name}.txt').write_text('\n'.join(part))
    test = cfg.test_dataloader.dataset
    assert test.trained_on == 'data/VOCdevkit/VOC2007/ImageSets/Main/dev_train_2000.txt'
    test.trained_on = str(lists / 'dev_train_2000.txt')
    cfg.train_dataloader.dataset.data_root = test.dataset.data_root = f'{tmp_path}/'
    built = DATASETS.build(test)
    assert images(built) == {'trainval_04', 'trainval_05'}
    assert {'gt_instances', 'ignored_instances'} <= {*built[0]['data_samples'].keys()}
    assert images(DATASETS.build(cfg.train_dataloader.dataset)) <= {*names[:2]}
