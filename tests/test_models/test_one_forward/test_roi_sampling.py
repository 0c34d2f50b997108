"""Joint RoI sampling against losses computed by hand."""

import pytest
import torch
import torch.nn.functional as F
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData

from benchmarks.measure import OperatorCount
from mmdet_lossmix.models.one_forward.roi_sampling import LabelledRoIs
from tests.helpers.batches import mixed_batch
from tests.helpers.oracle import flat, seeded, target
from tests.helpers.thin_detectors import build_pair, pair_of, thin_model_cfg


def hand_made_loss(plain, inputs, samples, lam):
    """Faster R-CNN's box losses against both targets on one set of RoIs."""
    head = plain.roi_head
    features = plain.extract_feat(inputs)
    own = [target(s, 'own') for s in samples]
    partner = [target(s, 'partner') for s in samples]
    proposals = plain.rpn_head.loss_and_predict(
        features, [s.clone() for s in own], proposal_cfg=plain.train_cfg.rpn_proposal
    )[1]
    rois = []
    for proposal, a, b in zip(proposals, own, partner):
        proposal.priors = proposal.pop('bboxes')
        objects = InstanceData.cat([a.gt_instances, b.gt_instances])
        assigned = head.bbox_assigner.assign(proposal, objects)
        rois.append(head.bbox_sampler.sample(assigned, proposal, objects).priors)
    outputs = head._bbox_forward(features, bbox2roi(rois))
    scores, deltas = outputs['cls_score'], outputs['bbox_pred']
    total = {'loss_cls': 0.0, 'loss_bbox': 0.0}
    for weight, targets in ((lam, own), (1 - lam, partner)):
        labels, boxes = label_by_iou(rois, targets, background=80)
        total['loss_cls'] += weight * F.cross_entropy(scores, labels)
        positive = labels < 80
        rows = torch.arange(len(labels))[positive]
        predicted = deltas.view(len(labels), 80, 4)[rows, labels[positive]]
        wanted = head.bbox_head.bbox_coder.encode(
            torch.cat(rois)[positive], boxes[positive]
        )
        total['loss_bbox'] += weight * (predicted - wanted).abs().sum() / len(labels)
    return total


def hand_made_cascade_loss(plain, inputs, samples, lam):
    """Cascade R-CNN's box losses against both targets on one set of RoIs a stage."""
    head = plain.roi_head
    features = plain.extract_feat(inputs)
    own = [target(s, 'own') for s in samples]
    partner = [target(s, 'partner') for s in samples]
    proposals = plain.rpn_head.loss_and_predict(
        features, [s.clone() for s in own], proposal_cfg=plain.train_cfg.rpn_proposal
    )[1]
    boxes = [proposal.bboxes for proposal in proposals]
    total = {}
    for stage, stage_weight in enumerate(head.stage_loss_weights):
        rois = []
        for box, a, b in zip(boxes, own, partner):
            proposal = InstanceData(priors=box)
            objects = InstanceData.cat([a.gt_instances, b.gt_instances])
            assigned = head.bbox_assigner[stage].assign(proposal, objects)
            sampled = head.bbox_sampler[stage].sample(assigned, proposal, objects)
            rois.append(sampled.priors)
        outputs = head._bbox_forward(stage, features, bbox2roi(rois))
        scores, deltas = outputs['cls_score'], outputs['bbox_pred']
        coder = head.bbox_head[stage].bbox_coder
        losses = {'loss_cls': 0.0, 'loss_bbox': 0.0}
        for weight, targets in ((lam, own), (1 - lam, partner)):
            labels, wanted = label_by_iou(rois, targets, 80, 0.5 + 0.1 * stage)
            losses['loss_cls'] += weight * F.cross_entropy(scores, labels)
            hit = labels < 80
            wanted = coder.encode(torch.cat(rois)[hit], wanted[hit])
            difference = F.smooth_l1_loss(deltas[hit], wanted, reduction='sum')
            losses['loss_bbox'] += weight * difference / len(labels)
        for key, value in losses.items():
            total[f's{stage}.{key}'] = stage_weight * value
        # The next stage is given what this one makes of its RoIs, the own target's
        # positives first, without the objects that were put among the RoIs.
        hits = (label_by_iou(rois, own, 80, 0.5 + 0.1 * stage)[0] < 80).split(
            [len(roi) for roi in rois]
        )
        boxes = []
        for roi, delta, hit, sample in zip(
            rois, deltas.detach().split([len(r) for r in rois]), hits, own
        ):
            order = torch.cat([hit.nonzero()[:, 0], (~hit).nonzero()[:, 0]])
            objects = sample.gt_instances.bboxes.tolist()
            order = [i for i in order.tolist() if roi[i].tolist() not in objects]
            boxes.append(
                coder.decode(roi[order], delta[order], max_shape=sample.img_shape)
            )
    return total


def label_by_iou(rois, targets, background, threshold=0.5):
    """Label of the best object if its IoU is high enough, and that object's box."""
    labels, boxes = [], []
    for roi, sample in zip(rois, targets):
        objects = sample.gt_instances
        for box in roi:
            ious = [iou(box, other) for other in objects.bboxes] or [0.0]
            best = max(range(len(ious)), key=ious.__getitem__)
            hit = ious[best] >= threshold
            labels.append(int(objects.labels[best]) if hit else background)
            boxes.append(objects.bboxes[best] if hit else box)
    return torch.tensor(labels), torch.stack(boxes)


def iou(a, b):
    w = max(0.0, float(min(a[2], b[2]) - max(a[0], b[0])))
    h = max(0.0, float(min(a[3], b[3]) - max(a[1], b[1])))
    area = [float((x[2] - x[0]) * (x[3] - x[1])) for x in (a, b)]
    return w * h / (sum(area) - w * h)


@pytest.mark.parametrize('num_items', [[(3, 2), (2, 3)], [(0, 2), (3, 0)]])
def test_joint_losses_equal_those_made_by_hand(num_items):
    plain, wrapped = build_pair('faster_rcnn', weighting='batch', roi_sampling='joint')
    inputs, samples = mixed_batch(plain, [0.3, 0.3], num_items)
    expected = seeded(hand_made_loss, plain, inputs, samples, 0.3)
    actual = seeded(wrapped.loss, inputs, samples)
    for key, value in expected.items():
        torch.testing.assert_close(actual[key], value, rtol=1e-4, atol=1e-6)


def test_joint_losses_of_a_cascade_equal_those_made_by_hand():
    plain, wrapped = build_pair('cascade_rcnn', weighting='batch', roi_sampling='joint')
    inputs, samples = mixed_batch(plain, [0.3, 0.3], [(3, 2), (2, 3)])
    expected = seeded(hand_made_cascade_loss, plain, inputs, samples, 0.3)
    actual = seeded(wrapped.loss, inputs, samples)
    for key, value in expected.items():
        torch.testing.assert_close(actual[key], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('name', ['faster_rcnn', 'mask_rcnn', 'cascade_rcnn'])
def test_box_heads_run_once(name):
    _, wrapped = build_pair(name, weighting='batch', roi_sampling='joint')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3], masks=True)
    heads = wrapped.roi_head.bbox_head
    heads = [heads] if name != 'cascade_rcnn' else list(heads)
    calls = []
    for head in heads:
        head.register_forward_hook(lambda module, *_: calls.append(module))
    wrapped.loss(inputs, samples)
    assert calls == heads


@pytest.mark.parametrize('lam', [0.0, 1.0])
@pytest.mark.parametrize('name', ['faster_rcnn', 'cascade_rcnn'])
def test_at_0_and_1_one_target_samples_as_the_plain_detector(name, lam):
    plain, wrapped = build_pair(name, weighting='batch', roi_sampling='joint')
    inputs, samples = mixed_batch(plain, [lam, lam])
    which = 'own' if lam else 'partner'
    expected = flat(seeded(plain.loss, inputs, [target(s, which) for s in samples]))
    actual = flat(seeded(wrapped.loss, inputs, samples))
    assert all(torch.equal(expected[key], actual[key]) for key in expected)


def test_unmixed_image_beside_mixed_ones():
    """It is sampled against its own objects, once each."""
    plain, wrapped = build_pair('faster_rcnn', weighting='batch', roi_sampling='joint')
    inputs, samples = mixed_batch(plain, [0.3, None, 0.3])
    sampler = wrapped.roi_head.bbox_sampler
    sample, objects = sampler.sample, []
    sampler.sample = lambda assigned, priors, gt, **kwargs: (
        objects.append(len(gt)) or sample(assigned, priors, gt, **kwargs)
    )
    losses = flat(seeded(wrapped.loss, inputs, samples))
    assert objects == [3 + 2, 3, 3 + 2]
    assert all(v.isfinite().all() for v in losses.values())


def mask_rcnn_without_a_mask_extractor() -> dict:
    model = thin_model_cfg('mask_rcnn')
    model.roi_head.mask_roi_extractor = None
    model.train_cfg.rcnn.mask_size = 14
    return model


def test_a_mask_head_that_shares_features_gets_those_of_its_rois():
    _, wrapped = pair_of(mask_rcnn_without_a_mask_extractor(), roi_sampling='joint')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3, 0.3], masks=True)
    head, seen = wrapped.roi_head, []
    mask_loss = head.mask_loss

    def noted(x, results, bbox_feats, *args):
        rois = bbox2roi([result.priors for result in results])
        levels = x[: head.bbox_roi_extractor.num_inputs]
        seen.append((bbox_feats, head.bbox_roi_extractor(levels, rois)))
        return mask_loss(x, results, bbox_feats, *args)

    head.mask_loss = noted
    wrapped.loss(inputs, samples)
    assert len(seen) == 2
    for given, wanted in seen:
        torch.testing.assert_close(given, wanted)


def faster_rcnn_with_hard_mining() -> dict:
    model = thin_model_cfg('faster_rcnn')
    model.train_cfg.rcnn.sampler.type = 'OHEMSampler'
    return model


@pytest.mark.parametrize(
    'model_cfg',
    [
        lambda: thin_model_cfg('mask_rcnn'),
        lambda: thin_model_cfg('cascade_rcnn'),
        mask_rcnn_without_a_mask_extractor,
        faster_rcnn_with_hard_mining,
    ],
    ids=['mask', 'cascade', 'shared features', 'hard mining'],
)
def test_other_roi_heads_train(model_cfg):
    _, wrapped = pair_of(model_cfg(), weighting='batch', roi_sampling='joint')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3], masks=True)
    losses = flat(wrapped.loss(inputs, samples))
    sum(v.sum() for k, v in losses.items() if 'loss' in k).backward()
    assert all(v.isfinite().all() for v in losses.values())


@pytest.mark.parametrize('name', ['faster_rcnn', 'cascade_rcnn'])
def test_rois_in_ignored_objects_of_either_image_are_not_sampled(name):
    """As mmdet itself does with `ignore_iof_thr`: they are no background."""
    _, wrapped = build_pair(name, roi_sampling='joint')
    head = wrapped.roi_head
    cascade = name == 'cascade_rcnn'
    assigners = head.bbox_assigner if cascade else [head.bbox_assigner]
    samplers = head.bbox_sampler if cascade else [head.bbox_sampler]
    for assigner in assigners:
        assigner.ignore_iof_thr = 0.5
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    everything = torch.tensor([[-1000.0, -1000, 1000, 1000]])
    samples[0].ignored_instances.bboxes = everything
    samples[1].partner.ignored_instances.bboxes = everything
    negatives = []
    for sampler in samplers:
        sample = sampler.sample

        def noted(*args, sample=sample, **kwargs):
            result = sample(*args, **kwargs)
            negatives.append(len(result.neg_inds))
            return result

        sampler.sample = noted
    wrapped.loss(inputs, samples)
    assert negatives == [0] * len(negatives) != []


def test_objects_of_one_image_in_ignored_ones_of_the_other_are_no_background(
    monkeypatch,
):
    """Objects are among the joint RoIs, wherever they lie."""
    _, wrapped = build_pair('faster_rcnn', roi_sampling='joint')
    wrapped.roi_head.bbox_assigner.ignore_iof_thr = 0.5
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    everything = torch.tensor([[-1000.0, -1000, 1000, 1000]])
    for sample in samples:
        sample.ignored_instances.bboxes = everything
    labelled, label = [], LabelledRoIs._label

    def noted(self, joint, sample):
        result = label(self, joint, sample)
        labelled.append((len(joint.priors), sample, len(result.neg_inds)))
        return result

    monkeypatch.setattr(LabelledRoIs, '_label', noted)
    wrapped.loss(inputs, samples)
    ignoring = [
        (rois, negatives)
        for rois, sample, negatives in labelled
        if torch.equal(sample.ignored_instances.bboxes, everything)
    ]
    assert len(ignoring) == len(samples)
    assert all(rois > 0 and negatives == 0 for rois, negatives in ignoring)


@pytest.mark.parametrize('name', ['faster_rcnn', 'cascade_rcnn'])
def test_nobody_waits_to_see_that_rois_differ(name):
    _, wrapped = build_pair(name, weighting='image', roi_sampling='per_target')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.6])
    with OperatorCount() as count:
        wrapped.loss(inputs, samples)
    assert count.names['equal'] == 0
