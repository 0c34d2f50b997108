_base_ = 'baseline_fcos_voc.py'

model = dict(data_preprocessor=dict(batch_augments=[dict(type='BatchUnionMix')]))
