_base_ = 'baseline_retinanet_voc.py'

model = dict(data_preprocessor=dict(batch_augments=[dict(type='BatchNoiseMix')]))
