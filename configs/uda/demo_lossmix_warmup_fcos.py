# Mixing in the burn-in only.
_base_ = 'demo_lossmix_fcos.py'

model = dict(adaptation_mix=None)
