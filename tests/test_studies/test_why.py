"""What a strategy teaches: matching, calibration, and a detector asked about blends."""

import json

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from studies.run_config import build_config
from studies.study import Run
from studies.why.blends import LAMBDAS, TrainedRun, ask_about_batch, objects_of, predict
from studies.why.figure import draw
from studies.why.matching import (
    Detections,
    Objects,
    d_ece,
    match,
    object_scores,
    score_for_false_positives,
)
from studies.why.summary import D_ECE, PRECISION, RECALL, SCORE, labels, summarise


def drawn(rng, count):
    """Boxes on few places, so that many overlap."""
    corner = rng.integers(0, 3, (count, 2)) * 12 + rng.uniform(0, 8, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(15, 30, (count, 2))], axis=1)


def by_coco(found, objects):
    """The same question to COCO's evaluation."""

    def entries(boxes, names):
        for i, ((left, top, right, bottom), label) in enumerate(zip(boxes, names)):
            bbox = [left, top, right - left, bottom - top]
            yield dict(id=i + 1, image_id=1, category_id=int(label), bbox=bbox)

    truth = COCO()
    truth.dataset = dict(
        images=[dict(id=1)],
        categories=[dict(id=i) for i in range(3)],
        annotations=[
            {**entry, 'iscrowd': int(ignored), 'area': np.prod(entry['bbox'][2:])}
            for entry, ignored in zip(
                entries(objects.boxes, objects.labels), objects.ignored
            )
        ],
    )
    truth.createIndex()
    results = [
        {**e, 'score': float(score)}
        for e, score in zip(entries(found.boxes, found.labels), found.scores)
    ]
    evaluation = COCOeval(truth, truth.loadRes(results), 'bbox')
    evaluation.params.iouThrs = [0.5]
    evaluation.params.areaRng = [[0, 1e10]]
    evaluation.evaluate()
    expected = np.full(len(found.scores), -1)
    for of_class in filter(None, evaluation.evalImgs):
        for i, j in zip(of_class['dtIds'], of_class['dtMatches'][0]):
            expected[i - 1] = int(j) - 1
    return expected


@pytest.mark.parametrize('seed', range(20))
def test_detections_are_matched_as_coco_does(seed):
    rng = np.random.default_rng(seed)
    ignored = rng.random(9) < 0.3
    objects = Objects(drawn(rng, 9), rng.integers(0, 3, 9), ignored)
    found = Detections(drawn(rng, 80), rng.integers(0, 3, 80), rng.random(80))
    found_in = match(found, objects)
    assert (found_in >= 0).sum() > 3
    np.testing.assert_array_equal(found_in, by_coco(found, objects))


def test_a_second_detection_finds_nothing():
    box = np.array([[0.0, 0, 10, 10]])
    objects = Objects(box, np.array([1]), np.array([False]))
    found = Detections(box.repeat(3, 0), np.array([1, 1, 0]), np.array([0.5, 0.7, 0.9]))
    found_in = match(found, objects)
    assert found_in.tolist() == [-1, 0, -1]
    assert object_scores(found, found_in, objects).tolist() == [0.7]
    nothing = Objects(box[:0], np.array([], int), np.array([], bool))
    assert match(found, nothing).tolist() == [-1, -1, -1]


def naive_d_ece(scores, hits, dimensions, bins, least):
    """Bin by bin, detection by detection."""
    contents = {}
    for i, score in enumerate(scores):
        sample = [score, *(values[i] for values in dimensions)]
        place = tuple(min(int(x * bins), bins - 1) for x in sample)
        contents.setdefault(place, []).append((score, hits[i]))
    kept = [np.array(pairs).T for pairs in contents.values() if len(pairs) >= least]
    total = sum(len(of_bin[0]) for of_bin in kept)
    return sum(
        len(confidence) / total * abs(confidence.mean() - right.mean())
        for confidence, right in kept
    )


@pytest.mark.parametrize(('dimensions', 'least'), [(0, 1), (1, 8), (2, 8)])
def test_d_ece_is_that_of_the_definition(dimensions, least):
    rng = np.random.default_rng(dimensions)
    scores = rng.beta(1, 4, 500)
    hits = rng.random(500) < scores**2
    more = list(rng.random((dimensions, 500)))
    expected = naive_d_ece(scores, hits, more, 5, least)
    assert expected > 0.02
    assert d_ece(scores, hits, *more, bins=5) == pytest.approx(expected)


def test_d_ece_of_known_errors():
    scores = np.array([0.1, 0.1, 0.9, 1.0])
    assert d_ece(scores, np.array([0, 0, 1, 1])) == pytest.approx((0.2 + 0.1) / 4)
    assert np.isnan(d_ece(scores, np.ones(4), scores))  # too few for two dimensions


def test_score_where_a_detector_is_wrong_once_an_image():
    rng = np.random.default_rng(0)
    scores, hits = rng.random(300), rng.random(300) < 0.3
    threshold = score_for_false_positives(scores, hits, images=50)
    assert (scores[~hits] >= threshold).sum() == 50
    assert score_for_false_positives(scores, hits, images=300) == 0


def test_labels_say_what_differs():
    traits = [dict(config='a', strategy=s, seed=i) for i, s in enumerate(['none', 'x'])]
    assert labels(traits) == ['no mixing', 'x']
    assert labels([{**run, 'strategy': 'lossmix'} for run in traits]) == ['LossMix'] * 2


@pytest.fixture(scope='module')
def tiny(voc_root):
    """Config, an untrained detector that sees something, and a batch of test images."""
    torch.manual_seed(0)
    overrides = {
        'test_dataloader.dataset.data_root': f'{voc_root}/',
        'test_dataloader.dataset.metainfo': None,
        'model.bbox_head.num_classes': 20,
        # Of so many boxes some are right by chance.
        'model.test_cfg.score_thr': 0.0,
        'model.test_cfg.max_per_img': 1000,
    }
    settings = {'strategy': 'lossmix', 'seed': 0}
    config = 'configs/studies/retinanet_synthetic.py'
    cfg = build_config(Run({}, config, settings, overrides), {})
    model = MODELS.build(cfg.model).eval()
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    return cfg, model, [dataset[i] for i in range(4)]


def test_objects_lie_where_the_image_shows_them(tiny):
    """The rectangles of the tiny VOC have a colour of their own."""
    _, _, images = tiny
    for image in images:
        objects = objects_of(image['data_samples'])
        assert len(objects.labels)
        height, width = image['data_samples'].img_shape
        assert (objects.boxes >= 0).all()
        assert (objects.boxes <= [width, height, width, height]).all()
        assert objects.boxes[:, 2:].max() > 0.9 * 36 / 120 * 160


def test_a_detector_is_asked_about_every_blend(tiny):
    _, model, images = tiny
    with torch.no_grad():
        answers = ask_about_batch(model, pseudo_collate(images))
    truth = [objects_of(image['data_samples']) for image in images]
    seen = sum((~objects.ignored).sum() for objects in truth)
    expected = {round(x, 2): seen for lam in LAMBDAS for x in (lam, 1 - lam)}
    expected[0.5] = 2 * seen  # each image is one and the other
    assert answers.objects.groupby('visible').size().to_dict() == expected
    assert answers.images == 4

    data = model.data_preprocessor(pseudo_collate(images), False)
    with torch.no_grad():
        found = predict(model, data['inputs'], data['data_samples'], 1.0)
    found_in = [match(*pair) for pair in zip(found, truth)]
    hits = [o.ignored[i[i >= 0]].size - o.ignored[i[i >= 0]].sum()
            for o, i in zip(truth, found_in)]  # fmt: skip
    assert answers.detections['hit'].sum() == sum(hits) > 0
    scores = np.concatenate([object_scores(f, i, o)[~o.ignored]
                             for f, i, o in zip(found, found_in, truth)])  # fmt: skip
    whole = answers.objects[answers.objects['visible'] == 1]
    np.testing.assert_allclose(whole['score'], scores)


def test_from_folders_to_the_figure(tiny, tmp_path):
    cfg, model, _ = tiny
    with pytest.raises(FileNotFoundError, match='Name folders of finished runs'):
        TrainedRun(tmp_path)
    (tmp_path / 'train').mkdir()
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'train/iter_1.pth')
    Config.dump(cfg, tmp_path / 'config.py')
    facts = dict(config='x.py', settings=dict(strategy='lossmix', seed=0))
    (tmp_path / 'facts.json').write_text(json.dumps(facts))
    (tmp_path / 'trained').write_text('iter_1.pth\n')
    run = TrainedRun(tmp_path)
    table = summarise(list(run.ask(None, 'cpu')))
    assert {SCORE, RECALL, PRECISION, D_ECE} <= set(table['quantity'])
    assert len(table[table['quantity'] == SCORE]) == len(LAMBDAS) * 2 - 1
    assert table['value'].between(0, 1).all()
    figure = draw(table.assign(label='LossMix', run='a', seed=0))
    assert len(figure.axes) == 3
