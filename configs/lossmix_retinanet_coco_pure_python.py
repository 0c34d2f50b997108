# lossmix_retinanet_coco in mmengine's pure-Python style: bases and types are imported.
from mmengine.config import read_base

with read_base():
    # With a checkout of mmdet: from mmdet.configs.retinanet.retinanet_r50_fpn_1x_coco
    from ._base_.retinanet_r50_fpn_1x_coco_pure_python import *

from mmdet_lossmix.hooks import StepSeedHook
from mmdet_lossmix.models import BatchLossMix, LossMixDetector

model.update(
    type=LossMixDetector,
    detector=model['type'],
    data_preprocessor=dict(batch_augments=[dict(type=BatchLossMix)]),
)
custom_hooks = [dict(type=StepSeedHook)]
randomness = dict(seed=0)
