# Generated photo-like images -> generated clipart, in minutes on a CPU:
#     KIND='--train 800 --test 200 --size 160 --classes bicycle bottle car person sheep'
#     python -m synthetic_voc work_dirs/uda/photo $KIND
#     python -m synthetic_voc work_dirs/uda/clipart --domain clipart \
#         --seed 1 $KIND
_base_ = ['voc_to_clipart.py', 'schedule.py']

photo = 'work_dirs/uda/photo/VOCdevkit/'
clipart = 'work_dirs/uda/clipart/VOCdevkit/'
metainfo = dict(classes=('bicycle', 'bottle', 'car', 'person', 'sheep'))
size = (160, 160)
burn_in_iters = 800
max_iters = 1300

source_pipeline, target_pipeline, test_pipeline = [
    [{**step, 'scale': size} if step['type'] == 'Resize' else step for step in steps]
    for steps in (
        _base_.source_pipeline,
        _base_.target_pipeline,
        _base_.test_pipeline,
    )
]
source = {
    **_base_.source,
    'metainfo': metainfo,
    'data_root': photo,
    'pipeline': source_pipeline,
}
target = dict(  # a bare folder
    type='UnlabelledDataset',
    metainfo=metainfo,
    data_root=clipart,
    data_prefix=dict(img='VOC2012/JPEGImages'),
    pipeline=target_pipeline,
)
# The same images with annotations: for the oracle, and for analysis by studies.
labelled_target = {**source, 'data_root': clipart}

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(per_domain=[4, 4]),
    dataset=dict(datasets=[source, target]),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        metainfo=metainfo,
        data_root=clipart,
        ann_file='VOC2007/ImageSets/Main/test.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

train_cfg = dict(max_iters=max_iters, val_interval=200)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=0.002, weight_decay=0.05),
    # At the rate of the student it swings between 'all source' and 'all target'.
    paramwise_cfg=dict(
        _delete_=True, custom_keys=dict(discriminator=dict(lr_mult=0.1))
    ),
)
# At the full rate a student fell by nine AP50 from one validation to the next: no state
# to start a teacher from.
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=100),
    dict(type='MultiStepLR', by_epoch=False, milestones=[600], gamma=0.25),
]
default_hooks = dict(checkpoint=dict(interval=400), pseudo_labels=dict(interval=100))
