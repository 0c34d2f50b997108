# The main job made small: generated images and a thin backbone trained from scratch, a
# few minutes on two CPU cores. `make demo` runs it.
_base_ = ['../lossmix_faster_rcnn_voc.py', '_base_/thin.py']

data_root = 'work_dirs/demo/data/VOCdevkit/'
epochs = 3

model = dict(
    **_base_.thin,
    # Mixing regularises; in so short a training every second batch is enough of it.
    data_preprocessor=dict(batch_augments=[dict(type='BatchLossMix', prob=0.5)]),
)

train_pipeline, test_pipeline = [
    [{**s, 'scale': (160, 160)} if s['type'] == 'Resize' else s for s in steps]
    for steps in (_base_.train_pipeline, _base_.test_pipeline)
]
trainval = [
    {
        **dataset,
        'data_root': data_root,
        'pipeline': train_pipeline,
        'filter_cfg': dict(filter_empty_gt=True, bbox_min_size=8),
    }
    for dataset in _base_.train_dataloader.dataset.dataset.datasets
]
train_dataloader = dict(
    batch_size=8, dataset=dict(times=1, dataset=dict(datasets=trainval))
)
val_dataloader = dict(
    batch_size=8, dataset=dict(data_root=data_root, pipeline=test_pipeline)
)
test_dataloader = val_dataloader

train_cfg = dict(max_epochs=epochs, val_interval=1)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=0.001, weight_decay=0.05),
    clip_grad=dict(max_norm=10),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=epochs,
        eta_min_ratio=0.02,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(logger=dict(interval=25), checkpoint=dict(max_keep_ckpts=1))
