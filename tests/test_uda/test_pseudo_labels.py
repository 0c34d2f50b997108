"""PseudoLabels: what is kept, and what is said if nothing ever is."""

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from mmdet_lossmix.uda import pseudo_labels
from mmdet_lossmix.uda.loss_policy import LossPolicy
from mmdet_lossmix.uda.pseudo_labels import PseudoLabels


def prediction(scores, boxes=None):
    boxes = boxes or [[0.0, 0.0, 10.0, 10.0]] * len(scores)
    sample = DetDataSample()
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor(boxes).reshape(-1, 4),
        scores=torch.tensor(scores),
        labels=torch.arange(len(scores)),
    )
    return sample


def view():
    sample = DetDataSample(metainfo=dict(img_path='a.jpg'))
    sample.gt_instances = InstanceData(bboxes=torch.ones(5, 4), labels=torch.ones(5))
    return sample


def test_keeps_what_is_sure_and_has_an_area():
    boxes = [[0, 0, 9, 9], [0, 0, 9, 9], [3, 3, 3.5, 9], [1, 1, 2, 2]]
    found = prediction([0.9, 0.79, 0.95, 0.8], [[float(x) for x in b] for b in boxes])
    (sample,) = PseudoLabels(score_thr=0.8).attach([view()], [found])
    assert sample.gt_instances.labels.tolist() == [0, 3]
    assert sample.gt_instances.bboxes.tolist() == [[0, 0, 9, 9], [1, 1, 2, 2]]
    assert set(sample.gt_instances.keys()) == {'bboxes', 'labels'}
    assert len(sample.ignored_instances) == 0
    assert sample.img_path == 'a.jpg'


def test_soft_labels_are_the_scores_in_expectation():
    """Each draw is hard; the mean of one-hot targets is the teacher's distribution."""
    scores = [0.04, 0.1, 0.5, 0.8, 1.0]
    labels, draws = PseudoLabels(score_thr=0.05, soft=True), 4000
    torch.manual_seed(0)
    counts = torch.zeros(len(scores))
    for _ in range(draws):
        (sample,) = labels.attach([view()], [prediction(scores)])
        counts[sample.gt_instances.labels] += 1
        assert len(sample.ignored_instances) == 0
    wanted = torch.tensor([0.0, *scores[1:]])  # the floor is a floor
    error = (wanted * (1 - wanted) / draws).sqrt()
    assert ((counts / draws - wanted).abs() <= 4 * error).all()


@pytest.mark.parametrize('other', [dict(unsure_thr=0.1), dict(per_image='source')])
def test_soft_labels_go_by_the_score_alone(other):
    assert PseudoLabels(soft=True).score_thr == 0
    with pytest.raises(ValueError, match='Leave out `unsure_thr` and `per_image`'):
        PseudoLabels(soft=True, **other)


def test_warns_once_of_a_teacher_that_never_finds_anything(monkeypatch):
    messages = []
    monkeypatch.setattr(MMLogger, 'warning', lambda _, text: messages.append(text))
    monkeypatch.setattr(pseudo_labels, 'ITERATIONS_BEFORE_WARNING', 10)
    labels = PseudoLabels()
    for _ in range(9):
        labels.attach([view()], [prediction([0.5])])
    labels.attach([view()], [prediction([0.9])])  # counts anew from here
    for _ in range(9):
        labels.attach([view()], [prediction([0.5])])
    assert messages == []
    for _ in range(30):
        labels.attach([view()], [prediction([])])
    assert len(messages) == 1
    assert 'lower it' in messages[0]
    assert '`score_thr=0.8`' in messages[0]


def test_classification_is_told_by_the_name():
    names = ('loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox', 'acc')
    losses = {name: torch.ones(()) for name in names}
    kept = LossPolicy('classification', weight=0.5)(losses)
    assert kept == {'loss_rpn_cls': 0.5, 'loss_cls': 0.5, 'acc': 1}
    rest = LossPolicy().minus(LossPolicy('classification', weight=0.25))(losses)
    halves = {'loss_rpn_cls': 0.75, 'loss_cls': 0.75}
    assert rest == {**halves, 'loss_rpn_bbox': 1, 'loss_bbox': 1}  # and no `acc`
    yolox = {name: torch.ones(()) for name in ('loss_cls', 'loss_bbox', 'loss_obj')}
    assert set(LossPolicy('classification')(yolox)) == {'loss_cls', 'loss_obj'}
    lists = LossPolicy()(dict(loss_cls=[torch.ones(()), torch.ones(())]))
    assert lists == {'loss_cls': [1, 1]}
    with pytest.raises(ValueError, match=r"losses=\{'loss_heatmap': True\}"):
        LossPolicy('classification')({'loss_heatmap': torch.ones(())})
    with pytest.raises(ValueError, match=r'`weight` to a number in \[0, inf\)'):
        LossPolicy(weight=-1)
