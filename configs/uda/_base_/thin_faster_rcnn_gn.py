# Without running statistics, as thin_fcos_gn.py says.
_base_ = '../../_base_/thin_faster_rcnn.py'

gn = dict(type='GN', num_groups=8)

model = dict(backbone=dict(norm_cfg=gn), neck=dict(norm_cfg=gn))
