# The source alone, in an ordinary training to the end of its schedule. Its averaged
# weights start the student and the teacher of every adaptation.
_base_ = 'voc_to_people_art.py'

max_iters = 2000
keep_rate = 1 - 20 / max_iters  # as in the adaptation: a twentieth of it

pack = dict(type='PackDetInputs')
pipeline = [s for s in _base_.source_pipeline if s['type'] != 'MultiBranch']
train_dataloader = dict(
    _delete_=True,
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset={**_base_.source, 'pipeline': [*pipeline, pack]},
)
train_cfg = dict(max_iters=max_iters, val_interval=max_iters // 4)
val_cfg = dict(_delete_=True, type='ValLoop')
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=80),
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin=0,
        end=max_iters,
        eta_min_ratio=0.02,
    ),
]
custom_hooks = [
    dict(type='StepSeedHook'),
    dict(
        type='EMAHook',
        ema_type='ExponentialMovingAverage',
        momentum=1 - keep_rate,
        update_buffers=True,
    ),
]
default_hooks = dict(
    _delete_=True,
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    checkpoint=dict(
        type='CheckpointHook',
        by_epoch=False,
        interval=max_iters // 4,
        max_keep_ckpts=2,
    ),
)
