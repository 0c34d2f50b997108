# The main job made small: generated images and a thin backbone trained from scratch, a
# few minutes on two CPU cores. `make demo` runs it.
_base_ = '../lossmix_faster_rcnn_voc.py'

data_root = 'work_dirs/demo/data/VOCdevkit/'
epochs = 3
channels = 64  # of the feature pyramid and the RPN

model = dict(
    detector=dict(
        backbone=dict(
            depth=18,
            base_channels=32,
            out_indices=(1, 2, 3),
            frozen_stages=-1,
            norm_eval=False,
            init_cfg=None,
        ),
        neck=dict(
            in_channels=[64, 128, 256],
            out_channels=channels,
            num_outs=4,
            norm_cfg=dict(type='BN'),
        ),
        rpn_head=dict(
            in_channels=channels,
            feat_channels=channels,
            anchor_generator=dict(scales=[4], strides=[8, 16, 32, 64]),
        ),
        roi_head=dict(
            bbox_roi_extractor=dict(
                roi_layer=dict(sampling_ratio=1),
                out_channels=channels,
                featmap_strides=[8, 16, 32],
            ),
            bbox_head=dict(in_channels=channels, fc_out_channels=256),
        ),
        train_cfg=dict(
            rpn_proposal=dict(nms_pre=300, max_per_img=200),
            rcnn=dict(sampler=dict(num=48)),
        ),
        test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=200)),
    ),
    # Mixing regularises; in so short a training every second batch is enough of it.
    data_preprocessor=dict(batch_augments=[dict(type='BatchLossMix', prob=0.5)]),
)

train_pipeline = [
    {**step, 'scale': (160, 160)} if step['type'] == 'Resize' else step
    for step in _base_.train_pipeline
]
test_pipeline = [
    {**step, 'scale': (160, 160)} if step['type'] == 'Resize' else step
    for step in _base_.test_pipeline
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
default_hooks = dict(
    logger=dict(interval=25),
    checkpoint=dict(max_keep_ckpts=1),
)
randomness = dict(seed=0)
