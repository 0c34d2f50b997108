# Union in place of LossMix, in the adaptation.
_base_ = 'demo_lossmix_faster_rcnn.py'

model = dict(warmup_mix=None, adaptation_mix=dict(strategy='union'))
