_base_ = 'lossmix_faster_rcnn_voc.py'

model = dict(
    data_preprocessor=dict(
        batch_augments=[dict(type='BatchLossMix', operator=dict(type='CutMix'))]
    )
)
