"""The discriminator: when it learns, what it is told, and what it sends back."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.logging import MessageHub

from tests.helpers.teacher import batch, build, detector_cfg, on_canvas


def test_discriminator_is_off_in_burn_in_and_reverses_gradients_later():
    options = dict(
        discriminator=dict(in_channels=64, weight=0.1, ramp_iters=4),
        pseudo_policy=dict(losses='classification', weight=0.0),
    )
    model, plain = build(burn_in_iters=10, **options)
    inputs, samples = batch(plain)
    burning_in = model.loss(inputs, samples)
    assert burning_in['source_loss_domain'] == 0
    assert 'source_domain_acc' not in burning_in
    # Distributed training waits for the gradients of all parameters.
    unused = torch.autograd.grad(
        burning_in['source_loss_domain'], list(model.discriminator.parameters())
    )
    assert not any(gradient.any() for gradient in unused)

    model, plain = build(**options)
    losses = model.loss(inputs, samples)
    domain = losses['target_loss_domain']
    feature = model.student.backbone(inputs['unsup_student'])[-1]
    logits = model.discriminator.layers(feature)
    by_formula = -torch.nn.functional.logsigmoid(logits).mean() * 0.1
    torch.testing.assert_close(domain, by_formula)
    weight = model.discriminator.layers[0].weight
    backbone = model.student.backbone.conv1.weight
    grads = torch.autograd.grad(domain, [weight, backbone])
    plainly = torch.autograd.grad(by_formula, [weight, backbone])
    torch.testing.assert_close(grads[0], plainly[0])
    # A quarter of the ramp in the first iteration.
    torch.testing.assert_close(grads[1], -plainly[1] / 4, rtol=1e-4, atol=1e-8)
    MessageHub.get_current_instance().update_info('iter', 9)  # the ramp is over
    domain = model.loss(inputs, samples)['target_loss_domain']
    (gradient,) = torch.autograd.grad(domain, backbone)
    torch.testing.assert_close(gradient, -plainly[1], rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize('burn_in_iters', [0, 9])
@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(in_channels=32), 'Set `in_channels=64` of the discriminator.*not 32'),
        (dict(in_channels=64, level=4), '`level` .* one of the 4 outputs .* not 4'),
        (dict(in_channels=64, level=-5), '`level` .* one of the 4 outputs .* not -5'),
    ],
)
def test_a_discriminator_of_other_features_is_refused(wrong, message, burn_in_iters):
    """At once, and not when burn-in ends."""
    model, plain = build(burn_in_iters=burn_in_iters, discriminator=wrong)
    with pytest.raises(ValueError, match=message):
        model.loss(*batch(plain))


@pytest.mark.parametrize(('level', 'channels'), [(-1, 64), (1, 16)])
def test_the_discriminator_weighs_domains_as_their_images(level, channels, float64):
    """Of a blend, the source has lambda in its own half, the rest in the other."""
    model, plain = build(
        discriminator=dict(in_channels=channels, level=level, weight=1.0),
        adaptation_mix=dict(inter_share=1.0),
    )
    inputs, samples = batch(plain)
    losses = model.loss(inputs, samples)
    lam = losses['mix_lambda'].item()
    assert abs(lam - 0.5) > 0.05
    x, y = inputs['sup'], inputs['unsup_student']
    size = [max(a, b) for a, b in zip(x.shape[2:], y.shape[2:])]
    x, y = on_canvas(x, size), on_canvas(y, size)
    for name, own, other, share in (('source', x, y, 1 - lam), ('target', y, x, lam)):
        feature = model.student.backbone(lam * own + (1 - lam) * other)[level]
        logits = model.discriminator.layers(feature)
        share_of_target = torch.full_like(logits, share)  # soft labels say the same
        by_formula = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, share_of_target
        )
        torch.testing.assert_close(losses[f'{name}_loss_domain'], by_formula)
        is_target = (lam >= 0.5) == (name == 'target')
        right = ((logits > 0) == is_target).double().mean() * 100
        assert losses[f'{name}_domain_acc'].item() == pytest.approx(right.item())


def test_student_starts_the_same_with_and_without_a_discriminator():
    students = []
    for discriminator in (None, dict(in_channels=64)):
        torch.manual_seed(0)
        cfg = detector_cfg('retinanet')
        options = dict(burn_in_iters=1, discriminator=discriminator)
        model = MODELS.build(dict(type='LossMixTeacher', detector=cfg, **options))
        model.init_weights()
        students.append(model.student.state_dict())
    assert all(torch.equal(v, students[1][k]) for k, v in students[0].items())
