# Running statistics would be those of one domain, or of a blend of both; pretrained
# backbones have frozen ones, and one that is trained from scratch does without.
_base_ = '../../_base_/thin_fcos.py'

gn = dict(type='GN', num_groups=8)

model = dict(backbone=dict(norm_cfg=gn), neck=dict(norm_cfg=gn))
