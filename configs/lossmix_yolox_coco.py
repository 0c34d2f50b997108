# LossMix takes the place of MixUp, which trains on both images' boxes at full weight:
# it mixes always, as that does, and ends with it. Mosaic stays.
_base_ = 'baseline_yolox_coco.py'

model = dict(
    type='LossMixDetector',
    detector=_base_.model.type,
    data_preprocessor=dict(
        batch_augments=[  # last: a resize must come before there are two targets
            *_base_.model.data_preprocessor.batch_augments,
            dict(type='BatchLossMix'),
        ]
    ),
)

train_pipeline = [t for t in _base_.train_pipeline if t['type'] != 'MixUp']
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
custom_hooks = [
    *_base_.custom_hooks,
    # YOLOXModeSwitchHook ends Mosaic and MixUp one epoch before its number.
    dict(type='StopMixingHook', num_last_epochs=_base_.num_last_epochs + 1),
]
