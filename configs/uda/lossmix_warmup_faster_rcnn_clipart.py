# Mixing in the burn-in only.
_base_ = 'lossmix_faster_rcnn_clipart.py'

model = dict(adaptation_mix=None)
