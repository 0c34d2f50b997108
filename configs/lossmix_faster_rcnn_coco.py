_base_ = 'baseline_faster_rcnn_coco.py'

model = dict(
    type='LossMixDetector',
    detector=_base_.model.type,
    data_preprocessor=dict(batch_augments=[dict(type='BatchLossMix')]),
)
