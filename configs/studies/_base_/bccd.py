# Blood cells, real photographs, with the small studies' budget.
_base_ = 'synthetic.py'

data_root = 'data/bccd/'
scale = (320, 240)
metainfo = dict(
    classes=('RBC', 'WBC', 'Platelets'),
    palette=[(220, 60, 60), (60, 90, 220), (60, 170, 90)],
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    # Two boxes have no area; their regression loss would be NaN.
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1), keep_empty=False),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    {**step, 'scale': scale} if step['type'] == 'Resize' else step
    for step in _base_.test_pipeline[:-1]
]
test_pipeline.append(
    dict(
        type='PackDetInputs',  # with the ground truth, for CocoMetric without a file
        meta_keys=(*_base_.test_pipeline[-1]['meta_keys'], 'instances'),
    )
)
cells = dict(
    type='VOCDataset',
    metainfo=metainfo,
    data_root=data_root,
    data_prefix=dict(sub_data_root=''),
)
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        _delete_=True,
        **cells,
        ann_file='ImageSets/Main/train.txt',
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **cells,
        ann_file='ImageSets/Main/val.txt',
        test_mode=True,
        pipeline=test_pipeline,
    )
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **cells,
        ann_file='ImageSets/Main/test.txt',
        test_mode=True,
        pipeline=test_pipeline,
    )
)
