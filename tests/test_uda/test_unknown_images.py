"""Images without pseudo labels that are left out, before losses are normalised."""

import pytest
import torch
from mmengine.structures import InstanceData

from tests.helpers.oracle import flat, relative_difference, seeded
from tests.helpers.teacher import batch, build, only_losses

WITHOUT = dict(score_thr=0.0, without='ignored')


def labelled(model, *boxes):
    """Let the teacher find these boxes, an image each."""

    def predict(x, views, rescale):
        for view, found in zip(views, boxes):
            found = torch.tensor(found, dtype=x.dtype).reshape(-1, 4)
            labels, scores = torch.zeros(len(found)).long(), torch.ones(len(found))
            view.pred_instances = InstanceData(
                bboxes=found, labels=labels, scores=scores
            )
        return views

    model.teacher.predict = predict


@pytest.mark.parametrize('name', ['fcos', 'retinanet', 'faster_rcnn'])
@pytest.mark.parametrize('joint', [False, True])
def test_what_is_left_is_a_batch_of_its_own(name, joint, float64):
    """That counts by its share of the images."""
    sampling = 'joint' if joint else 'per_target'
    model, plain = build(name, pseudo_labels=WITHOUT, roi_sampling=sampling)
    inputs, samples = batch(plain, targets=3)
    box = [8.0, 8.0, 40.0, 60.0]
    labelled(model, [box], [], [box, [50.0, 20.0, 75.0, 60.0]])
    losses = seeded(model.loss, inputs, samples)
    actual = {k: v for k, v in only_losses(losses).items() if k.startswith('target_')}
    x, known = inputs['unsup_student'], [model.last_pseudo[i] for i in (0, 2)]
    torch.manual_seed(0)

    def expected():
        plain.loss(inputs['sup'], samples['sup'])  # draws RoIs first
        return plain.loss(x[[0, 2]], known)

    wanted = {f'target_{k}': v * 2 / 3 for k, v in flat(seeded(expected)).items()}
    wanted = {key: wanted[key] for key in actual}
    assert {'target_loss_cls'} <= {key.split('.')[0] for key in actual}
    assert relative_difference(wanted, actual) < 1e-7


@pytest.mark.parametrize('strategy', ['lossmix', 'union'])
@pytest.mark.parametrize('inter', [0.0, 1.0])
def test_mixed_images_may_know_one_of_two_annotations(strategy, inter, float64):
    mix = dict(strategy=strategy, inter_share=inter)
    model, plain = build('faster_rcnn', pseudo_labels=WITHOUT, adaptation_mix=mix)
    inputs, samples = batch(plain)
    labelled(model, [[8.0, 8.0, 40.0, 60.0]], [])
    losses = model.loss(inputs, samples)
    assert all(value.isfinite() for value in only_losses(losses).values())
    sum(only_losses(losses).values()).backward()


def test_negatives_of_target_and_source_weigh_alike(float64):
    """Normalised by image, those of images with one small object weighed more."""
    model, plain = build('fcos', pseudo_labels=WITHOUT)
    inputs, samples = batch(plain, sources=4, targets=4)
    small, large = [40.0, 40.0, 56.0, 56.0], [10.0, 10.0, 58.0, 58.0]
    for sample, box in zip(samples['sup'], (small, large, large, small)):
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor([box]), labels=torch.zeros(1).long()
        )
    labelled(model, [small], [], [large], [])
    source = weights_of_negatives(model, inputs, samples, 'source')
    target = weights_of_negatives(model, inputs, samples, 'target')
    assert (len(source), len(target)) == (4, 2)
    torch.testing.assert_close(target, source[:2])
    # Each image by itself, and the mean over four, as it was.
    alone = []
    for i in (0, 1):
        one = {'sup': inputs['sup'][i : i + 1]}, {'sup': samples['sup'][i : i + 1]}
        for mine, all_of_it in zip(one, (inputs, samples)):
            mine.update({k: v for k, v in all_of_it.items() if k != 'sup'})
        alone.append(weights_of_negatives(model, *one, 'source').item() / 4)
    assert sum(alone) / 2 == pytest.approx(2.8 * source[0].item(), rel=0.05)


def weights_of_negatives(model, inputs, samples, domain):
    """What a negative's focal loss is multiplied by, in an image each, shape (N,)."""
    scores = []
    handle = model.student.bbox_head.register_forward_hook(
        lambda module, inputs, outputs: scores.append(outputs[0][0])
    )
    losses = only_losses(model.loss(inputs, samples))
    handle.remove()
    logits = scores[domain == 'target']
    total = sum(v for k, v in losses.items() if k.startswith(f'{domain}_loss_cls'))
    (weighted,) = torch.autograd.grad(total, logits)
    again = logits.detach().requires_grad_()
    p = again.sigmoid()
    (plain,) = torch.autograd.grad((-0.75 * p**2 * (1 - p).log()).sum(), again)
    return (weighted / plain)[:, 5, 0, 0]  # of a class that no object has
