# Mixing in the burn-in only.
_base_ = 'demo_lossmix_faster_rcnn.py'

model = dict(adaptation_mix=None)
