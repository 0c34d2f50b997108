"""LossMixTeacher with a thin detector, and a batch for it."""

import copy
from functools import lru_cache

import torch
from mmdet.registry import MODELS

from tests.helpers.batches import mixed_batch
from tests.helpers.oracle import flat
from tests.helpers.thin_detectors import build_plain, thin_model_cfg

shipped = lru_cache(thin_model_cfg)  # reading a config takes as long as a test


def detector_cfg(name):
    """A thin detector, untrained, that takes its three best guesses for objects."""
    cfg = copy.deepcopy(shipped(name))
    rcnn = cfg['test_cfg'].get('rcnn', cfg['test_cfg'])
    rcnn.update(score_thr=0.0, max_per_img=3)
    return cfg


def build(name='retinanet', **options):
    options = {
        'burn_in_iters': 0,
        'pseudo_labels': dict(score_thr=0.0),
        'roi_sampling': 'per_target',
        **options,
    }
    cfg = detector_cfg(name)
    model = MODELS.build(dict(type='LossMixTeacher', detector=cfg, **options))
    plain = build_plain(copy.deepcopy(cfg))
    model.student.load_state_dict(plain.state_dict())
    model.start_teacher()
    if torch.get_default_dtype() == torch.float64:
        model = model.double()
    return model.train(), plain


def batch(plain, sources=2, targets=2):
    """Branches as MultiBranchDataPreprocessor makes them."""
    source = mixed_batch(plain, [None] * sources, seed=0)
    strong = mixed_batch(plain, [None] * targets, seed=1, shapes=((96, 96), (80, 160)))
    for sample in strong[1]:  # pseudo labels are of the view, not of the file
        sample.set_metainfo(dict(scale_factor=(0.5, 0.25)))
    weak = strong[0] * 0.9, [s.clone() for s in strong[1]]
    branches = dict(sup=source, unsup_teacher=weak, unsup_student=strong)
    return (
        {name: inputs for name, (inputs, _) in branches.items()},
        {name: samples for name, (_, samples) in branches.items()},
    )


def on_canvas(x, size):
    out = x.new_zeros(*x.shape[:2], *size)
    out[:, :, : x.shape[2], : x.shape[3]] = x
    return out


def only_losses(losses):
    return {k: v for k, v in flat(losses).items() if 'loss' in k}
