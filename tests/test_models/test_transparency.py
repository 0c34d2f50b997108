"""The wrapper passes for the detector inside, to hooks and to optimizers."""

import pickle
from types import SimpleNamespace

import pytest
import torch
from mmdet.engine.hooks import (
    NumClassCheckHook,
    SyncNormHook,
    YOLOXModeSwitchHook,
    sync_norm_hook,
)
from mmdet.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import build_optim_wrapper
from torch import nn

from tests.helpers.batches import mixed_batch
from tests.helpers.thin_detectors import (
    build_pair,
    pair_of,
    thin_csp_model_cfg,
    thin_model_cfg,
)

AUGMENTS = dict(batch_augments=[dict(type='BatchLossMix')])


def names(model, kind):
    return [name for name, _ in getattr(model, f'named_{kind}')()]


def test_type_with_arguments_is_the_same_as_a_whole_config():
    cfg = thin_model_cfg('fcos')
    whole = dict(type='LossMixDetector', detector=cfg, data_preprocessor=AUGMENTS)
    beside = dict(cfg, type='LossMixDetector', detector=cfg.type)
    beside['data_preprocessor'] = {**cfg.data_preprocessor, **AUGMENTS}
    one, other = MODELS.build(whole), MODELS.build(beside)
    assert str(one) == str(other)
    assert len(other.data_preprocessor.batch_augments) == 1


@pytest.mark.parametrize('detector', ['NoSuchDetector', dict(type='FCOS'), None])
def test_arguments_of_no_type_are_refused(detector):
    with pytest.raises(TypeError, match=r"or a detector config .* beside \['backbone'"):
        MODELS.build(
            dict(type='LossMixDetector', detector=detector, backbone=dict(type='X'))
        )


def test_names_are_those_of_the_detector():
    plain, wrapped = build_pair('faster_rcnn')
    assert names(wrapped, 'parameters') == names(plain, 'parameters')
    assert names(wrapped, 'buffers') == names(plain, 'buffers')
    assert names(wrapped, 'modules') == ['', *names(plain, 'modules')]
    assert wrapped.get_submodule('roi_head.bbox_head') is wrapped.roi_head.bbox_head


def test_what_others_set_is_set_on_the_detector():
    _, wrapped = build_pair('retinanet')
    keys = list(wrapped.state_dict())
    wrapped.test_cfg = dict(score_thr=0.5)
    wrapped.dataset_meta = dict(classes=('cat',))
    wrapped.neck = wrapped.neck
    assert wrapped.detector.test_cfg == dict(score_thr=0.5)
    assert wrapped.detector.dataset_meta is wrapped.dataset_meta
    assert list(wrapped.state_dict()) == keys
    del wrapped.dataset_meta
    assert not hasattr(wrapped.detector, 'dataset_meta')


def test_what_the_wrapper_has_stays_its_own():
    _, wrapped = build_pair('retinanet')
    wrapped.mixing = False
    wrapped.forward = forward = lambda *_: None  # as get_flops does
    assert wrapped.forward is forward
    assert 'mixing' not in vars(wrapped.detector)
    assert 'forward' not in vars(wrapped.detector)
    with pytest.raises(AttributeError, match='no_such_thing'):
        del wrapped.no_such_thing


def test_pickled_wrapper_is_the_wrapper():
    _, wrapped = build_pair('retinanet')
    copied = pickle.loads(pickle.dumps(wrapped))
    assert list(copied.state_dict()) == list(wrapped.state_dict())
    copied.load_state_dict(wrapped.state_dict())


def test_num_class_check_hook_looks_inside():
    _, wrapped = build_pair('retinanet')
    dataset = SimpleNamespace(metainfo=dict(classes=('one', 'two')))
    runner = SimpleNamespace(
        model=wrapped, train_dataloader=SimpleNamespace(dataset=dataset)
    )
    with pytest.raises(AssertionError, match=r'`num_classes` \(80\) in RetinaHead'):
        NumClassCheckHook().before_train_epoch(runner)
    dataset.metainfo = dict(classes=tuple('x' * 80))
    NumClassCheckHook().before_train_epoch(runner)


def test_sync_norm_hook_loads_what_it_has_reduced(monkeypatch):
    _, wrapped = build_pair('retinanet')
    monkeypatch.setattr(sync_norm_hook, 'get_dist_info', lambda: (0, 2))
    monkeypatch.setattr(
        sync_norm_hook,
        'all_reduce_dict',
        lambda states, op: {key: value + 1 for key, value in states.items()},
    )
    before = wrapped.backbone.bn1.running_var.clone()
    SyncNormHook().before_val_epoch(SimpleNamespace(model=wrapped))
    assert torch.equal(wrapped.backbone.bn1.running_var, before + 1)


def test_yolox_mode_switch_hook_reaches_the_head():
    _, wrapped = pair_of(thin_csp_model_cfg('yolox'), weighting='batch')
    inputs, samples = mixed_batch(wrapped, [0.3, 0.3])
    assert 'loss_l1' not in wrapped.loss(inputs, samples)
    skipped = []
    dataset = SimpleNamespace(update_skip_type_keys=skipped.extend)
    hook = YOLOXModeSwitchHook(num_last_epochs=1)
    hook.before_train_epoch(
        SimpleNamespace(
            model=wrapped,
            epoch=0,
            max_epochs=1,
            logger=MMLogger.get_current_instance(),
            train_dataloader=SimpleNamespace(dataset=dataset),
        )
    )
    assert 'Mosaic' in skipped
    assert 'loss_l1' in wrapped.loss(inputs, samples)


def test_averaged_weights_are_those_of_the_detector():
    models = build_pair('retinanet')
    averaged = [ExponentialMovingAverage(m, momentum=0.5) for m in models]
    for model, average in zip(models, averaged):
        average.update_parameters(model)  # the first one copies
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(1)
        average.update_parameters(model)
    plain, wrapped = (average.state_dict() for average in averaged)
    assert list(plain) == list(wrapped)
    assert all(torch.equal(plain[key], wrapped[key]) for key in plain)


class ConvNeXt(nn.Module):
    """Names as mmpretrain's, which is all that layer-wise learning rates look at."""

    depths = (1, 1, 1, 1)

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([nn.ModuleList([nn.Linear(2, 2)])] * 4)
        self.downsample_layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(4))


@pytest.mark.parametrize(
    'settings',
    [
        dict(
            constructor='LearningRateDecayOptimizerConstructor',
            paramwise_cfg=dict(decay_rate=0.7, decay_type='layer_wise', num_layers=6),
        ),
        dict(paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)})),
        dict(paramwise_cfg=dict(bias_lr_mult=2, norm_decay_mult=0)),
    ],
    ids=['layer-wise', 'custom keys', 'biases and norms'],
)
def test_parameters_get_the_learning_rates_of_the_plain_detector(settings):
    rates = []
    for model in build_pair('retinanet'):
        model.backbone = ConvNeXt()
        parameter_names = {id(p): name for name, p in model.named_parameters()}
        optimizer = build_optim_wrapper(
            model,
            dict(
                type='OptimWrapper',
                optimizer=dict(type='SGD', lr=0.1, weight_decay=0.1),
                **settings,
            ),
        ).optimizer
        rates.append(
            {
                parameter_names[id(p)]: (group['lr'], group['weight_decay'])
                for group in optimizer.param_groups
                for p in group['params']
            }
        )
    plain, wrapped = rates
    assert len(set(plain.values())) > 1
    assert plain == wrapped
