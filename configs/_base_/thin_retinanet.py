# RetinaNet with a thin backbone, to be trained from scratch on a CPU.
_base_ = 'mmdet::_base_/models/retinanet_r50_fpn.py'

channels = 32

model = dict(
    backbone=dict(
        depth=18,
        base_channels=16,
        out_indices=(1, 2, 3),
        frozen_stages=-1,
        norm_eval=False,
        init_cfg=None,
    ),
    neck=dict(
        in_channels=[32, 64, 128],
        out_channels=channels,
        start_level=0,
        num_outs=4,
        norm_cfg=dict(type='BN'),
    ),
    bbox_head=dict(
        num_classes=5,
        in_channels=channels,
        feat_channels=channels,
        stacked_convs=2,
        anchor_generator=dict(octave_base_scale=3, strides=[8, 16, 32, 64]),
    ),
    test_cfg=dict(nms_pre=300),
)
