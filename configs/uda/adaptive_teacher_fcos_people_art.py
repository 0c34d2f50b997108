# Our own Adaptive Teacher: no mixing at all.
_base_ = 'lossmix_adaptation_fcos_people_art.py'

model = dict(adaptation_mix=None)
