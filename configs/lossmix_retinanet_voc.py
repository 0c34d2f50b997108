_base_ = 'baseline_retinanet_voc.py'

model = dict(
    type='LossMixDetector',
    detector=_base_.model.type,
    data_preprocessor=dict(batch_augments=[dict(type='BatchLossMix')]),
)
