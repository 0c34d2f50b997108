# Union in place of LossMix, in the adaptation.
_base_ = 'lossmix_faster_rcnn_clipart.py'

model = dict(warmup_mix=None, adaptation_mix=dict(strategy='union'))
