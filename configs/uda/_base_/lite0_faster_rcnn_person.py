# Without running statistics of our own, as thin_fcos_gn.py says; the pretrained
# backbone keeps its.
_base_ = '../../_base_/lite0_faster_rcnn.py'

model = dict(
    neck=dict(norm_cfg=dict(type='GN', num_groups=8)),
    roi_head=dict(bbox_head=dict(num_classes=1)),
)
