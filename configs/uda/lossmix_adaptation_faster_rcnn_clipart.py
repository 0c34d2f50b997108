# Mixing in the adaptation only.
_base_ = 'lossmix_faster_rcnn_clipart.py'

model = dict(warmup_mix=None)
