# Mixing in the warm-up only.
_base_ = 'demo_lossmix_fcos.py'

model = dict(adaptation_mix=None)
