# VOC2012 trainval -> Watercolor2k: its train split without labels, its test split.
# Six of VOC's classes; images without any of them are no part of the source.
_base_ = 'lossmix_faster_rcnn_clipart.py'

metainfo = dict(
    classes=('bicycle', 'bird', 'car', 'cat', 'dog', 'person'),
    palette=None,
)
model = dict(detector=dict(roi_head=dict(bbox_head=dict(num_classes=6))))

voc, clipart = _base_.train_dataloader.dataset.datasets
train_dataloader = dict(
    dataset=dict(
        datasets=[
            {**voc, 'metainfo': metainfo},
            {**clipart, 'data_root': 'data/watercolor/'},
        ]
    )
)
val_dataloader = dict(dataset=dict(data_root='data/watercolor/', metainfo=metainfo))
test_dataloader = val_dataloader
