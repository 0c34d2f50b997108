# Photographs of VOC 2007 test, our split: `dev_train` is trained on, `dev_test` tested.
_base_ = 'synthetic.py'

custom_imports = dict(imports=['mmdet_lossmix', 'studies.parts'])
max_iters = 2000
scale = (192, 192)
train_pipeline, test_pipeline = [
    [{**s, 'scale': scale} if s['type'] == 'Resize' else s for s in steps]
    for steps in (_base_.train_pipeline, _base_.test_pipeline)
]
photos = dict(
    type='VOCDataset',
    data_root='data/VOCdevkit/',
    data_prefix=dict(sub_data_root='VOC2007/'),
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **photos,
        ann_file='VOC2007/ImageSets/Main/dev_train_1000.txt',
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **photos,
        ann_file='VOC2007/ImageSets/Main/dev_test.txt',
        test_mode=True,
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader

train_cfg = dict(max_iters=max_iters, val_interval=max_iters // 4)
optim_wrapper = dict(
    optimizer=dict(lr=0.001),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
)
param_scheduler = [
    _base_.param_scheduler[0],
    {**_base_.param_scheduler[1], 'end': max_iters},
]
default_hooks = dict(checkpoint=dict(interval=max_iters // 4))
