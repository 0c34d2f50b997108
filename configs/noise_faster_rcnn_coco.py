_base_ = 'baseline_faster_rcnn_coco.py'

model = dict(data_preprocessor=dict(batch_augments=[dict(type='BatchNoiseMix')]))
