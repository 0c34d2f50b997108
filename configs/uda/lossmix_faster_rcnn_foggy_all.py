# The same with the fog of all three densities, to learn from and to be tested on.
_base_ = 'lossmix_faster_rcnn_foggy.py'

cityscapes, foggy = _base_.train_dataloader.dataset.datasets
train_dataloader = dict(
    dataset=dict(datasets=[cityscapes, {**foggy, 'pattern': '*_foggy_beta_0.0*.png'}])
)
val_dataloader = dict(dataset=dict(betas=('0.005', '0.01', '0.02')))
test_dataloader = val_dataloader
