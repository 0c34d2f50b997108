# Persons in photographs -> persons in works of art, at 192 pixels. Source: VOC 2007
# test, the photographs with a person of `dev_train`, our split; `dev_test` is held out.
# Target: the train list of People-Art, without labels. Its val list is for choices and
# curves, its test list for the one test of the last checkpoint.
_base_ = ['voc_to_clipart.py', 'schedule.py']

custom_imports = dict(imports=['mmdet_lossmix', 'studies.parts'])
metainfo = dict(classes=('person',))
photos, art = 'data/VOCdevkit/', 'data/people_art/'
size = (192, 192)

# Blur is in proportion to the image. Erasing may hide what a label speaks of: a source
# object is then ignored, and target views are not erased.
changes = dict(
    Resize=dict(scale=size),
    StrongAugment=dict(blur_side=600, max_erased=0.5),
    MultiBranch=dict(
        unsup_student=[
            dict(type='StrongAugment', erase=False, blur_side=600),
            _base_.pack_view,
        ]
    ),
)
source_pipeline, target_pipeline, test_pipeline = [
    [
        step
        if step['type'] == 'MultiBranch' and 'sup' in step
        else {**step, **changes.get(step['type'], {})}
        for step in steps
    ]
    for steps in (
        _base_.source_pipeline,
        _base_.target_pipeline,
        _base_.test_pipeline,
    )
]
source = {
    **_base_.source,
    'metainfo': metainfo,
    'data_root': photos,
    'ann_file': 'VOC2007/ImageSets/Main/dev_train.txt',
    'data_prefix': dict(sub_data_root='VOC2007/'),
    'pipeline': source_pipeline,
}
target = {
    **_base_.target,
    'metainfo': metainfo,
    'data_root': art,
    'pipeline': target_pipeline,
}
labelled_target = {  # for the oracle, and for analysis by studies
    **_base_.labelled_target,
    'metainfo': metainfo,
    'data_root': art,
    'pipeline': source_pipeline,
}
val_dataloader, test_dataloader = [
    dict(
        batch_size=8,
        num_workers=0,
        persistent_workers=False,
        dataset=dict(
            metainfo=metainfo,
            data_root=art,
            ann_file=f'ImageSets/Main/{part}.txt',
            pipeline=test_pipeline,
        ),
    )
    for part in ('val', 'test')
]
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=0.001, weight_decay=0.05),
    # At the full rate the pretrained backbone forgets.
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
)
