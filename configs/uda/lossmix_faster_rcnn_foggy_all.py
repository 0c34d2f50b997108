# The same with the fog of all three densities, to learn from and to be tested on.
_base_ = 'lossmix_faster_rcnn_foggy.py'

betas = ('0.005', '0.01', '0.02')
cityscapes, foggy = _base_.train_dataloader.dataset.datasets
patterns = [f'*_foggy_beta_{beta}.png' for beta in betas]
train_dataloader = dict(
    dataset=dict(datasets=[cityscapes, {**foggy, 'pattern': patterns}])
)
val_dataloader = dict(dataset=dict(betas=betas))
test_dataloader = val_dataloader
