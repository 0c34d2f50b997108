# Real photographs on a CPU: a thin backbone trained from scratch at half the size.
_base_ = '../lossmix_faster_rcnn_bccd.py'

model = dict(
    detector=dict(
        backbone=dict(
            depth=18,
            base_channels=32,
            out_indices=(1, 2, 3),
            frozen_stages=-1,
            norm_eval=False,
            init_cfg=None,
        ),
        neck=dict(
            in_channels=[64, 128, 256],
            out_channels=64,
            num_outs=4,
            norm_cfg=dict(type='BN'),
        ),
        rpn_head=dict(
            in_channels=64,
            feat_channels=64,
            anchor_generator=dict(scales=[3], strides=[8, 16, 32, 64]),
        ),
        roi_head=dict(
            bbox_roi_extractor=dict(
                roi_layer=dict(sampling_ratio=1),
                out_channels=64,
                featmap_strides=[8, 16, 32],
            ),
            bbox_head=dict(in_channels=64, fc_out_channels=256),
        ),
        train_cfg=dict(
            rpn_proposal=dict(nms_pre=300, max_per_img=200),
            rcnn=dict(sampler=dict(num=64)),
        ),
        test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=200)),
    ),
)

train_pipeline = [
    {**step, 'scale': (320, 240)} if step['type'] == 'Resize' else step
    for step in _base_.train_pipeline
]
test_pipeline = [
    {**step, 'scale': (320, 240)} if step['type'] == 'Resize' else step
    for step in _base_.test_pipeline
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
