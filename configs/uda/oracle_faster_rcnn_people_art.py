# The labels of the target: what there is to gain.
_base_ = 'source_only_faster_rcnn_people_art.py'

images = _base_.train_dataloader.dataset.datasets[1]
train_dataloader = dict(dataset=dict(datasets=[_base_.labelled_target, images]))
