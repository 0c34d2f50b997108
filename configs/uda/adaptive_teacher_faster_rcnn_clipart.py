# Our own Adaptive Teacher: no mixing at all.
_base_ = 'lossmix_faster_rcnn_clipart.py'

model = dict(warmup_mix=None, adaptation_mix=None)
