# The source alone, weakly augmented, without a teacher.
_base_ = 'demo_strong_ema_fcos.py'

photos, images = _base_.train_dataloader.dataset.datasets
weak = [step for step in photos.pipeline if step['type'] != 'StrongAugment']
train_dataloader = dict(dataset=dict(datasets=[{**photos, 'pipeline': weak}, images]))
model = dict(burn_in_iters=_base_.max_iters)
