# Images with a COCO file -> a bare folder of images, for a config of 11 lines
# (docs/uda.md). One GPU, 2 + 2 images. Lengths and rates are ours and untuned.
_base_ = ['views.py', 'loaders.py', 'schedule.py']

burn_in_iters = 2000  # about as many as the source needs to be learnt
max_iters = 10000

source = dict(
    type='CocoDataset',
    filter_cfg=dict(filter_empty_gt=True),
    pipeline=_base_.source_pipeline,
)
target = dict(type='UnlabelledDataset', pipeline=_base_.target_pipeline)
val = dict(type='CocoDataset', test_mode=True, pipeline=_base_.test_pipeline)

val_evaluator = dict(type='CocoMetric', metric='bbox')
test_evaluator = val_evaluator

# A burn-in without mixing: no study has shown a gain of `warmup_mix`.
adaptation = dict(
    type='LossMixTeacher',
    burn_in_iters=burn_in_iters,
    adaptation_mix=dict(strategy='lossmix', inter_share=0.5),
    momentum=20 / (max_iters - burn_in_iters),
)

train_cfg = dict(max_iters=max_iters, val_interval=1000)
optim_wrapper = dict(optimizer=dict(lr=0.005))
auto_scale_lr = dict(base_batch_size=4)
default_hooks = dict(
    checkpoint=dict(interval=1000, save_best='teacher/coco/bbox_mAP_50'),
    pseudo_labels=dict(interval=1000),
)
