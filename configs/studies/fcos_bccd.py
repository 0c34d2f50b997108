_base_ = ['../_base_/thin_fcos.py', '_base_/bccd.py']

model = dict(bbox_head=dict(num_classes=3))
