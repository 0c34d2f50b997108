_base_ = ['thin_retinanet.py', 'lite0.py']

channels = 64

model = dict(
    data_preprocessor=_base_.lite0_preprocessor,
    backbone=dict(_delete_=True, **_base_.lite0),
    neck=dict(in_channels=_base_.lite0_channels, out_channels=channels),
    bbox_head=dict(num_classes=20, in_channels=channels, feat_channels=channels),
)
