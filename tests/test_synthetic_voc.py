from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest

from synthetic_voc import CLASS_NAMES, draw_scene, generate_voc
from synthetic_voc import generate as generate_module
from synthetic_voc.classes import TOY_CLASSES
from synthetic_voc.domains import DOMAINS
from synthetic_voc.rendering import (
    Sprite,
    bounds,
    draw_parts,
    paste,
    pose,
)

SMALL = {'train': 6, 'test': 3, 'size': 96, 'progress': False}


def tree_hash(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def annotation_texts(devkit: Path) -> dict[str, str]:
    return {
        str(path.relative_to(devkit)): path.read_text()
        for path in sorted(devkit.rglob('*.xml'))
    }


@pytest.fixture(scope='module')
def devkit(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('photo')
    return generate_voc(root, train=80, test=40, size=160, progress=False)


@pytest.fixture(scope='module')
def scenes() -> list:
    return [draw_scene(seed, size=200) for seed in range(80)]


def read_ids(devkit: Path, year: str, name: str) -> list[str]:
    return (devkit / year / 'ImageSets/Main' / f'{name}.txt').read_text().split()


def read_objects(devkit: Path, year: str, name: str) -> list[ET.Element]:
    return [
        entry
        for image_id in read_ids(devkit, year, name)
        for entry in ET.parse(devkit / year / 'Annotations' / f'{image_id}.xml').iter(
            'object'
        )
    ]


# The tree


def test_image_sets_are_those_that_voc0712_reads(devkit):
    for year in ('VOC2007', 'VOC2012'):
        train, val = (read_ids(devkit, year, name) for name in ('train', 'val'))
        assert read_ids(devkit, year, 'trainval') == train + val
        assert len(train) == len(val) == 20
    assert len(read_ids(devkit, 'VOC2007', 'test')) == 40
    assert read_ids(devkit, 'VOC2007', 'train')[0] == '000001'
    assert read_ids(devkit, 'VOC2012', 'train')[0] == '2008_000001'


def test_every_listed_image_is_there_with_its_annotation(devkit):
    for year, names in (('VOC2007', ('trainval', 'test')), ('VOC2012', ('trainval',))):
        ids = [i for name in names for i in read_ids(devkit, year, name)]
        assert len(ids) == len(set(ids))
        for folder, suffix in (('JPEGImages', 'jpg'), ('Annotations', 'xml')):
            found = {path.name for path in (devkit / year / folder).iterdir()}
            assert found == {f'{image_id}.{suffix}' for image_id in ids}


def test_annotations_agree_with_their_images(devkit):
    for path in devkit.rglob('*.xml'):
        root = ET.parse(path).getroot()
        image = cv2.imread(str(path.parents[1] / 'JPEGImages' / f'{path.stem}.jpg'))
        height, width, depth = image.shape
        assert root.findtext('folder') == path.parents[1].name
        assert root.findtext('filename') == f'{path.stem}.jpg'
        size = [int(root.findtext(f'size/{k}')) for k in ('width', 'height', 'depth')]
        assert size == [width, height, depth]
        assert root.find('object') is not None
        for entry in root.iter('object'):
            assert entry.findtext('name') in CLASS_NAMES
            xmin, ymin, xmax, ymax = (
                int(entry.findtext(f'bndbox/{k}'))
                for k in ('xmin', 'ymin', 'xmax', 'ymax')
            )
            # As mmdet reads a box: less one on every side; some area must remain.
            assert 1 <= xmin < xmax <= width
            assert 1 <= ymin < ymax <= height


@pytest.mark.parametrize(
    ('year', 'name'),
    [
        ('VOC2007', 'train'),
        ('VOC2007', 'val'),
        ('VOC2007', 'test'),
        ('VOC2012', 'train'),
        ('VOC2012', 'val'),
    ],
)
def test_every_list_has_every_class(devkit, year, name):
    names = {entry.findtext('name') for entry in read_objects(devkit, year, name)}
    assert names == set(CLASS_NAMES)


def test_flags_and_sizes_vary(devkit):
    entries = read_objects(devkit, 'VOC2007', 'trainval')
    entries += read_objects(devkit, 'VOC2012', 'trainval')
    for flag in ('difficult', 'truncated'):
        values = [int(entry.findtext(flag)) for entry in entries]
        assert 0 < np.mean(values) < 0.3
    shapes = {
        (int(root.findtext('size/width')), int(root.findtext('size/height')))
        for root in (ET.parse(path) for path in devkit.rglob('*.xml'))
    }
    assert any(width > height for width, height in shapes)
    assert any(width < height for width, height in shapes)
    assert len(shapes) > 5
    assert {max(shape) for shape in shapes} == {160}


def test_persons_are_most_frequent(devkit):
    names = [e.findtext('name') for e in read_objects(devkit, 'VOC2007', 'trainval')]
    assert max(set(names), key=names.count) == 'person'


# Determinism


def test_same_arguments_give_the_same_bytes_whatever_the_workers(tmp_path):
    one = generate_voc(tmp_path / 'one', workers=1, **SMALL)
    two = generate_voc(tmp_path / 'two', workers=2, **SMALL)
    assert tree_hash(one) == tree_hash(two)


def test_another_seed_gives_other_images(tmp_path):
    one = tree_hash(generate_voc(tmp_path / 'one', seed=1, **SMALL))
    two = tree_hash(generate_voc(tmp_path / 'two', seed=2, **SMALL))
    pictures = [name for name in one if name.endswith('.jpg')]
    assert one.keys() == two.keys()
    assert len({one[name] for name in pictures}) == len(pictures)
    assert not {one[name] for name in pictures} & {two[name] for name in pictures}


def test_more_training_images_leave_the_others_as_they_are(tmp_path):
    few = tree_hash(generate_voc(tmp_path / 'few', **SMALL))
    many = tree_hash(generate_voc(tmp_path / 'many', **{**SMALL, 'train': 10}))
    for name in few:
        if name.endswith(('.jpg', '.xml', 'test.txt')):
            assert few[name] == many[name], name


def test_both_domains_have_the_same_annotations_and_other_pictures(tmp_path):
    photo = generate_voc(tmp_path / 'photo', domain='photo', **SMALL)
    clipart = generate_voc(tmp_path / 'clipart', domain='clipart', **SMALL)
    assert annotation_texts(photo) == annotation_texts(clipart)
    one, two = tree_hash(photo), tree_hash(clipart)
    assert all(one[name] != two[name] for name in one if name.endswith('.jpg'))


# Scenes


def test_boxes_are_tight_around_what_is_seen(scenes):
    for scene in scenes:
        for entry in scene.annotations:
            left, top, right, bottom = entry.box
            seen = scene.owner == entry.label
            inside = seen[top:bottom, left:right]
            assert inside.sum() == seen.sum()
            for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
                assert edge.any()


@pytest.mark.parametrize('domain', ['photo', 'clipart'])
def test_the_owner_map_is_where_the_pixels_of_the_object_are(monkeypatch, domain):
    """Draw a scene with and without its last object; only its pixels may differ."""
    compose = generate_module.draw_scene.__globals__['_compose']
    arguments = {}
    monkeypatch.setitem(
        generate_module.draw_scene.__globals__,
        '_compose',
        lambda *args: arguments.setdefault('all', args),
    )
    draw_scene(11, domain, 200)
    objects, _, _, look, size, _ = arguments['all']
    monkeypatch.setattr(type(look), 'casts_shadows', False)
    monkeypatch.setattr(
        type(look), 'develop', lambda self, rng, image: (image.copy(), 90)
    )

    def draw(entries: list):
        return compose(entries, [], [], look, size, np.random.default_rng(0))

    full, empty = draw(objects[-1:]), draw([])
    changed = np.abs(full.image - empty.image).max(axis=2) > 0.1
    box = full.annotations[0].box
    rows, columns = np.nonzero(changed)
    painted = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert np.abs(np.subtract(painted, box)).max() <= 1
    assert changed[full.owner > 0].mean() > 0.7
    assert not changed[cv2.dilate(full.owner, np.ones((5, 5))) == 0].any()


@pytest.mark.parametrize('label', [0, 2])
def test_what_is_pasted_later_hides_what_was_there(label):
    image, owner = np.zeros((4, 6, 3), np.float32), np.ones((4, 6), np.uint8)
    cover = np.array([[1, 0.6, 0.4, 0]] * 3, np.float32)
    colour = np.ones((3, 4, 3), np.float32)
    paste(image, owner, Sprite(-1, 2, colour, cover), label)  # sticks out on two sides
    assert owner.tolist() == [[1] * 6] * 2 + [[label, 1, 1, 1, 1, 1]] * 2
    expected = np.array([[0.6, 0.4, 0, 0, 0, 0]] * 2)
    np.testing.assert_allclose(image[2:, :, 0], expected, rtol=1e-6)
    assert not image[:2].any()


def test_scenes_range_from_one_object_to_many(scenes):
    counts = [len(scene.annotations) for scene in scenes]
    assert min(counts) == 1
    assert max(counts) >= 10
    assert np.mean(np.array(counts) <= 4) > 0.7


def test_objects_range_from_tiny_to_filling(scenes):
    shares = [
        np.prod(np.subtract(entry.box[2:], entry.box[:2])) / scene.owner.size
        for scene in scenes
        for entry in scene.annotations
    ]
    assert min(shares) < 0.01
    assert max(shares) > 0.5


@pytest.mark.parametrize('name', CLASS_NAMES)
def test_the_star_is_in_its_scene_and_no_difficult_one(name):
    for seed in range(5):
        scene = draw_scene(seed, 'clipart', 96, star=name)
        assert any(e.name == name and not e.difficult for e in scene.annotations)


def test_difficult_objects_are_tiny_or_hidden(scenes):
    entries = [entry for scene in scenes for entry in scene.annotations]
    for entry in entries:
        left, top, right, bottom = entry.box
        if (right - left) * (bottom - top) < 16**2:
            assert entry.difficult
    assert any(entry.difficult for entry in entries)


def test_truncated_objects_touch_the_border(scenes):
    for scene in scenes:
        height, width = scene.owner.shape
        for entry in scene.annotations:
            left, top, right, bottom = entry.box
            if entry.truncated and not entry.difficult:
                assert left == 0 or top == 0 or right == width or bottom == height


def test_domains_look_different():
    """Flat colours: in a drawing, a pixel is often as the next one."""

    def flatness(domain: str) -> float:
        images = [draw_scene(seed, domain, 128).image for seed in range(8)]
        return float(np.median([(i[:, 1:] == i[:, :-1]).all(2).mean() for i in images]))

    assert flatness('photo') < 0.2
    assert flatness('clipart') > 0.35


# Classes


def test_classes_are_those_of_mmdet_in_its_order():
    voc = pytest.importorskip('mmdet.datasets.voc')
    assert voc.VOCDataset.METAINFO['classes'] == CLASS_NAMES


@pytest.mark.parametrize('toy', TOY_CLASSES, ids=CLASS_NAMES)
def test_each_class_varies_in_shape_and_colour(toy):
    rng = np.random.default_rng(0)
    sprites = [
        draw_parts(pose(toy.sketch(rng), 40, 0, 0, False), DOMAINS['photo'], rng)
        for _ in range(6)
    ]
    assert len({sprite.cover.tobytes() for sprite in sprites}) == 6
    colours = [s.colour[s.cover > 0.5].mean(axis=0) for s in sprites]
    assert np.std(colours, axis=0).max() > 0.02


@pytest.mark.parametrize('toy', TOY_CLASSES, ids=CLASS_NAMES)
def test_a_posed_toy_has_the_asked_size_and_is_centred(toy):
    parts = pose(toy.sketch(np.random.default_rng(0)), 50.0, 20, 0.1, True)
    left, top, right, bottom = bounds(parts)
    assert (right - left) * (bottom - top) == pytest.approx(50.0**2)
    assert left + right == pytest.approx(0, abs=1e-9)
    assert top + bottom == pytest.approx(0, abs=1e-9)


# Refusals


def test_refuses_to_overwrite_and_replaces_when_told(tmp_path):
    devkit = generate_voc(tmp_path, **SMALL)
    before = tree_hash(devkit)
    with pytest.raises(FileExistsError, match=r'Choose another folder.*--force'):
        generate_voc(tmp_path, seed=7, **SMALL)
    assert tree_hash(devkit) == before
    generate_voc(tmp_path, seed=7, force=True, **SMALL)
    assert tree_hash(devkit) != before
    assert [path.name for path in tmp_path.iterdir()] == ['VOCdevkit']


def test_leaves_what_the_same_arguments_have_drawn(tmp_path, monkeypatch):
    devkit = generate_voc(tmp_path, **SMALL)
    monkeypatch.setattr(generate_module, 'write_scene', None)
    assert generate_voc(tmp_path, **SMALL) == devkit


def test_never_replaces_a_dataset_of_somebody_else(tmp_path):
    real = tmp_path / 'VOCdevkit/VOC2007/JPEGImages/000001.jpg'
    real.parent.mkdir(parents=True)
    real.write_text('precious')
    with pytest.raises(FileExistsError, match='may be the real VOC'):
        generate_voc(tmp_path, force=True, **SMALL)
    assert real.read_text() == 'precious'


def test_takes_an_empty_folder(tmp_path):
    (tmp_path / 'VOCdevkit').mkdir()
    assert (generate_voc(tmp_path, **SMALL) / 'VOC2012').is_dir()


@pytest.mark.parametrize('workers', [1, 2])
def test_leaves_nothing_half_written(tmp_path, monkeypatch, workers):
    def fail(*args):
        raise RuntimeError('out of ink')

    if workers == 1:
        monkeypatch.setattr(generate_module, 'write_scene', fail)
        error, text = RuntimeError, 'out of ink'
    else:  # A patch need not reach another process; a full disk or an error there does.
        monkeypatch.setattr(generate_module, 'make_folders', lambda *args: None)
        error, text = FileNotFoundError, 'JPEGImages'
    with pytest.raises(error, match=text):
        generate_voc(tmp_path, workers=workers, **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_replacement_keeps_the_old_dataset(tmp_path, monkeypatch):
    before = tree_hash(generate_voc(tmp_path, **SMALL))

    def fail(*args):
        raise RuntimeError('out of ink')

    monkeypatch.setattr(generate_module, 'write_scene', fail)
    with pytest.raises(RuntimeError, match='out of ink'):
        generate_voc(tmp_path, force=True, seed=1, **SMALL)
    assert tree_hash(tmp_path / 'VOCdevkit') == before


@pytest.mark.parametrize(
    ('argument', 'value'),
    [
        ('train', -1),
        ('test', 100000),
        ('size', 8),
        ('seed', -1),
        ('workers', 0),
        ('domain', 'oil'),
    ],
)
def test_rejects_bad_arguments(tmp_path, argument, value):
    with pytest.raises(ValueError, match=f'Choose a {argument} .*, not .*{value}'):
        generate_voc(tmp_path, **{**SMALL, argument: value})
    assert list(tmp_path.iterdir()) == []


def test_rejects_an_empty_order(tmp_path):
    with pytest.raises(ValueError, match='Ask for some images'):
        generate_voc(tmp_path, train=0, test=0)


def test_draw_scene_rejects_an_unknown_domain():
    with pytest.raises(ValueError, match=r"Choose a domain .*, not 'oil'"):
        draw_scene(0, 'oil')


def test_draw_scene_rejects_an_unknown_star():
    with pytest.raises(ValueError, match=r"Choose a star .*, not 'unicorn'"):
        draw_scene(0, star='unicorn')
