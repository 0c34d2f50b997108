# Mixing in the adaptation only.
_base_ = 'demo_lossmix_faster_rcnn.py'

model = dict(warmup_mix=None)
