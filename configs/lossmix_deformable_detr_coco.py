_base_ = 'baseline_deformable_detr_coco.py'

model = dict(
    _delete_=True,
    type='LossMixDetector',
    detector=_base_.model,
    weighting='batch',
    data_preprocessor=dict(batch_augments=[dict(type='BatchLossMix')]),
)
