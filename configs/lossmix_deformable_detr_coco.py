_base_ = 'baseline_deformable_detr_coco.py'

model = dict(
    type='LossMixDetector',
    detector=_base_.model.type,
    data_preprocessor=dict(batch_augments=[dict(type='BatchLossMix')]),
)
