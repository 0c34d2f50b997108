# Cityscapes train -> Foggy Cityscapes train without labels, of the thickest fog (0.02);
# tested on its val split, AP50. `..._foggy_all.py` takes the three densities.
_base_ = 'lossmix_faster_rcnn_clipart.py'

data_root = 'data/cityscapes/'
betas = ('0.02',)
scale = (1200, 600)
model = dict(detector=dict(roi_head=dict(bbox_head=dict(num_classes=8))))


source_pipeline, target_pipeline, test_pipeline = [
    [{**step, 'scale': scale} if step['type'] == 'Resize' else step for step in steps]
    for steps in (
        _base_.source_pipeline,
        _base_.target_pipeline,
        _base_.test_pipeline,
    )
]
test_pipeline[-1]['meta_keys'] = (*test_pipeline[-1]['meta_keys'], 'instances')

train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(
                type='CityscapesDataset',
                data_root=data_root,
                ann_file='annotations/instancesonly_filtered_gtFine_train.json',
                data_prefix=dict(img='leftImg8bit/train/'),
                filter_cfg=dict(filter_empty_gt=True),
                pipeline=source_pipeline,
            ),
            dict(
                type='UnlabelledDataset',
                data_root=data_root,
                data_prefix=dict(img='leftImg8bit_foggy/train/'),
                pattern='*_foggy_beta_0.02.png',
                pipeline=target_pipeline,
            ),
        ]
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='FoggyCityscapesDataset',
        betas=betas,
        data_root=data_root,
        ann_file='annotations/instancesonly_filtered_gtFine_val.json',
        data_prefix=dict(img='leftImg8bit_foggy/val/'),
        test_mode=True,
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='CocoMetric', metric='bbox')
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='teacher/coco/bbox_mAP_50'))
