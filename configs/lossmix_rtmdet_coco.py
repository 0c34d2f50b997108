# LossMix takes the place of CachedMixUp, which trains on both images' boxes at full
# weight: the same share of mixing, the same last epochs without. Mosaic stays.
_base_ = 'baseline_rtmdet_coco.py'

model = dict(
    type='LossMixDetector',
    detector=_base_.model.type,
    data_preprocessor=dict(batch_augments=[dict(type='BatchLossMix', prob=0.5)]),
)

train_pipeline = [t for t in _base_.train_pipeline if t['type'] != 'CachedMixUp']
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='StopMixingHook', num_last_epochs=_base_.stage2_num_epochs),
]
