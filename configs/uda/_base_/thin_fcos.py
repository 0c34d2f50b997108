# FCOS with the same thin backbone and pyramid.
_base_ = '../../_base_/thin_faster_rcnn.py'

model = dict(
    _delete_=True,
    type='FCOS',
    data_preprocessor=_base_.model.data_preprocessor,
    backbone=_base_.model.backbone,
    neck={
        **_base_.model.neck,
        'add_extra_convs': 'on_output',
        'relu_before_extra_convs': True,
    },
    bbox_head=dict(
        type='FCOSHead',
        num_classes=20,
        in_channels=_base_.channels,
        stacked_convs=2,
        feat_channels=_base_.channels,
        strides=[8, 16, 32, 64],
        regress_ranges=((-1, 32), (32, 64), (64, 128), (128, 100000000.0)),
        norm_on_bbox=True,
        centerness_on_reg=True,
        center_sampling=True,
    ),
    train_cfg=None,
    test_cfg=dict(
        nms_pre=300,
        min_bbox_size=0,
        score_thr=0.05,
        nms=dict(type='nms', iou_threshold=0.5),
        max_per_img=100,
    ),
)
