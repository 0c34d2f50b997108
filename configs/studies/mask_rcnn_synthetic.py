# Drawn images with masks, of `python -m synthetic_voc --masks`, or drawn by the study.
_base_ = ['../_base_/lite0_mask_rcnn.py', '_base_/synthetic.py']

custom_imports = dict(imports=['mmdet_lossmix', 'studies.parts'])
data_root = 'work_dirs/studies/masks/VOCdevkit/'
masks = dict(type='LoadAnnotations', with_bbox=True, with_mask=True)
train_pipeline, test_pipeline = [
    [masks if s['type'] == 'LoadAnnotations' else s for s in steps]
    for steps in (_base_.train_pipeline, _base_.test_pipeline)
]
drawn = dict(
    type='CocoDataset',
    metainfo=_base_.metainfo,
    data_root=data_root,
    data_prefix=dict(img=''),
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **drawn,
        ann_file='trainval.json',
        filter_cfg=dict(filter_empty_gt=True, min_size=8),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **drawn,
        ann_file='test.json',
        test_mode=True,
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(metric=['bbox', 'segm'], ann_file=data_root + 'test.json')
test_evaluator = val_evaluator
model = dict(
    roi_head=dict(bbox_head=dict(num_classes=5), mask_head=dict(num_classes=5))
)
optim_wrapper = dict(  # as on photographs
    optimizer=dict(lr=0.001),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
)
