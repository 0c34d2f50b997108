# EfficientNet-Lite0 with ImageNet weights that a package brings (the extra `studies`):
# detectors that learn on photographs without a download, and on a CPU.
lite0_channels = 64
lite0 = dict(
    data_preprocessor=dict(mean=[127.0] * 3, std=[128.0] * 3),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite',
        out_indices=(3, 4, 5),
        frozen_stages=3,
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='efficientnet_lite0://'),
    ),
    neck=dict(in_channels=[40, 112, 320], out_channels=lite0_channels),
)
lite0_dense_head = dict(
    num_classes=20, in_channels=lite0_channels, feat_channels=lite0_channels
)
