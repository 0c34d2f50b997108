_base_ = ['thin_faster_rcnn.py', 'lite0.py']

channels = _base_.lite0_channels

model = dict(
    **_base_.lite0,
    rpn_head=dict(in_channels=channels, feat_channels=channels),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=channels),
        bbox_head=dict(num_classes=20, in_channels=channels),
    ),
)
