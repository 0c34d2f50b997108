# What all adaptations share. 16 + 16 images, lr 0.04: 8 processes with 2 + 2.
_base_ = ['mmdet::_base_/default_runtime.py', '../../_base_/runtime.py']

burn_in_iters = 20000
max_iters = 100000

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=5000)
val_cfg = dict(type='TeacherValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.04, momentum=0.9, weight_decay=0.0001),
    clip_grad=dict(max_norm=10),
    # Idle in the burn-in, it would shrink to half of what it began with.
    paramwise_cfg=dict(custom_keys=dict(discriminator=dict(decay_mult=0.0))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000)
]
auto_scale_lr = dict(enable=False, base_batch_size=32)

custom_hooks = [dict(type='StepSeedHook'), dict(type='TeacherHook')]
# The last checkpoint is the result. The best one, kept beside it, was chosen by its AP
# on the test set.
default_hooks = dict(
    logger=dict(log_metric_by_epoch=False),  # the step of a metric is its iteration
    checkpoint=dict(
        type='TeacherCheckpointHook',
        by_epoch=False,
        interval=5000,
        max_keep_ckpts=2,
        save_best='teacher/pascal_voc/AP50',
        rule='greater',
    ),
    pseudo_labels=dict(type='PseudoLabelHook', interval=5000),
)
log_processor = dict(by_epoch=False)
