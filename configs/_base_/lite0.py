# EfficientNet-Lite0 with ImageNet weights that a package brings (the extra `studies`):
# detectors that learn on photographs without a download, and on a CPU.
lite0 = dict(
    type='EfficientNetLite',
    out_indices=(3, 4, 5),
    frozen_stages=3,
    norm_eval=True,
    init_cfg=dict(type='Pretrained', checkpoint='efficientnet_lite0://'),
)
lite0_channels = [40, 112, 320]
lite0_preprocessor = dict(mean=[127.0] * 3, std=[128.0] * 3)
