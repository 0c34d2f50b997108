# FCOS of mmdet, thin, from scratch: RetinaNet's backbone, FCOS' neck and head.
_base_ = 'thin_retinanet.py'

model = dict(
    type='FCOS',
    neck=dict(add_extra_convs='on_output', relu_before_extra_convs=True),
    bbox_head=dict(
        _delete_=True,
        type='FCOSHead',
        num_classes=20,
        in_channels=64,
        feat_channels=64,
        stacked_convs=2,
        strides=[8, 16, 32, 64],
        regress_ranges=((-1, 32), (32, 64), (64, 128), (128, 100000000.0)),
    ),
    train_cfg=None,
)
