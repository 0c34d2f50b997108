# Our own Adaptive Teacher: no mixing at all.
_base_ = 'demo_lossmix_faster_rcnn.py'

model = dict(warmup_mix=None, adaptation_mix=None)
