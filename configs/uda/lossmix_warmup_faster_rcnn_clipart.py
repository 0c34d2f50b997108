# Mixing in the warm-up only.
_base_ = 'lossmix_faster_rcnn_clipart.py'

model = dict(adaptation_mix=None)
