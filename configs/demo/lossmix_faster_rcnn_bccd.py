# Real photographs on a CPU: a thin backbone trained from scratch at half the size.
_base_ = ['../lossmix_faster_rcnn_bccd.py', '_base_/thin.py']

model = _base_.thin
model.rpn_head.anchor_generator.scales = [3]  # cells are small
model.train_cfg.rcnn.sampler.num = 64

train_pipeline, test_pipeline = [
    [{**s, 'scale': (320, 240)} if s['type'] == 'Resize' else s for s in steps]
    for steps in (_base_.train_pipeline, _base_.test_pipeline)
]
train_dataloader = dict(
    batch_size=4, dataset=dict(times=1, dataset=dict(pipeline=train_pipeline))
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=0.001, weight_decay=0.05),
    clip_grad=dict(max_norm=10),
)
