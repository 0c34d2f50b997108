# Blood cells: 364 real photographs in VOC's layout; docs/data.md says where they are.
_base_ = [
    'mmdet::_base_/models/faster-rcnn_r50_fpn.py',
    'mmdet::_base_/default_runtime.py',
    '_base_/runtime.py',
    '_base_/bccd.py',
]

model = dict(roi_head=dict(bbox_head=dict(num_classes=3)))
