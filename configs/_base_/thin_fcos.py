# FCOS with RetinaNet's thin backbone; its head is that of mmdet's `center-normbbox`
# configs, which learns sooner.
_base_ = 'thin_retinanet.py'

model = dict(
    type='FCOS',
    neck=dict(add_extra_convs='on_output', relu_before_extra_convs=True),
    bbox_head=dict(
        _delete_=True,
        type='FCOSHead',
        num_classes=5,
        in_channels=_base_.channels,
        feat_channels=_base_.channels,
        stacked_convs=2,
        strides=[8, 16, 32, 64],
        regress_ranges=((-1, 32), (32, 64), (64, 128), (128, 100000000.0)),
        norm_on_bbox=True,
        centerness_on_reg=True,
        center_sampling=True,
    ),
    train_cfg=None,
)
