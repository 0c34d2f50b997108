_base_ = 'baseline_fcos_coco.py'

model = dict(data_preprocessor=dict(batch_augments=[dict(type='BatchUnionMix')]))
