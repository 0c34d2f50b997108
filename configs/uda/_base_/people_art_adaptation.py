# From the averaged weights of source_DETECTOR_people_art, at a fifth of its rate:
#     --cfg-options load_from=work_dirs/source_DETECTOR_people_art/iter_2000.pth
# Without them it adapts a detector that knows nothing. Studies do it by `start`.
_base_ = 'voc_to_people_art.py'

max_iters = 1000
adaptation = dict(
    type='LossMixTeacher',
    burn_in_iters=0,
    adaptation_mix=dict(strategy='lossmix', inter_share=0.5, prob=0.5),
    # At a stride of 16, where most of the objects are detected.
    discriminator=dict(in_channels=112, level=1, weight=0.1, ramp_iters=200),
    keep_rate=1 - 20 / max_iters,
)

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(per_domain=[4, 4]),
    dataset=dict(datasets=[_base_.source, _base_.target]),
)
train_cfg = dict(max_iters=max_iters, val_interval=200)
optim_wrapper = dict(optimizer=dict(lr=0.0002))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=50)
]
default_hooks = dict(checkpoint=dict(interval=500), pseudo_labels=dict(interval=200))
