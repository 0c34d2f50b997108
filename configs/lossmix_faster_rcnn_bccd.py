# Blood cells, real photographs: mixing in the pipeline, each image with its own lambda.
_base_ = 'baseline_faster_rcnn_bccd.py'

model = dict(type='LossMixDetector', detector=_base_.model.type, weighting='image')

train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type='LossMixTransform'),
    dict(type='PackLossMixInputs'),
]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
