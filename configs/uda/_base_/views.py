# What is done to images of the source, of the target, and of the test.
branches = ['sup', 'unsup_teacher', 'unsup_student']
scale = (1000, 600)

# Every second source image is strongly augmented: strong and weak in expectation, at
# half the cost of training on both views of each.
source_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1), keep_empty=False),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='StrongAugment', prob=0.5),
    dict(type='MultiBranch', branch_field=branches, sup=[dict(type='PackDetInputs')]),
]
pack_view = dict(
    type='PackDetInputs',
    meta_keys=(
        'img_id',
        'img_path',
        'ori_shape',
        'img_shape',
        'scale_factor',
        'flip',
        'flip_direction',
        'homography_matrix',
    ),
)
# Geometry comes first, once for both views; only colours differ.
target_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadEmptyAnnotations'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='MultiBranch',
        branch_field=branches,
        unsup_teacher=[pack_view],
        unsup_student=[dict(type='StrongAugment'), pack_view],
    ),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=scale, keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
