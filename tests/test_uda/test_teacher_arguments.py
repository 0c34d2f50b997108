"""Arguments of LossMixTeacher: which are refused, and what those of losses mean."""

import pytest
import torch

from tests.helpers.teacher import batch, build


def test_switches_of_pseudo_losses_are_explicit(float64):
    switches = dict(loss_cls=0.5, loss_bbox=True, loss_centerness=False)
    model, plain = build('fcos', pseudo_policy=dict(losses=switches, weight=0.5))
    inputs, samples = batch(plain)
    actual = model.loss(inputs, samples)
    expected = plain.loss(inputs['unsup_student'], model.last_pseudo)
    target = {k[7:]: v for k, v in actual.items() if k.startswith('target_')}
    assert set(target) == {'loss_cls', 'loss_bbox'}
    torch.testing.assert_close(target['loss_cls'], expected['loss_cls'] / 4)
    torch.testing.assert_close(target['loss_bbox'], expected['loss_bbox'] / 2)
    source = {k[7:] for k in actual if k.startswith('source_')}
    assert source == {'loss_cls', 'loss_bbox', 'loss_centerness'}


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(burn_in_iters=-1), 'burn_in_iters'),
        (dict(keep_rate=1.0), 'keep_rate'),
        (dict(warmup_mix=dict(max_share=0.6)), r'\(0, 0.5\]'),
        (dict(adaptation_mix=dict(strategy='cutmix')), "one of .*'lossmix'"),
        (dict(adaptation_mix=dict(inter_share=2)), 'inter_share'),
        (dict(pseudo_labels=dict(without='nothing')), "'background' or 'ignored'"),
        (dict(pseudo_labels=dict(score_thr=1.0)), 'score_thr'),
        (dict(pseudo_policy=dict(losses='cls')), "'all', 'classification'"),
        (dict(roi_sampling='none'), 'roi_sampling'),
        (
            dict(pseudo_labels=None, discriminator=dict(in_channels=64)),
            'discriminator=None',
        ),
        (dict(pseudo_labels=None, adaptation_mix=dict()), 'adaptation_mix=None'),
        (dict(momentum=0.1, keep_rate=0.9), '`momentum` or `keep_rate`'),
        (dict(momentum=0.0), r'`momentum` to a number in \(0, 1\]'),
        (dict(burn_in_iters=2.5), '`burn_in_iters` to a whole number'),
        (dict(semi_test_cfg=dict(predict_on='nobody')), "'student', 'teacher'"),
        (dict(pseudo_policy=dict(losses=dict(loss_cls=-1))), 'loss_cls'),
        (
            dict(
                adaptation_mix=dict(strategy='union'),
                pseudo_policy=dict(losses=dict(loss_cls=3.0), weight=0.5),
            ),
            "weights of pseudo losses <= 1 with `strategy='union'`",
        ),
        (
            dict(adaptation_mix=dict(strategy='union'), pseudo_policy=dict(weight=1.1)),
            "weights of pseudo losses <= 1 with `strategy='union'`",
        ),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


@pytest.mark.parametrize(
    'options',
    [
        dict(burn_in_iters='20000'),
        dict(keep_rate='0.9996'),
        dict(momentum='0.0004'),
        dict(warmup_mix=dict(max_share='0.3')),
        dict(warmup_mix=dict(alpha='1')),
        dict(adaptation_mix=dict(inter_share='0.5')),
        dict(adaptation_mix=dict(prob='1')),
        dict(pseudo_labels=dict(score_thr='0.8')),
        dict(pseudo_labels=dict(min_size=None)),
        dict(pseudo_policy=dict(weight='1')),
        dict(pseudo_policy=dict(losses=dict(loss_cls='0.5'))),
        dict(discriminator=dict(in_channels='64')),
        dict(discriminator=dict(in_channels=64, level='-1')),
        dict(discriminator=dict(in_channels=64, weight='0.1')),
        dict(discriminator=dict(in_channels=64, ramp_iters=True)),
    ],
    ids=str,
)
def test_what_is_no_number_is_named(options):
    (name, value), *_ = options.items()
    while isinstance(value, dict):
        name, value = list(value.items())[-1]
    with pytest.raises(TypeError, match=f'`{name}` to (be )?a .*{value!r}'):
        build(**options)


def test_momentum_and_keep_rate_say_the_same():
    by_default, _ = build()
    for options in (dict(momentum=0.0004), dict(keep_rate=0.9996)):
        model, _ = build(**options)
        assert model.momentum == pytest.approx(by_default.momentum, rel=1e-9)


def test_policy_names_losses_that_do_not_exist_or_were_forgotten():
    model, plain = build(pseudo_policy=dict(losses=dict(loss_cls=True, loss_iou=1.0)))
    with pytest.raises(ValueError, match=r"\['loss_bbox'\] are not.*\['loss_iou'\]"):
        model.loss(*batch(plain))
