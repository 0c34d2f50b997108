# Source: VOC2012 trainval. Target: the train split of Clipart1k, without labels. Test:
# its test split, AP50 with the area under the curve.
_base_ = ['views.py', 'loaders.py']

source = dict(
    type='VOCDataset',
    data_root='data/VOCdevkit/',
    ann_file='VOC2012/ImageSets/Main/trainval.txt',
    data_prefix=dict(sub_data_root='VOC2012/'),
    filter_cfg=dict(filter_empty_gt=True),
    pipeline=_base_.source_pipeline,
)
target = dict(
    type='UnlabelledDataset',
    data_root='data/clipart/',
    ann_file='ImageSets/Main/train.txt',
    data_prefix=dict(img='JPEGImages'),
    pipeline=_base_.target_pipeline,
)
labelled_target = dict(  # for the oracle alone
    type='VOCDataset',
    data_root='data/clipart/',
    ann_file='ImageSets/Main/train.txt',
    data_prefix=dict(sub_data_root=''),
    filter_cfg=dict(filter_empty_gt=True),
    pipeline=_base_.source_pipeline,
)
train_dataloader = dict(dataset=dict(datasets=[source, target]))
val_dataloader = dict(
    dataset=dict(
        type='VOCDataset',
        data_root='data/clipart/',
        ann_file='ImageSets/Main/test.txt',
        data_prefix=dict(sub_data_root=''),
        test_mode=True,
        pipeline=_base_.test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='VOCMetric', metric='mAP', eval_mode='area')
test_evaluator = val_evaluator
