_base_ = 'baseline_retinanet_coco.py'

model = dict(data_preprocessor=dict(batch_augments=[dict(type='BatchUnionMix')]))
