_base_ = ['../_base_/thin_faster_rcnn.py', '_base_/bccd.py']

model = dict(roi_head=dict(bbox_head=dict(num_classes=3)))
